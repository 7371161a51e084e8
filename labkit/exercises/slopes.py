"""How fast a score moves with each value of an image: by nudging, which needs no autograd, and by autograd."""

from collections.abc import Callable

import torch
from torch import Tensor

Score = Callable[[Tensor], Tensor]  # images (M, 3, H, W) -> (M,), each image's own


def gradient_by_nudging(score: Score, image: Tensor, *, step: float = 1e-7) -> Tensor:
    """The slope of a score, each value of the image up and down a little: the judge that no trick of autograd fools.

    score:   computes in float64
    image:   (1, 3, H, W)
    Returns: (1, 3, H, W) float64
    """
    nudges = step * torch.eye(image.numel(), dtype=torch.float64).view(-1, *image.shape[1:])
    return ((score(image.double() + nudges) - score(image.double() - nudges)) / (2 * step)).view(image.shape)


def gradient_by_autograd(score: Score, images: Tensor) -> Tensor:
    """The slope of each image's score, by autograd. (N, 3, H, W) -> (N, 3, H, W)"""
    leaf = images.clone().requires_grad_()
    return torch.autograd.grad(score(leaf).sum(), leaf)[0]


def forgive_few(got: Tensor, expected: Tensor, *, share: float = 0.02, atol: float = 1e-4) -> Tensor:
    """What came, and what is expected in its place where that is another value; as it came if these are not few.

    For the end of a path of many steps: a sign at a slope of nearly 0, or a value between two whole numbers, is a
    matter of rounding. Right paths measured here agree in all values, wrong ones in less than 90 %.
    """
    if got.shape != expected.shape:
        return got
    apart = ~((got.double() - expected.double()).abs() <= atol)
    return torch.where(apart, expected.to(got), got) if apart.double().mean() <= share else got
