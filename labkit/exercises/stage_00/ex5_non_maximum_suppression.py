"""00.5 Of boxes that overlap and share a label, the surest stays."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Evidence, Exercise, Mistake
from labkit.exercises.stage_00.suppressions import all_against, best_only, class_by_class, greedy, shrinking
from labkit.methods import yolo as reference


def _crowds(generator: torch.Generator) -> Cases:
    def case(
        boxes: list[list[float]], labels: list[int], scores: list[float], overlap: float
    ) -> SimpleNamespace:
        order = torch.randperm(len(boxes), generator=generator)
        values = torch.tensor(scores) - 0.02 * torch.rand(len(boxes), generator=generator)
        places, kinds = torch.tensor(boxes).view(-1, 4), torch.tensor(labels, dtype=torch.int64)
        return SimpleNamespace(
            boxes=places[order], scores=values[order], labels=kinds[order], overlap=overlap
        )

    def box(x: float, y: float = 0.0, size: float = 1.0) -> list[float]:
        return [x, y, x + size, y + size]

    crowd = [box(x, y) for y in (0.0, 3.0, 6.0) for x in (0.0, 0.3, 0.6, 0.9)]  # IoU of neighbours: 0.54
    sure = [0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.95, 0.6, 0.55, 0.5, 0.45, 0.4]
    return {
        "three objects, each seen four times": case(crowd, [1] * 12, sure, 0.5),
        "two classes in one place": case(
            [box(0), box(0.1), box(0.05), box(4), box(8), box(8.1), box(4.1), box(4.05)],
            [2, 1, 2, 2, 1, 2, 2, 2],
            [*sure[:6], 0.6, 0.55],  # two copies one after the other: a list that shrinks in a loop skips one
            0.5,
        ),
        "a strict overlap": case([box(0), box(0.6), box(1.2), box(1.8)], [3] * 4, sure[:4], 0.2),
        "an IoU of just `overlap`": case([box(0), [0.0, 0.0, 1.0, 0.5]], [4] * 2, sure[:2], 0.5),
        "no box at all": case([], [], [], 0.5),
    }


def _judge_suppression(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    stays, n = answer["stays"], len(case.boxes)
    expected = reference.suppress(case.boxes, case.scores, case.labels, overlap=case.overlap)
    if _is_mask(stays, n):
        told = f"stays: expected the indices of {len(expected)} boxes, got a mask"
        raise CheckFailed(told, mistake="a mask")
    if stays.ndim != 1 or not set(stays.tolist()) <= set(range(n)):
        came = stays.tolist() if stays.ndim == 1 else f"shape {tuple(stays.shape)}"
        raise CheckFailed(f"stays: expected indices of boxes, whole numbers from 0 to {n - 1}, got {came}")
    mine = [int(i) for i in stays]
    trouble = f"expected each index once, got {mine}" if len(set(mine)) < len(mine) else _rule(case, mine)
    if trouble:
        raise CheckFailed(f"stays: {trouble}", evidence=Evidence(stays, expected))


def _is_mask(stays: Tensor, n: int) -> bool:
    """Whether there is one value for each box, each of them yes or no."""
    yes_or_no = bool(((stays == 0) | (stays == 1)).all())
    return stays.dtype == torch.bool or (tuple(stays.shape) == (n,) and n > 2 and yes_or_no)


def _rule(case: SimpleNamespace, mine: list[int]) -> str:
    """Which part of the rule the boxes that stay do not keep, in a sentence; empty where they keep it."""
    overlaps = reference.iou(case.boxes, case.boxes)
    rivals = (overlaps > case.overlap) & (case.labels[:, None] == case.labels)
    for i, j in ((i, j) for i in mine for j in mine if i != j and rivals[i, j]):
        return f"boxes {i} and {j} both stay, have one class and an IoU of {overlaps[i, j]:.2f}, above {case.overlap}"
    for i in sorted(set(range(len(case.boxes))) - set(mine)):
        if not any(rivals[i, j] and case.scores[j] > case.scores[i] for j in mine):
            return f"box {i} is gone, and no surer box that stays has its class and an IoU above {case.overlap} with it"
    if mine != sorted(mine, key=lambda i: -case.scores[i]):
        scores = ", ".join(f"{score:.2f}" for score in case.scores[mine].tolist())
        return f"expected the surest first, got boxes with scores {scores}"
    return ""


EXERCISE = Exercise(
    id="00.5",
    title="Non-maximum suppression",
    points=3,
    minutes=15,
    hints=(
        "Go through the boxes from the surest to the least sure, and keep a list of those that stay.",
        "A box stays unless some box that already stays has its class and an IoU with it above `overlap`.",
        "for i in scores.argsort(descending=True).tolist(): compare box i with every j in stays.",
        "if not any(iou[i, j] > overlap and labels[i] == labels[j] for j in stays): stays.append(i)",
    ),
    cases=_crowds,
    answer=lambda f, case: {"stays": f(case.boxes, case.scores, case.labels, overlap=case.overlap)},
    judge=_judge_suppression,
    mistakes=(
        Mistake(
            "across classes",
            "a box of another class sent this one away. Compare boxes of one class: a rider sits where the horse is.",
            greedy(rivals=lambda iou, same, overlap: iou > overlap),
        ),
        Mistake(
            "threshold on the wrong side",
            "you send away the boxes that hardly overlap. Those are other objects; copies have an IoU above `overlap`.",
            greedy(rivals=lambda iou, same, overlap: (iou < overlap) & same),
        ),
        Mistake(
            "not sorted",
            "you take the boxes as they come, so an unsure one can send a surer one away. Sort by score first.",
            greedy(order=lambda scores: torch.arange(len(scores))),
        ),
        Mistake(
            "least sure first",
            "you begin with the least sure: argsort goes upwards unless you say descending=True.",
            greedy(order=lambda scores: scores.argsort()),
        ),
        Mistake(
            "sent away, and still sending",
            "a box that is gone itself sent another one away. Compare only with boxes that stay.",
            greedy(against=lambda stays, queue, position: queue[:position]),
        ),
        Mistake(
            "one round only",
            "you cleared the neighbours of the surest box alone. Go on with the next one that stays.",
            greedy(against=lambda stays, queue, position: stays[:1]),
        ),
        Mistake(
            "compared with the last alone",
            "you compare with the last box that stays. Compare with all of them: any(… for j in stays).",
            greedy(against=lambda stays, queue, position: stays[-1:]),
        ),
        Mistake(
            "one box",
            "only the surest box of all stays. A return inside the loop ends it after the first round.",
            best_only,
        ),
        Mistake(
            "one box of each class",
            "you keep one box of each class. Two boxes of a class that hardly overlap are two objects: both stay.",
            greedy(rivals=lambda iou, same, overlap: same),
        ),
        Mistake(
            "overlap or class",
            "a box went that only overlaps, or only shares the class. Both together are needed: and, &.",
            greedy(rivals=lambda iou, same, overlap: (iou > overlap) | same),
        ),
        Mistake(
            "other classes only",
            "you compare boxes of different classes. Compare those of one class: labels[i] == labels[j].",
            greedy(rivals=lambda iou, same, overlap: (iou > overlap) & ~same),
        ),
        Mistake(
            "equal counts as above",
            "you use >=. Only an IoU above `overlap` sends a box away: >.",
            greedy(rivals=lambda iou, same, overlap: (iou >= overlap) & same),
        ),
        Mistake(
            "all in place of any",
            "you send a box away only if every box that stays overlaps it. One is enough: any, not all.",
            all_against,
        ),
        Mistake(
            "a list that shrinks while it is looped over",
            "you take boxes out of the list that the loop runs over, so it skips the next one. Loop over a copy.",
            shrinking,
        ),
        Mistake(
            "nothing sent away",
            "all boxes stay. A box with the class of one that stays, and an IoU with it above `overlap`, goes.",
            greedy(against=lambda stays, queue, position: []),
        ),
        Mistake(
            "0.5 written down",
            "you compare with 0.5, whatever `overlap` is.",
            greedy(rivals=lambda iou, same, overlap: (iou > 0.5) & same),
        ),
        Mistake(
            "class by class",
            "the right boxes stay, but one class after another. The surest of all come first: sort them by score.",
            class_by_class,
        ),
        Mistake(
            "not surest first",
            "the right boxes stay, but in another order. Put the surest first.",
            greedy(last=lambda stays, case: stays.sort().values),
        ),
        Mistake(
            "a mask",
            "you return yes or no for each box. Return the indices of those that stay, surest first.",
            greedy(last=lambda stays, case: torch.zeros(len(case[0])).index_fill(0, stays, 1).bool()),
        ),
        Mistake(
            "the boxes themselves",
            "you return the boxes that stay. Return their indices, the rows in which they stand.",
            greedy(last=lambda stays, case: case[0][stays]),
        ),
        Mistake(
            "places after sorting",
            "these are places in the sorted list. Take the boxes' own indices there: order[place].",
            greedy(last=lambda stays, case: case[1].argsort(descending=True).argsort()[stays]),
        ),
    ),
)
