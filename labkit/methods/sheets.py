"""Many small pictures as one: each stretched to its own range, all laid out side by side."""

import math

import torch
from torch import Tensor

from labkit.arguments import expect_number, expect_tensor, expect_whole


def rescale(images: Tensor) -> Tensor:
    """Stretch each image to 0..1 by its own smallest and largest value; a flat one becomes grey, 0.5.

    images:  (K, C, h, w);  Returns: (K, C, h, w)
    """
    expect_tensor("images", images, "K C h w")
    low = images.amin(dim=(1, 2, 3), keepdim=True)
    span = images.amax(dim=(1, 2, 3), keepdim=True) - low
    return torch.where(span > 0, (images - low) / span.where(span > 0, 1), 0.5)


def tile(images: Tensor, *, columns: int, gap: int = 1, background: float = 0.0) -> Tensor:
    """Lay images out as one sheet, row after row, with a gap around each.

    images:  (K, C, h, w)
    Returns: (C, rows·(h+gap) + gap, columns·(w+gap) + gap)
    """
    expect_tensor("images", images, "K C h w", of="numbers")
    expect_whole("columns", columns, 1)
    expect_whole("gap", gap, 0)
    if not (isinstance(background, float) and math.isnan(background)):  # that is a gap, not drawn
        expect_number("background", background)
    K, C, h, w = images.shape
    rows = -(-K // columns)
    sheet = images.new_full((C, rows * (h + gap) + gap, columns * (w + gap) + gap), background)
    for index, image in enumerate(images):
        top = gap + (index // columns) * (h + gap)
        left = gap + (index % columns) * (w + gap)
        sheet[:, top : top + h, left : left + w] = image
    return sheet
