"""Stage 00, review: a linear layer as a convolution, logits everywhere, and YOLO's output decoded."""

import math
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape
from labkit.methods import yolo as reference


def _cut(maps: Tensor, size: tuple[int, int]) -> list[list[Tensor]]:
    """Every window of h × w, cut out one by one: rows of (N, C, h, w)."""
    h, w = size
    rows, columns = maps.shape[2] - h + 1, maps.shape[3] - w + 1
    return [[maps[:, :, r : r + h, c : c + w] for c in range(columns)] for r in range(rows)]


def _one_by_one(answers: list[list[Tensor]]) -> Tensor:
    """Rows of (N, K), a window each -> (N, K, rows, columns)."""
    return torch.stack([torch.stack(row, dim=-1) for row in answers], dim=-2)


# 00.1 ------------------------------------------------------------------------------------------------
def _linear_cases(generator: torch.Generator) -> Cases:
    def case(N, C, map_size, size, K=5):
        h, w = size
        return SimpleNamespace(
            maps=torch.randn(N, C, *map_size, generator=generator),
            weight=torch.randn(K, C * h * w, generator=generator) / (C * h * w) ** 0.5,
            bias=torch.randn(K, generator=generator),
            size=size,
        )

    return {
        "a map of the trained size": case(2, 6, (3, 3), (3, 3)),
        "a larger map": case(1, 4, (7, 9), (3, 3)),
        "windows that are not square": case(2, 3, (6, 6), (2, 4)),
    }


