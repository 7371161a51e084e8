"""Pixels below a percentile that become grey: the judge and the wrong answers of two exercises."""

import torch
from torch import Tensor

from labkit.checks.exercise import CheckFailed
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.methods.ascent import GREY


def _grey_least(images: Tensor, sizes: Tensor, percent: float) -> Tensor:
    """By counting: a pixel becomes grey if fewer than that share of its image's pixels are smaller."""
    flat = sizes.flatten(1)
    smaller = (flat[:, :, None] > flat[:, None, :]).sum(dim=2)  # of each pixel, (N, H · W)
    least = (smaller < percent / 100 * (flat.shape[1] - 1)).view_as(sizes)
    return torch.where(least[:, None], GREY, images)


def judge_clipped(name: str, clipped: Tensor, given: Tensor, sizes: Tensor, percent: float, why: str) -> None:
    expect_shape(name, clipped, tuple(given.shape))
    expect_finite(name, clipped)
    is_grey = (clipped == GREY).all(dim=1)
    share, N = is_grey.double().mean().item() * 100, is_grey[0].numel()
    if not abs(share - percent) <= 100 / N + 1:
        raise CheckFailed(f"{name}: {share:.0f} % of the pixels are grey, 0.5, expected {percent} %; {why}")
    expect_close(name, clipped, _grey_least(given, sizes, percent), why=why, atol=1e-6)


def clip(sizes, *, to=GREY, each=True, above=False):
    """A wrong answer made of wrong sizes of pixels, (images) -> (N, H, W) or (N, 3, H, W)."""

    def wrong(images, percent):
        found = sizes(images)
        flat = found.flatten(1 if each else 0)
        share = (100 - percent if above else percent) / 100
        threshold = flat.quantile(share, dim=-1).view(-1, *[1] * (found.ndim - 1))
        least = found > threshold if above else found < threshold
        return torch.where(least if least.ndim == 4 else least[:, None], to, images)

    return wrong


def norm(images):
    return (images - GREY).norm(dim=1)
