"""What the student's functions of stage 00 stand in for: heads as convolutions, the parts of YOLO's decoding."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from labkit.checks.stand_in import StandIn
from labkit.methods import heads, yolo


def _linear_everywhere(theirs: Callable[..., Tensor], own: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def linear_everywhere(maps: Tensor, layer: nn.Conv2d) -> Tensor:
        if layer.bias is None or layer.dilation != (1, 1):  # theirs knows whole windows, and a bias
            return own(maps, layer)
        return theirs(maps, layer.weight.flatten(1), layer.bias, layer.kernel_size)

    return linear_everywhere


def _logits_everywhere(theirs: Callable[..., Tensor], own: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def logits_everywhere(maps: Tensor, layer: nn.Conv2d, window: tuple[int, int]) -> Tensor:
        if layer.bias is None or window[0] != window[1]:  # theirs knows square windows, and a bias
            return own(maps, layer, window)
        return theirs(maps, layer.weight.flatten(1), layer.bias, window[0])

    return logits_everywhere


def _boxes_of(theirs: Callable[..., Tensor], own: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda offsets, anchors: theirs(offsets[..., :4], anchors)


def _suppress(theirs: Callable[..., object], own: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def suppress(boxes: Tensor, scores: Tensor, labels: Tensor, *, overlap: float = 0.5) -> Tensor:
        stays = theirs(boxes, scores, labels, overlap)
        return torch.as_tensor([int(i) for i in stays], dtype=torch.int64)  # type: ignore[attr-defined]

    return suppress


YOURS = (
    StandIn("00.1", "linear_everywhere", heads, "linear_everywhere", _linear_everywhere),
    StandIn("00.2", "logits_everywhere", heads, "logits_everywhere", _logits_everywhere),
    StandIn("00.3", "decode_boxes", yolo, "boxes_of", _boxes_of),
    StandIn("00.4", "box_iou", yolo, "iou"),
    StandIn("00.5", "suppress", yolo, "suppress", _suppress),
)
