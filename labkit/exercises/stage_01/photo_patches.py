"""Small patches of photos, drawn from a pool that is cut once, since a check draws its cases many times."""

from functools import cache

import torch
from torch import Tensor

from labkit import images
from labkit.methods import filters

_SIZE = 5  # pixels on a side of the largest patch


def draw_patches(generator: torch.Generator, count: int, size: int) -> Tensor:
    """(count, 3·size·size), flattened channel by channel; size is 5 at most."""
    pool = _pool()
    return pool[torch.randperm(len(pool), generator=generator)[:count], :, :size, :size].flatten(1)


@cache
def _pool() -> Tensor:
    bank = images.photos().images  # of the size that the notebook has loaded already
    return filters.random_patches(bank, count=2000, size=_SIZE).view(-1, 3, _SIZE, _SIZE)
