"""Pixels below a percentile that become grey: the judge and the wrong answers of two exercises."""

from collections.abc import Callable
from math import ceil, floor

import torch
from torch import Tensor

from labkit.checks.exercise import Mistake
from labkit.checks.expect import expect_close
from labkit.methods.ascent import GREY


def _grey_least(images: Tensor, sizes: Tensor, percent: float, clipped: Tensor) -> Tensor:
    """By counting: a pixel becomes grey if few of its image's pixels are smaller, and stays if many are.

    Percentiles have several rules, which differ by one pixel, and equal pixels go together or not at all. So one
    pixel more or less, and whatever equals the last one, may be either: there it is as in `clipped`.
    """
    flat, share = sizes.flatten(1), percent / 100 * sizes[0].numel()
    others = flat[:, None, :]
    smaller = (others < flat[:, :, None] * (1 - 1e-5)).sum(dim=2).view_as(sizes)  # of each pixel, (N, H, W)
    not_larger = (others <= flat[:, :, None] * (1 + 1e-5)).sum(dim=2).view_as(sizes)
    surely, surely_not = not_larger < floor(share), smaller > ceil(share)
    is_grey = ((clipped - GREY).abs() < 1e-6).all(dim=1)
    return torch.where((surely | ~surely_not & is_grey)[:, None], GREY, images)


def judge_clipped(name: str, clipped: Tensor, given: Tensor, sizes: Tensor, percent: float, why: str) -> None:
    if clipped.shape != given.shape:
        expect_close(name, clipped, given, why=why)
    share = ((clipped - GREY).abs() < 1e-6).all(dim=1).double().mean().item() * 100
    counted = f"{share:.0f} % of the pixels are grey, 0.5, expected {percent} % of each image"
    expect_close(
        name, clipped, _grey_least(given, sizes, percent, clipped), why=f"{counted}; {why}", atol=1e-6
    )


def clip(
    sizes: Callable[[Tensor], Tensor],
    *,
    to: float = GREY,
    threshold_of: Callable[[Tensor, float], Tensor] = lambda flat, share: flat.quantile(share, dim=-1),
    above: bool = False,
) -> Callable[[Tensor, float], Tensor]:
    """A wrong answer made of wrong sizes of pixels, (images) -> (N, H, W) or (N, 3, H, W), or of a wrong threshold.

    to: what small pixels become;  above: clips what is above the threshold
    """

    def wrong(images: Tensor, percent: float) -> Tensor:
        found = sizes(images)
        threshold = threshold_of(found.flatten(1), percent / 100).view(-1, *[1] * (found.ndim - 1))
        least = found > threshold if above else found < threshold
        return torch.where(least if least.ndim == 4 else least[:, None], to, images)

    return wrong


def of_the_batch(flat: Tensor, share: float) -> Tensor:
    """A wrong threshold: one for all images."""
    return flat.flatten().quantile(share)


def of_the_rest(flat: Tensor, share: float) -> Tensor:
    """A wrong threshold: so many percent stay."""
    return flat.quantile(1 - share, dim=-1)


def of_the_first(flat: Tensor, share: float) -> Tensor:
    """A wrong threshold: the first image's."""
    return flat[0].quantile(share)


def of_the_largest(flat: Tensor, share: float) -> Tensor:
    """A wrong threshold: a share of the largest value, not of the pixels."""
    return flat.amax(dim=-1) * share


def clip_rows(sizes: Callable[[Tensor], Tensor]) -> Callable[[Tensor, float], Tensor]:
    """A wrong answer: each row of pixels has a threshold of its own."""

    def wrong(images: Tensor, percent: float) -> Tensor:
        found = sizes(images)
        least = found < found.quantile(percent / 100, dim=2, keepdim=True)
        return torch.where(least[:, None], GREY, images)

    return wrong


def norm(images: Tensor) -> Tensor:
    sizes: Tensor = (images - GREY).norm(dim=1)
    return sizes


def threshold_mistakes(with_threshold: Callable[..., Callable[..., Tensor]]) -> tuple[Mistake, ...]:
    """What can be wrong with a threshold, whatever it is that pixels are measured by.

    with_threshold: (clip or clip_rows, options of clip) -> a wrong answer
    """
    return (
        Mistake(
            "the first one's threshold",
            "you use the first image's threshold for all. Each image has its own: threshold.view(-1, 1, 1).",
            with_threshold(threshold_of=of_the_first),
        ),
        Mistake(
            "row by row",
            "you took a threshold for each row of pixels. It is one for the whole image: flatten(1), then dim=1.",
            with_threshold(clip_rows),
        ),
        Mistake(
            "so many percent stay",
            "you keep so many percent and clip the rest. `percent` is how many become grey: quantile(percent / 100).",
            with_threshold(threshold_of=of_the_rest),
        ),
    )
