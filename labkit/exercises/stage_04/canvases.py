"""Wrong ways to answer to a crop alone: the right canvas with one part exchanged, and ways without a canvas."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Box = tuple[int, int, int, int]  # top, left, bottom, right
Unit = tuple[int, int, int]  # channel, row, column


def crop_on_canvas(
    *,
    fill: Callable[[Tensor], Any] = lambda image: 0.5,
    ends: Callable[..., Box] = lambda top, left, bottom, right: (top, left, bottom, right),
    place: Callable[..., tuple[int, int]] = lambda top, left, crop, image: (top, left),
    read: Callable[..., Tensor] = lambda maps, channel, row, column: maps[0, channel, row, column],
) -> Callable[[nn.Module, Tensor, Box, Unit], Tensor]:
    """A wrong answer: the right canvas with one part exchanged.

    fill:  (image) -> what is around the crop;  ends: (box) -> the box as it is read
    place: (top, left, crop, image) -> where the crop's upper left corner goes
    read:  (maps (1, C, h, w), channel, row, column) -> what is returned
    """

    def wrong(features: nn.Module, image: Tensor, box: Box, unit: Unit) -> Tensor:
        top, left, bottom, right = ends(*box)
        crop = image[:, :, top:bottom, left:right]
        canvas = torch.ones_like(image) * fill(image)
        down, across = place(top, left, crop, image)
        canvas[:, :, down : down + crop.shape[2], across : across + crop.shape[3]] = crop
        return read(features(canvas), *unit)

    return wrong


def greyed_inside(features: nn.Module, image: Tensor, box: Box, unit: Unit) -> Tensor:
    """The unit's answer when the box alone is grey."""
    canvas = image.clone()
    canvas[:, :, box[0] : box[2], box[1] : box[3]] = 0.5
    maps: Tensor = features(canvas)
    return maps[0][unit]


def fed_by_itself(features: nn.Module, image: Tensor, box: Box, unit: Unit) -> Tensor:
    """The unit's number, in the map of the crop alone."""
    maps: Tensor = features(image[:, :, box[0] : box[2], box[1] : box[3]])
    return maps[0][unit]


def middle_of_its_own_map(features: nn.Module, image: Tensor, box: Box, unit: Unit) -> Tensor:
    """The middle of the map of the crop alone."""
    maps: Tensor = features(image[:, :, box[0] : box[2], box[1] : box[3]])
    return maps[0, unit[0], maps.shape[2] // 2, maps.shape[3] // 2]
