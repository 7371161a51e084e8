"""Rows of top patches: some of them chosen, and how much a row says.

The two measures are what a trained network and an untrained one are held against.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_row, expect_tensor, expect_whole
from labkit.kernel import in_usual_numbers
from labkit.methods.patches.chosen import TopPatches


def is_inside(top: TopPatches) -> Tensor:
    """Which patches no border cuts: as large as the largest of all. (C, k) bool."""
    sides = top.boxes[..., 2:] - top.boxes[..., :2]
    return (sides == sides.amax(dim=(0, 1))).all(dim=2)


def inside(top: TopPatches, *, k: int = 9) -> TopPatches:
    """Of each channel the first k patches that no border cuts; channels with fewer are left out."""
    expect_whole("k", k, 1)
    whole = is_inside(top)
    rows = (whole.sum(dim=1) >= k).nonzero()[:, 0]
    return ranked(
        top.only(top.channels[rows].tolist()), whole[rows].int().sort(descending=True, stable=True)[1][:, :k]
    )


def ranked(top: TopPatches, ranks: Tensor) -> TopPatches:
    """Of each channel the patches of these ranks, 0 its best. ranks: (C, k) int64."""
    C = len(top.channels)
    if C:  # of no channels there are no ranks
        expect_tensor("ranks", ranks, "C k", of="whole numbers", C=C)
        expect_whole("each of ranks", ranks.min(), 0)
        expect_whole("each of ranks", ranks.max(), 0, top.values.shape[1] - 1)
    ranks = ranks.long().to(top.values.device)
    facts = {name: getattr(top, name).gather(1, ranks) for name in ("values", "images", "rows", "columns")}
    boxes = top.boxes.gather(1, ranks[..., None].expand(-1, -1, 4))
    patches = tuple(
        tuple(row[i] for i in chosen) for row, chosen in zip(top.patches, ranks.tolist(), strict=True)
    )
    return replace(top, **facts, boxes=boxes, patches=patches)


@in_usual_numbers
def likeness(rows: Sequence[Sequence[Tensor]], *, side: int = 8) -> Tensor:
    """How alike the patches of each row look, pixel by pixel: 0 as patches of any rows, 1 the same.

    The mean correlation of two patches of a row, each shrunk to side × side colours, less the mean of all.

    rows:    C rows of k patches (3, h, w) of any size, k at least 2
    Returns: (C,) in -1..1
    """
    expect_whole("side", side, 1)
    rows = [expect_row("each of the rows", row) for row in expect_row("rows", rows)]
    for patch in (patch for row in rows for patch in row):
        expect_tensor("each patch", patch, "3 h w", of="floats of 32 or 64 bits")
    expect_whole("the length of each row", min(map(len, rows), default=0), 2)
    shrunk = [
        F.interpolate(patch[None], size=(side, side), mode="bilinear", antialias=True)
        for row in rows
        for patch in row
    ]
    colours = torch.cat(shrunk).flatten(1)
    k = len(rows[0])
    unit: Tensor = F.normalize(colours - colours.mean(dim=0), dim=1).unflatten(0, (-1, k))  # (C, k, d)
    return ((unit @ unit.mT).sum(dim=(1, 2)) - unit.square().sum(dim=(1, 2))) / (k * (k - 1))


@in_usual_numbers
def overlap(images: Tensor) -> float:
    """The share of a channel's images that another channel chose too, averaged over all pairs of channels.

    images: (C, k) int64, each channel's images, no image twice in a row
    """
    expect_tensor("images", images, "C k", of="whole numbers")
    expect_whole("the number of channels", len(images), 2)
    expect_whole("each of images", images.min(), 0)
    C, k = images.shape
    images = images.long()
    chosen = torch.zeros(C, int(images.max()) + 1, device=images.device).scatter(1, images, 1)
    return ((chosen @ chosen.T).sum().item() / k - C) / (C * (C - 1))
