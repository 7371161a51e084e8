"""What is done to the image after each step, so that it stays near to what photos look like.

A regulariser takes the images, the objective's gradient with respect to them, and the number of the step
(the first is 1), and gives new images. Grey is the image that is nothing.

Source: Yosinski et al. 2015, arXiv:1506.06579, section 3
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_alike, expect_number, expect_tensor, expect_whole
from labkit.kernel import in_usual_numbers
from labkit.methods.ascent.penalties import GREY

Regulariser = Callable[[Tensor, Tensor, int], Tensor]


def decay(share: float) -> Regulariser:
    """L2 decay: every pixel moves this share of the way to grey, the strong ones furthest."""
    expect_number("share", share, 0, 1, mend="0.01")
    return lambda images, gradient, step: decayed(images, share)


@in_usual_numbers
def blur(sigma: float, *, every: int = 4) -> Regulariser:
    """A Gaussian blur every few steps, against the high frequencies that gradients are full of.

    sigma: in pixels
    """
    expect_number("sigma", sigma, 0, above=True, mend="blur(1.0)")
    expect_whole("every", every, 1)
    return lambda images, gradient, step: images if step % every else gaussian_blur(images, sigma)


def clip_norm(percent: float) -> Regulariser:
    """Pixels nearest to grey become grey: so many percent of each image, by their norm over the colours."""
    _expect_percent(percent)
    return lambda images, gradient, step: without_small_norms(images, percent)


def clip_contribution(percent: float) -> Regulariser:
    """Pixels that matter least become grey: so many percent of each image, by |Σ over colours x · gradient|.

    That product estimates how far the objective would move if the pixel became grey.
    """
    _expect_percent(percent)
    return lambda images, gradient, step: without_small_contributions(images, gradient, percent)


def decayed(images: Tensor, share: float) -> Tensor:
    """The images, every pixel that share of its way to grey."""
    expect_tensor("images", images, "N C H W")
    return GREY + (1 - share) * (images - GREY)


def without_small_norms(images: Tensor, percent: float) -> Tensor:
    """The images, so many percent of each one's pixels grey: those nearest to grey."""
    expect_tensor("images", images, "N C H W", of="floats of 32 or 64 bits")
    return _grey_least(images, (images - GREY).norm(dim=1), percent)


def without_small_contributions(images: Tensor, gradient: Tensor, percent: float) -> Tensor:
    """The images, so many percent of each one's pixels grey: those that matter least by that gradient."""
    expect_alike("images", images, "gradient", gradient, "N C H W", of="floats of 32 or 64 bits")
    return _grey_least(images, ((images - GREY) * gradient).sum(dim=1).abs(), percent)


@in_usual_numbers
def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Blurred by a Gaussian out to three sigma; beyond the border the outermost pixel goes on."""
    expect_tensor("images", images, "N C H W")
    expect_number("sigma", sigma, 0, 4 * max(images.shape[2:]), above=True)
    radius = max(1, int(3 * sigma + 0.5))
    x = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    kernel = (-0.5 * (x / sigma) ** 2).exp()
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
    padded = F.pad(images, (radius,) * 4, mode="replicate")
    across = F.conv2d(padded, kernel, groups=images.shape[1])
    return F.conv2d(across, kernel.mT, groups=images.shape[1])


def _expect_percent(percent: float) -> None:
    expect_number("percent", percent, 0, 100, mend="50")


def _grey_least(images: Tensor, sizes: Tensor, percent: float) -> Tensor:
    """sizes: (N, H, W); those below the percentile become grey in all colours."""
    threshold = sizes.flatten(1).quantile(percent / 100, dim=1).view(-1, 1, 1)
    return torch.where((sizes < threshold)[:, None], GREY, images)
