"""Wrong ways to suppress boxes: the right loop with one part exchanged."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from labkit.methods import yolo as reference

Suppression = Callable[..., Tensor]


def greedy(
    *,
    rivals: Callable[..., Tensor] = lambda iou, same, overlap: (iou > overlap) & same,
    order: Callable[[Tensor], Tensor] = lambda scores: scores.argsort(descending=True),
    against: Callable[..., Any] = lambda stays, queue, position: stays,
    last: Callable[..., Tensor] = lambda stays, case: stays,
) -> Suppression:
    """The loop over the boxes with one part exchanged.

    rivals:  (IoU, same class?, overlap) -> (n, n), whether one would send the other away
    order:   (scores) -> in which order they are tried
    against: (those that stay, all in their order, the place of this one) -> those it is compared with
    last:    (those that stay, the case) -> what is returned
    """

    def wrong(boxes: Tensor, scores: Tensor, labels: Tensor, overlap: float) -> Tensor:
        enemies = rivals(reference.iou(boxes, boxes), labels[:, None] == labels, overlap)
        queue = order(scores).tolist()
        stays: list[int] = []
        for position, i in enumerate(queue):
            if not any(enemies[i, j] for j in against(stays, queue, position)):
                stays.append(i)
        return last(torch.tensor(stays, dtype=torch.int64), (boxes, scores, labels))

    return wrong


def all_against(boxes: Tensor, scores: Tensor, labels: Tensor, overlap: float) -> Tensor:
    """A box goes only if every box that stays is against it. (k,) int64"""
    rivals = (reference.iou(boxes, boxes) > overlap) & (labels[:, None] == labels)
    stays: list[int] = []
    for i in scores.argsort(descending=True).tolist():
        if not stays or not rivals[i, stays].all():
            stays.append(i)
    return torch.tensor(stays, dtype=torch.int64)


def best_only(boxes: Tensor, scores: Tensor, labels: Tensor, overlap: float) -> Tensor:
    """The surest box alone. (k,) int64 with k = 1, or 0 where there is no box"""
    return scores.argsort(descending=True)[:1]


def class_by_class(boxes: Tensor, scores: Tensor, labels: Tensor, overlap: float) -> Tensor:
    """The right boxes, those of the lowest label first. (k,) int64"""
    stays = reference.suppress(boxes, scores, labels, overlap=overlap)
    return stays[labels[stays].argsort(stable=True)]


def shrinking(boxes: Tensor, scores: Tensor, labels: Tensor, overlap: float) -> Tensor:
    """Boxes are taken out of the list that a loop runs over, which then skips the next. (k,) int64"""
    rivals = (reference.iou(boxes, boxes) > overlap) & (labels[:, None] == labels)
    queue, stays = scores.argsort().tolist(), []
    while queue:
        stays.append(queue.pop())
        for i in queue:
            if rivals[i, stays[-1]]:
                queue.remove(i)
    return torch.tensor(stays, dtype=torch.int64)
