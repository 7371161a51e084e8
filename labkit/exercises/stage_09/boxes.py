"""Masks for the exercises: one box in each, of its own size."""

import torch
from torch import Tensor

from labkit.exercises.drawing import draw_whole_number


def draw_boxes(generator: torch.Generator, count: int, height: int, width: int) -> Tensor:
    """(count, height, width) bool, boxes of 2 to 4 pixels a side."""
    masks = torch.zeros(count, height, width, dtype=torch.bool)
    for mask in masks:
        h, w = (draw_whole_number(generator, 2, 4) for _ in range(2))
        top = draw_whole_number(generator, 0, height - h)
        left = draw_whole_number(generator, 0, width - w)
        mask[top : top + h, left : left + w] = True
    return masks