def _judge_linear(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expected = _one_by_one(
        [
            [window.flatten(1) @ case.weight.T + case.bias for window in row]
            for row in _cut(case.maps, case.size)
        ]
    )
    expect_close(
        "logits",
        answer["logits"],
        expected,
        why="at each position: the window cut out, flattened, given to the linear layer",
    )


def _as_kernel(weight: Tensor, size: tuple[int, int]) -> Tensor:
    return weight.reshape(len(weight), -1, *size)


def _channels_last(maps, weight, bias, size):
    return F.conv2d(maps, weight.reshape(len(weight), *size, -1).permute(0, 3, 1, 2), bias)


LINEAR = Exercise(
    id="00.1",
    title="A linear layer is a convolution",
    points=2,
    minutes=10,
    hints=(
        "A convolution's weights are (K, C, h, w), a linear layer's (K, C·h·w). The numbers are the same, "
        "and in the same order.",
        "flatten runs along a row, then down the rows, then through the channels. reshape(K, C, h, w) runs alike.",
        "F.conv2d(maps, weight.reshape(K, C, h, w), bias), without padding and with stride 1",
    ),
    cases=_linear_cases,
    answer=lambda f, case: {"logits": f(case.maps, case.weight, case.bias, case.size)},
    judge=_judge_linear,
    mistakes=(
        Mistake(
            "channels last",
            "your weights are in another order than the flattened map: flatten goes through the channels last of "
            "all, so C comes before h and w: reshape(K, C, h, w), with no permute.",
            _channels_last,
        ),
        Mistake(
            "height and width exchanged",
            "your kernel is w × h. A map is (N, C, h, w), so its kernel is (K, C, h, w): height first.",
            lambda maps, weight, bias, size: F.conv2d(maps, _as_kernel(weight, size[::-1]), bias),
        ),
        Mistake(
            "bias forgotten",
            "the bias is missing. F.conv2d takes it as its third argument, one number a category as before.",
            lambda maps, weight, bias, size: F.conv2d(maps, _as_kernel(weight, size)),
        ),
        Mistake(
            "padded",
            "you padded the map so that it keeps its size. The linear layer never saw padding: only windows that "
            "lie wholly inside count, so the map of logits is smaller.",
            lambda maps, weight, bias, size: F.conv2d(
                maps, _as_kernel(weight, size), bias, padding=(size[0] // 2, size[1] // 2)
            ),
        ),
        Mistake(
            "windows side by side",
            "your windows step by their own size, so most positions are missing. Let them overlap: stride 1.",
            lambda maps, weight, bias, size: F.conv2d(maps, _as_kernel(weight, size), bias, stride=size),
        ),
    ),
)


# 00.2 ------------------------------------------------------------------------------------------------
def _pooled_cases(generator: torch.Generator) -> Cases:
    def case(N, C, map_size, window, K=4):
        return SimpleNamespace(
            maps=torch.randn(N, C, *map_size, generator=generator) + 0.5,
            weight=torch.randn(K, C, generator=generator) / C**0.5,
            bias=torch.randn(K, generator=generator),
            window=window,
        )

    return {
        "a map of the trained size": case(2, 6, (7, 7), 7),
        "a larger map": case(1, 5, (9, 12), 7),
        "a smaller window": case(2, 3, (5, 8), 3),
    }


def _judge_pooled(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    windows = _cut(case.maps, (case.window, case.window))
    expected = _one_by_one(
        [[window.mean(dim=(2, 3)) @ case.weight.T + case.bias for window in row] for row in windows]
    )
    expect_close(
        "logits",
        answer["logits"],
        expected,
        why="at each position: the window cut out, its mean taken, given to the linear layer",
    )


def _pooled(pool):
    """A wrong answer made of a wrong pooling: (maps, window) -> maps."""

    def wrong(maps, weight, bias, window):
        return F.conv2d(pool(maps, window), weight[:, :, None, None], bias)

    return wrong


POOLED = Exercise(
    id="00.2",
    title="Logits at every position",
    points=2,
    minutes=10,
    hints=(
        "Two steps: the mean of every window, then the linear layer at every position.",
        "F.avg_pool2d gives the means, but its stride is the window's size unless you say stride=1.",
        "At one position there is nothing but C numbers: the kernel is 1 × 1, weight[:, :, None, None].",
        "F.conv2d(F.avg_pool2d(maps, window, stride=1), weight[:, :, None, None], bias)",
    ),
    cases=_pooled_cases,
    answer=lambda f, case: {"logits": f(case.maps, case.weight, case.bias, case.window)},
    judge=_judge_pooled,
    mistakes=(
        Mistake(
            "windows side by side",
            "your windows lie side by side: F.avg_pool2d steps by the window's size unless you say stride=1.",
            _pooled(lambda maps, window: F.avg_pool2d(maps, window)),
        ),
        Mistake(
            "one mean for the whole map",
            "you took one mean over the whole map, as the network did, so a larger photo still gives one answer. "
            "Take the mean of each window.",
            _pooled(lambda maps, window: maps.mean(dim=(2, 3), keepdim=True)),
        ),
        Mistake(
            "padded",
            "you padded, so windows hang over the border and zeros pull their means down. No padding: "
            "only windows that lie wholly inside.",
            _pooled(lambda maps, window: F.avg_pool2d(maps, window, stride=1, padding=window // 2)),
        ),
        Mistake(
            "the largest in place of the mean",
            "you took the largest value of each window. The network was trained with the mean.",
            _pooled(lambda maps, window: F.max_pool2d(maps, window, stride=1)),
        ),
        Mistake(
            "sum in place of the mean",
            "you summed up each window. The network was trained with the mean: divide by window².",
            _pooled(lambda maps, window: F.avg_pool2d(maps, window, stride=1, divisor_override=1)),
        ),
        Mistake(
            "no window",
            "you gave each single cell to the linear layer, a window of 1. It answers for the mean over "
            "window × window cells.",
            _pooled(lambda maps, window: maps),
        ),
    ),
)


# 00.3 ------------------------------------------------------------------------------------------------
def _offset_cases(generator: torch.Generator) -> Cases:
    def case(grid, B, scale):
        offsets = scale * torch.randn(grid, grid, B, 4, generator=generator)
        anchors = 0.1 + 0.4 * torch.rand(B, 2, generator=generator)
        return SimpleNamespace(offsets=offsets, anchors=anchors)

    return {
        "offsets of 0: the base boxes themselves": case(3, 2, 0),
        "a grid of 4, two base boxes": case(4, 2, 0.5),
        "YOLO's grid of 7, three base boxes": case(7, 3, 0.3),
    }


def _box_by_box(case: SimpleNamespace) -> Tensor:
    """The lecture's picture in words, one box after another."""
    grid, B = len(case.offsets), len(case.anchors)
    boxes = torch.zeros(grid, grid, B, 4)
    for row in range(grid):
        for column in range(grid):
            for b, (width, height) in enumerate(case.anchors.tolist()):
                dx, dy, dh, dw = case.offsets[row, column, b].tolist()
                x, y = (column + 0.5) / grid + dx * width, (row + 0.5) / grid + dy * height
                w, h = width * math.exp(dw), height * math.exp(dh)
                boxes[row, column, b] = torch.tensor([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return boxes


def _judge_boxes(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_close(
        "boxes",
        answer["boxes"],
        _box_by_box(case),
        why="[row, column, b] holds left, top, right, bottom of base box b of that cell, moved and stretched",
    )


def _decoded(*, order=(0, 1, 2, 3), turned=False, middle=0.5, stretch=torch.exp, unit=None, corners=True):
    """A wrong answer: the right recipe with one part exchanged."""

    def wrong(offsets, anchors):
        grid = len(offsets)
        lines = (torch.arange(grid) + middle) / grid
        y, x = torch.meshgrid(lines, lines, indexing="xy" if turned else "ij")
        dx, dy, dh, dw = offsets[..., list(order)].unbind(-1)
        width, height = anchors.unbind(-1)
        x, y = x[..., None] + dx * (unit or width), y[..., None] + dy * (unit or height)
        w, h = width * stretch(dw), height * stretch(dh)
        return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2] if corners else [x, y, w, h], dim=-1)

    return wrong


DECODE = Exercise(
    id="00.3",
    title="Decode YOLO's boxes",
    points=3,
    minutes=15,
    hints=(
        "dx, dy, dh, dw = offsets.unbind(-1), each (grid, grid, B). width, height = anchors.unbind(-1), each (B,), "
        "which broadcasts.",
        "The middles: ((torch.arange(grid) + 0.5) / grid). x changes from column to column, so it wants the shape "
        "(1, grid, 1); y from row to row, (grid, 1, 1).",
        "x = middles[None, :, None] + dx * width; w = width * dw.exp(); the same for y and h.",
        "torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1)",
    ),
    cases=_offset_cases,
    answer=lambda f, case: {"boxes": f(case.offsets, case.anchors)},
    judge=_judge_boxes,
    mistakes=(
        Mistake(
            "dh and dw exchanged",
            "your boxes are stretched the wrong way round: the order is dx, dy, dh, dw, height before width.",
            _decoded(order=(0, 1, 3, 2)),
        ),
        Mistake(
            "no exp",
            "you multiply by dh and dw themselves. At 0 a base box is to keep its size, and no number may make "
            "it negative: multiply by exp(dh), exp(dw).",
            _decoded(stretch=lambda d: d),
        ),
        Mistake(
            "rows and columns exchanged",
            "your grid is mirrored across its diagonal. The column says how far to the right a cell is, that is "
            "x; the row says how far down, y.",
            _decoded(turned=True),
        ),
        Mistake(
            "corner in place of the middle",
            "your base boxes stand on the cells' corners. They stand in the middle: (column + 0.5) / grid.",
            _decoded(middle=0),
        ),
        Mistake(
            "moved by whole pictures",
            "you add dx and dy as they are. They count in widths and heights of the base box: dx · width.",
            _decoded(unit=1.0),
        ),
        Mistake(
            "middles and sizes",
            "you return middle and size. Return the corners: left, top, right, bottom.",
            _decoded(corners=False),
        ),
    ),
)


# 00.4 ------------------------------------------------------------------------------------------------
def _pair_cases(generator: torch.Generator) -> Cases:
    def boxes(count, scale):
        corner, size = torch.rand(2, count, 2, generator=generator)
        return scale * torch.cat([corner, corner + 0.2 + 0.8 * size], dim=1)

    nested = torch.tensor([[0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 3.0, 2.0]])
    apart = torch.tensor([[0.0, 0.0, 2.0, 1.0], [3.0, 4.0, 5.0, 6.0], [2.0, 0.0, 3.0, 1.0]])
    return {
        "three against five": SimpleNamespace(first=boxes(3, 1), second=boxes(5, 1)),
        "four against four, in pixels": SimpleNamespace(first=boxes(4, 100), second=boxes(4, 100)),
        "one inside the other": SimpleNamespace(first=nested, second=nested),
        "apart, and edge to edge": SimpleNamespace(first=apart, second=apart),
    }


def _iou_of_two(a: list[float], b: list[float]) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def _judge_iou(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    iou = answer["iou"]
    expect_shape("iou", iou, (len(case.first), len(case.second)))
    expect_between("iou", iou, 0, 1, why="the part that two boxes share is never larger than both together")
    pairs = [[_iou_of_two(a, b) for b in case.second.tolist()] for a in case.first.tolist()]
    expect_close("iou", iou, torch.tensor(pairs), why="shared area / (area + area - shared area)")


def _overlap(*, sides=lambda s: s.clamp(min=0), over=lambda a, b, shared: a + b - shared, extra=0.0):
    """A wrong answer: the right recipe with one part exchanged."""

    def wrong(first, second):
        low = torch.maximum(first[:, None, :2], second[:, :2])
        shared = sides(torch.minimum(first[:, None, 2:], second[:, 2:]) - low + extra).prod(dim=-1)
        a, b = ((boxes[:, 2:] - boxes[:, :2] + extra).prod(dim=1) for boxes in (first, second))
        return shared / over(a[:, None], b, shared)

    return wrong


def _one_to_one(first, second):
    return torch.diagonal(reference.iou(first, second))


IOU = Exercise(
    id="00.4",
    title="Intersection over union",
    points=1,
    minutes=10,
    hints=(
        "What two boxes share is a box again: from the larger of the two lefts to the smaller of the two rights.",
        "first[:, None] is (n, 1, 4) and second[None] is (1, m, 4), so torch.maximum of the two is (n, m, 4).",
        "Where boxes lie apart, right - left is negative: clamp(min=0) each side before you multiply them.",
        "shared / (area_of_first[:, None] + area_of_second[None] - shared)",
    ),
    cases=_pair_cases,
    answer=lambda f, case: {"iou": f(case.first, case.second)},
    judge=_judge_iou,
    mistakes=(
        Mistake(
            "sides not clamped",
            "boxes that lie apart have negative sides in common, and two negative sides make a positive area. "
            "clamp(min=0) each side before multiplying.",
            _overlap(sides=lambda s: s),
        ),
        Mistake(
            "shared area counted twice",
            "you divide by the sum of the two areas, in which the shared part counts twice. Subtract it once.",
            _overlap(over=lambda a, b, shared: a + b),
        ),
        Mistake(
            "over the smaller box",
            "you divide by the smaller box's area, so a small box inside a large one gets 1. "
            "Divide by what both cover together.",
            _overlap(over=lambda a, b, shared: torch.minimum(a, b)),
        ),
        Mistake(
            "one more pixel",
            "you add 1 to each side, an old habit with whole pixels. These are coordinates of edges: right - left.",
            _overlap(extra=1.0),
        ),
        Mistake(
            "one to one",
            "you compared first box with first, second with second. Every box of one with every box of the "
            "other is wanted: (n, m), by first[:, None] and second[None].",
            _one_to_one,
        ),
    ),
)


# 00.5 ------------------------------------------------------------------------------------------------
def _crowds(generator: torch.Generator) -> Cases:
    def case(boxes, labels, scores, overlap):
        order = torch.randperm(len(boxes), generator=generator)
        values = torch.tensor(scores) - 0.02 * torch.rand(len(boxes), generator=generator)
        return SimpleNamespace(
            boxes=torch.tensor(boxes).view(-1, 4)[order],
            scores=values[order],
            labels=torch.tensor(labels, dtype=torch.int64)[order],
            overlap=overlap,
        )

    def box(x, y=0.0, size=1.0):
        return [x, y, x + size, y + size]

    # in each row the next box is moved by 0.3 of its width, which leaves an IoU of 0.54 with its neighbour
    crowd = [box(x, y) for y in (0.0, 3.0, 6.0) for x in (0.0, 0.3, 0.6, 0.9)]
    sure = [0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.95, 0.6, 0.55, 0.5, 0.45, 0.4]
    return {
        "three objects, each seen four times": case(crowd, [1] * 12, sure, 0.5),
        "two classes in one place": case([box(0), box(0.1), box(0.05), box(4)], [1, 2, 1, 2], sure[:4], 0.5),
        "a strict overlap": case([box(0), box(0.6), box(1.2), box(1.8)], [3] * 4, sure[:4], 0.2),
        "no box at all": case([], [], [], 0.5),
    }


def _judge_suppression(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    stays = answer["stays"]
    if stays.ndim != 1 or stays.dtype == torch.bool or not set(stays.tolist()) <= set(range(len(case.boxes))):
        got = "a mask" if stays.dtype == torch.bool else f"shape {tuple(stays.shape)}, {stays.tolist()}"
        raise CheckFailed(f"stays: expected numbers of boxes, from 0 to {len(case.boxes) - 1}, got {got}")
    mine = [int(i) for i in stays]
    if len(set(mine)) < len(mine):
        raise CheckFailed(f"stays: expected each number once, got {mine}")
    rivals = (reference.iou(case.boxes, case.boxes) > case.overlap) & (case.labels[:, None] == case.labels)
    for i in mine:
        for j in mine:
            if i != j and rivals[i, j]:
                raise CheckFailed(
                    f"stays: boxes {i} and {j} both stay, have one class and an IoU of "
                    f"{reference.iou(case.boxes[i : i + 1], case.boxes[j : j + 1]).item():.2f}, above {case.overlap}"
                )
    for i in set(range(len(case.boxes))) - set(mine):
        if not any(rivals[i, j] and case.scores[j] > case.scores[i] for j in mine):
            raise CheckFailed(
                f"stays: box {i} (score {case.scores[i]:.2f}) is gone, but no surer box of its class that stays "
                f"overlaps it by more than {case.overlap}"
            )
    if mine != sorted(mine, key=lambda i: -case.scores[i]):
        raise CheckFailed(f"stays: expected the surest first, got scores {case.scores[mine].tolist()}")


def _greedy(*, rivals=lambda iou, same, overlap: (iou > overlap) & same, order=None, only_stayed=True):
    """A wrong answer: the loop with one part exchanged. rivals: (IoU, same class?, overlap) -> (n, n)."""

    def wrong(boxes, scores, labels, overlap):
        against = rivals(reference.iou(boxes, boxes), labels[:, None] == labels, overlap)
        queue = order(scores) if order else scores.argsort(descending=True)
        stays: list[int] = []
        for position, i in enumerate(queue.tolist()):
            before = stays if only_stayed else queue[:position].tolist()
            if not any(against[i, j] for j in before):
                stays.append(i)
        return torch.tensor(stays, dtype=torch.int64)

    return wrong


def _best_only(boxes, scores, labels, overlap):
    if not len(boxes):
        return torch.zeros(0, dtype=torch.int64)
    best = scores.argmax()
    rival = (reference.iou(boxes, boxes)[best] > overlap) & (labels == labels[best])
    rival[best] = False
    order = scores.argsort(descending=True)
    return order[~rival[order]]


SUPPRESS = Exercise(
    id="00.5",
    title="Non-maximum suppression",
    points=3,
    minutes=15,
    hints=(
        "Go through the boxes from the surest to the least sure, and keep a list of those that stay.",
        "A box stays unless some box that already stays has its class and an IoU with it above `overlap`.",
        "for i in scores.argsort(descending=True).tolist(): compare with every j in stays; boxes that went are "
        "out of it, and harm nobody.",
        "if not any(iou[i, j] > overlap and labels[i] == labels[j] for j in stays): stays.append(i)",
    ),
    cases=_crowds,
    answer=lambda f, case: {
        "stays": _as_numbers(f(case.boxes, case.scores, case.labels, overlap=case.overlap))
    },
    judge=_judge_suppression,
    mistakes=(
        Mistake(
            "across classes",
            "a box of another class sent this one away. A rider stands where the horse is: compare boxes of "
            "one class only.",
            _greedy(rivals=lambda iou, same, overlap: iou > overlap),
        ),
        Mistake(
            "threshold on the wrong side",
            "you send away the boxes that hardly overlap. Those are other objects; a copy has an IoU above the "
            "threshold.",
            _greedy(rivals=lambda iou, same, overlap: (iou < overlap) & same),
        ),
        Mistake(
            "not sorted",
            "you take the boxes in the order in which they come, so an unsure one can send a surer one away. "
            "Sort by score first.",
            _greedy(order=lambda scores: torch.arange(len(scores))),
        ),
        Mistake(
            "least sure first",
            "you begin with the least sure: argsort goes upwards unless you say descending=True.",
            _greedy(order=lambda scores: scores.argsort()),
        ),
        Mistake(
            "sent away, and still sending",
            "a box that is gone itself sent another one away. Compare only with boxes that stay.",
            _greedy(only_stayed=False),
        ),
        Mistake(
            "one round only",
            "you cleared the neighbours of the surest box alone. Go on with the next one that stays, "
            "until all are done.",
            _best_only,
        ),
        Mistake(
            "not surest first",
            "the right boxes stay, but in another order. Put the surest first.",
            lambda boxes, scores, labels, overlap: (
                reference.suppress(boxes, scores, labels, overlap=overlap).sort().values
            ),
        ),
    ),
)


def _as_numbers(stays: object) -> object:
    """A list of whole numbers is as good as a tensor of them."""
    whole = isinstance(stays, list) and all(isinstance(i, int) for i in stays)
    return torch.tensor(stays, dtype=torch.int64) if whole else stays


EXERCISES = (LINEAR, POOLED, DECODE, IOU, SUPPRESS)
