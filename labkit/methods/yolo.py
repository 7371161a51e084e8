"""YOLO's output, read and written: a grid of cells, base boxes in each, five numbers per box, classes per cell.

The output is (grid, grid, 5·B + C), row by row: for each of B base boxes (dx, dy, dh, dw, confidence), then
C class scores for the cell, of which class 0 is background. Boxes are (left, top, right, bottom) in 0..1 of
the picture, as torchvision orders them. A base box, (width, height) in 0..1, stands in the middle of a cell; dx
and dy move it by that many of its own widths and heights, dw and dh stretch it by exp(dw) and exp(dh)
(Girshick et al. 2014, arXiv:1311.2524, appendix C). Confidences and class scores are probabilities, as
in Redmon et al. 2016, arXiv:1506.02640; base boxes came with Redmon & Farhadi 2017, arXiv:1612.08242.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from labkit.errors import LabError
from labkit.kernel import in_usual_numbers
from labkit.units import expect_anchors, expect_boxes, expect_corners, expect_share


class Detections(NamedTuple):
    """What was found, surest first: boxes (n, 4) in 0..1, labels (n,) from 1 on, scores (n,)."""

    boxes: Tensor
    labels: Tensor
    scores: Tensor


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of every box of the first with every box of the second.

    first: (n, 4);  second: (m, 4), both left, top, right, bottom in any unit
    Returns: (n, m) in 0..1; 0 where both boxes are empty
    Raises:  LabError for edges in another order
    """
    for boxes in (first, second):
        expect_corners(boxes)
    corner = torch.maximum(first[:, None, :2], second[None, :, :2])
    sides = (torch.minimum(first[:, None, 2:], second[None, :, 2:]) - corner).clamp(min=0)
    shared = sides.prod(dim=-1)  # (n, m)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - shared
    return shared / union.where(union > 0, 1)


def suppress(boxes: Tensor, scores: Tensor, labels: Tensor, *, overlap: float = 0.5) -> Tensor:
    """Non-maximum suppression: of boxes of one class that overlap, the surest stays.

    boxes:   (n, 4);  scores, labels: (n,)
    overlap: a box goes if its IoU with a surer one that stayed is above it; at 1 all stay
    Returns: the numbers of those that stay, (k,) int64, surest first; of equal scores the earlier is surer
    Raises:  LabError for an overlap above 1, such as one in percent, and as `iou`
    """
    expect_share("overlap", overlap)
    rivals = (iou(boxes, boxes) > overlap) & (labels[:, None] == labels)
    stays = torch.zeros_like(scores, dtype=torch.bool)
    order = scores.argsort(descending=True, stable=True)
    for i in order.tolist():
        stays[i] = not (rivals[i] & stays).any()
    return order[stays[order]]


@in_usual_numbers
def base_boxes(anchors: Tensor, *, grid: int = 7) -> Tensor:
    """Every base box, in the middle of every cell: (grid, grid, B, 4), row by row.

    anchors: (B, 2), widths and heights in 0..1
    """
    expect_anchors(anchors, grid)
    middle = (torch.arange(grid, device=anchors.device) + 0.5) / grid
    y, x = torch.meshgrid(middle, middle, indexing="ij")
    centres = torch.stack([x, y], dim=-1)[:, :, None]  # (grid, grid, 1, 2)
    return torch.cat([centres - anchors / 2, centres + anchors / 2], dim=-1)


@in_usual_numbers
def boxes_of(offsets: Tensor, anchors: Tensor) -> Tensor:
    """Base boxes, moved and stretched as the output says.

    offsets: (grid, grid, B, 4 or more), dx, dy, dh, dw first;  anchors: (B, 2)
    Returns: (grid, grid, B, 4); a box may leave the picture
    """
    base = base_boxes(anchors, grid=len(offsets))
    dx, dy, dh, dw = offsets[..., :4].unbind(-1)
    centres = (base[..., :2] + base[..., 2:]) / 2 + torch.stack([dx, dy], -1) * anchors
    sizes = anchors * torch.stack([dw, dh], -1).exp()
    return torch.cat([centres - sizes / 2, centres + sizes / 2], dim=-1)


