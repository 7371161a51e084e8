"""A map cut into its windows, one by one: what a convolution with a large kernel does at once."""

import torch
from torch import Tensor


def cut(maps: Tensor, size: tuple[int, int]) -> list[list[Tensor]]:
    """Every window of h × w, cut out one by one: rows of (N, C, h, w)."""
    h, w = size
    rows, columns = maps.shape[2] - h + 1, maps.shape[3] - w + 1
    return [[maps[:, :, r : r + h, c : c + w] for c in range(columns)] for r in range(rows)]


def one_by_one(answers: list[list[Tensor]]) -> Tensor:
    """Rows of (N, K), a window each -> (N, K, rows, columns)."""
    return torch.stack([torch.stack(row, dim=-1) for row in answers], dim=-2)
