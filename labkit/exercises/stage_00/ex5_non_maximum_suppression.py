"""00.5 Of boxes that overlap and share a label, the surest stays."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.methods import yolo as reference


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


EXERCISE = Exercise(
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