@in_usual_numbers
def decode(
    output: Tensor, anchors: Tensor, *, classes: int, threshold: float = 0.25, overlap: float = 0.5
) -> Detections:
    """From the network's numbers to detections: boxes, best class but background, threshold, suppression.

    output:    (grid, grid, 5·B + classes);  anchors: (B, 2), widths and heights in 0..1
    classes:   background included, so labels go from 1 to classes - 1
    threshold: a box needs that score, which is its confidence × its cell's best class score
    overlap:   of `suppress`; 1 keeps all
    Raises:    LabError for an output of another shape, or not finite, for anchors that are no sizes in 0..1, and for
               a threshold or an overlap above 1
    """
    expect_anchors(anchors, len(output))
    expect_share("threshold", threshold)
    B = len(anchors)
    _expect_output(output, B, classes)
    numbers = output[..., : 5 * B].unflatten(-1, (B, 5))  # (grid, grid, B, 5)
    best, label = output[..., 5 * B + 1 :].max(dim=-1, keepdim=True)  # (grid, grid, 1), background left out
    scores = (numbers[..., 4] * best).flatten()
    labels = (label + 1).expand(*label.shape[:2], B).flatten()
    boxes = boxes_of(numbers, anchors).flatten(0, 2)
    sure = scores >= threshold
    boxes, labels, scores = boxes[sure], labels[sure], scores[sure]
    stay = suppress(boxes, scores, labels, overlap=overlap)
    return Detections(boxes[stay], labels[stay], scores[stay])


def _expect_output(output: Tensor, B: int, classes: int) -> None:
    if classes < 2:
        raise LabError(f"expected classes of 2 or more, background being one of them, got {classes}")
    if output.ndim != 3 or output.shape[0] != output.shape[1] or output.shape[2] != 5 * B + classes:
        want = f"(grid, grid, 5 · {B} + {classes} = {5 * B + classes})"
        raise LabError(f"expected an output {want}, got {tuple(output.shape)}; try output.permute(1, 2, 0)")
    if not output.isfinite().all():
        raise LabError("expected finite numbers in the output, got some that are not; look at its maker")


@in_usual_numbers
def encode(boxes: Tensor, labels: Tensor, anchors: Tensor, *, classes: int, grid: int = 7) -> Tensor:
    """The output that decodes to these objects, as a network is trained to give it.

    An object belongs to the cell of its centre, and to that one of the cell's base boxes that is most like
    it in shape and still free. A cell has one class only: an object whose cell has another class, or no
    base box left, is dropped. The earlier one stays, so give the important ones first.

    boxes:   (n, 4), left, top, right, bottom in 0..1;  labels: (n,) int64 in 1..classes - 1
    anchors: (B, 2), widths and heights in 0..1
    Returns: (grid, grid, 5·B + classes): 1 for confidence and class where an object is, else background
    Raises:  LabError for boxes or anchors that leave 0..1, are empty or whole numbers, for background or unknown
             classes as labels
    """
    expect_anchors(anchors, grid)
    _expect_objects(boxes, labels, classes)
    B = len(anchors)
    output = boxes.new_zeros(grid, grid, 5 * B + classes)
    output[..., 5 * B] = 1  # background
    for box, label in zip(boxes, labels.tolist(), strict=True):
        centre, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        column, row = (centre * grid).long().clamp(max=grid - 1).tolist()
        slots, scores = output[row, column, : 5 * B].view(B, 5), output[row, column, 5 * B :]
        free, taken = slots[:, 4] == 0, scores[0] == 0
        if free.any() and (not taken or scores[label] == 1):
            overlap = iou(torch.cat([-size, size])[None], torch.cat([-anchors, anchors], dim=1))[0]
            b = int(overlap.where(free, -1).argmax())
            slots[b, :2] = (centre - (centre.new_tensor([column, row]) + 0.5) / grid) / anchors[b]
            slots[b, 2:4] = (size / anchors[b]).log().flip(0)  # dh before dw
            slots[b, 4], scores[0], scores[label] = 1, 0, 1
    return output


def _expect_objects(boxes: Tensor, labels: Tensor, classes: int) -> None:
    if boxes.ndim != 2 or labels.shape != (len(boxes),):
        got = f"{tuple(boxes.shape)} and {tuple(labels.shape)}"
        raise LabError(f"expected boxes (n, 4) and labels (n,), got {got}; try boxes[None] for one")
    expect_boxes(boxes)
    if not ((labels >= 1) & (labels < classes)).all():
        raise LabError(f"expected labels in 1..{classes - 1}, got {labels.tolist()}; 0 is background")
