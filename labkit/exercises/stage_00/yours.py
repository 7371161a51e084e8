"""What the student's functions of stage 00 stand in for: the parts of YOLO's decoding."""

from collections.abc import Callable

import torch
from torch import Tensor

from labkit.checks.stand_in import StandIn
from labkit.methods import yolo


def _boxes_of(theirs: Callable[..., Tensor], own: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda offsets, anchors: theirs(offsets[..., :4], anchors)


def _suppress(theirs: Callable[..., object], own: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def suppress(boxes: Tensor, scores: Tensor, labels: Tensor, *, overlap: float = 0.5) -> Tensor:
        stays = theirs(boxes, scores, labels, overlap)
        return torch.as_tensor([int(i) for i in stays], dtype=torch.int64)  # type: ignore[attr-defined]

    return suppress


YOURS = (
    StandIn("00.3", "decode_boxes", yolo, "boxes_of", _boxes_of),
    StandIn("00.4", "box_iou", yolo, "iou"),
    StandIn("00.5", "suppress", yolo, "suppress", _suppress),
)
