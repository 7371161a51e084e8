"""What was chosen: top patches, and where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.arguments import expect_wholes
from labkit.errors import LabError
from labkit.methods.patches import fields
from labkit.receptive import Box, ReceptiveField


class Patch(NamedTuple):
    value: float
    image: int
    row: int
    column: int
    box: Box
    crop: Tensor  # a view of its slot
    slot: int


@dataclass(frozen=True, eq=False)
class TopPatches:
    """For each channel its top patches, best first, and where they come from; all on the CPU.

    channels:      (C,) int64, as asked for
    values:        (C, k), what the unit answered
    images:        (C, k) int64, numbers of the images in the order in which they came
    rows, columns: (C, k) int64, the unit in the layer's map
    boxes:         (C, k, 4) int64, the pixels that it sees: top, left, bottom, right
    patches:       for each channel k crops (3, h, w), smaller where the image's border cuts them off
    """

    channels: Tensor
    values: Tensor
    images: Tensor
    rows: Tensor
    columns: Tensor
    boxes: Tensor
    patches: tuple[tuple[Tensor, ...], ...]

    def only(self, channels: Sequence[int]) -> "TopPatches":
        """The same of some of the channels. Raises: LabError for one that was not asked for"""
        known, channels = self.channels.tolist(), expect_wholes("channels", channels, 0, empty=True)
        if missing := [channel for channel in channels if channel not in known]:
            raise LabError(
                f"no channel {missing[0]} among these top patches; there are {known[:6]} and so on"
            )
        i = [known.index(channel) for channel in channels]
        facts = {name: value[i] for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **facts, patches=tuple(self.patches[row] for row in i))


def cut_out(
    images: Tensor,
    field: ReceptiveField,
    channels: list[int],
    values: Tensor,
    numbers: Tensor,
    rows: Tensor,
    columns: Tensor,
) -> TopPatches:
    """The patches of units that were chosen before, from images that are at hand still.

    images: (N, 3, H, W);  values, numbers, rows, columns: (C, k), as in `TopPatches`
    """
    size = (images.shape[2], images.shape[3])
    units = zip(*(facts.tolist() for facts in (values, numbers, rows, columns)), strict=True)
    best = [
        [
            Patch(value, number, row, column, box, images[number, :, box[0] : box[2], box[1] : box[3]], 0)
            for value, number, row, column in zip(*unit, strict=True)
            for box in [fields.box_of(field, row, column, size)]
        ]
        for unit in units
    ]
    return together(channels, best)


def together(channels: list[int], best: list[list[Patch]]) -> TopPatches:
    values, numbers, rows, columns, boxes = (
        torch.tensor([[patch[i] for patch in kept] for kept in best]) for i in range(5)
    )
    crops = tuple(tuple(patch.crop for patch in kept) for kept in best)
    return TopPatches(torch.tensor(channels), values, numbers, rows, columns, boxes, crops)
