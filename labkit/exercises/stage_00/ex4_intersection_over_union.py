"""00.4 How much every box overlaps every other."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_between, expect_close, expect_shape
from labkit.methods import yolo as reference


def _pair_cases(generator: torch.Generator) -> Cases:
    def boxes(count: int, scale: float) -> Tensor:
        corner, size = torch.rand(2, count, 2, generator=generator)
        return scale * torch.cat([corner, corner + 0.2 + 0.8 * size], dim=1)

    nested = torch.tensor([[0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 3.0, 2.0]])
    apart = torch.tensor(
        [[0.0, 0.0, 2.0, 1.0], [3.0, 4.0, 5.0, 6.0], [2.0, 0.0, 3.0, 1.0], [6.0, -3.0, 9.0, 2.0]]
    )
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


def _clamped_product(sides: Tensor) -> Tensor:
    return sides.clamp(min=0).prod(dim=-1)


def _overlap(
    *,
    product: Callable[[Tensor], Tensor] = _clamped_product,
    over: Callable[..., Tensor | float] = lambda a, b, shared: a + b - shared,
    extra: float = 0.0,
) -> Callable[[Tensor, Tensor], Tensor]:
    """A wrong answer: the right recipe with one part exchanged. product: sides (n, m, 2) -> areas (n, m)."""

    def wrong(first: Tensor, second: Tensor) -> Tensor:
        low = torch.maximum(first[:, None, :2], second[:, :2])
        shared = product(torch.minimum(first[:, None, 2:], second[:, 2:]) - low + extra)
        a, b = ((boxes[:, 2:] - boxes[:, :2] + extra).prod(dim=1) for boxes in (first, second))
        return shared / over(a[:, None], b, shared)

    return wrong


def _over_box_around_both(first: Tensor, second: Tensor) -> Tensor:
    low = torch.minimum(first[:, None, :2], second[:, :2])
    around = (torch.maximum(first[:, None, 2:], second[:, 2:]) - low).prod(dim=-1)
    return _overlap(over=lambda a, b, shared: around)(first, second)


def _one_to_one(first: Tensor, second: Tensor) -> Tensor:
    return torch.diagonal(reference.iou(first, second))


EXERCISE = Exercise(
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
    alone=each("first"),
    mistakes=(
        Mistake(
            "sides not clamped",
            "boxes that lie apart have negative sides in common, and two negative sides make a positive area. "
            "clamp(min=0) each side before multiplying.",
            _overlap(product=lambda sides: sides.prod(dim=-1)),
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
        Mistake(
            "clamped after multiplying",
            "you clamp the product. Two boxes apart in both directions have two negative sides, and their product is "
            "positive: clamp(min=0) each side before multiplying.",
            _overlap(product=lambda sides: sides.prod(dim=-1).clamp(min=0)),
        ),
        Mistake(
            "abs in place of clamp",
            "you take the sides' absolute values, so boxes that lie apart share the gap between them. "
            "They share nothing: clamp(min=0).",
            _overlap(product=lambda sides: sides.abs().prod(dim=-1)),
        ),
        Mistake(
            "over the larger box",
            "you divide by the larger box's area. Divide by what both cover together: area + area - shared.",
            _overlap(over=lambda a, b, shared: torch.maximum(a, b)),
        ),
        Mistake(
            "over the first box",
            "you divide by the first box's area alone. Divide by what both cover together: area + area - shared.",
            _overlap(over=lambda a, b, shared: a),
        ),
        Mistake(
            "over the second box",
            "you divide by the second box's area alone. Divide by what both cover together: area + area - shared.",
            _overlap(over=lambda a, b, shared: b),
        ),
        Mistake(
            "not divided",
            "you return the area that two boxes share. Divide it by the area that they cover together.",
            _overlap(over=lambda a, b, shared: 1),
        ),
        Mistake(
            "shared area added",
            "you add the shared area to the two areas, so that it counts three times. Subtract it once.",
            _overlap(over=lambda a, b, shared: a + b + shared),
        ),
        Mistake(
            "over the box around both",
            "you divide by the box around both, which holds corners that neither covers: area + area - shared.",
            _over_box_around_both,
        ),
        Mistake(
            "right and bottom read as sizes",
            "you read the boxes as left, top, width, height. They are left, top, right, bottom.",
            lambda *both: _overlap()(*(torch.cat([b[:, :2], b[:, :2] + b[:, 2:]], dim=1) for b in both)),
        ),
        Mistake(
            "distance in place of overlap",
            "you return 1 - IoU. Equal boxes have an IoU of 1.",
            lambda first, second: 1 - _overlap()(first, second),
        ),
    ),
)
