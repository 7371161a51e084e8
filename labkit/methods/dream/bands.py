"""Fine and coarse: images at other sizes, and gradients whose bands count alike."""

import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_size, expect_tensor, expect_whole
from labkit.methods.ascent import normalised


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, with a wider filter on the way down: (N, C, H, W) -> (N, C, h, w)."""
    expect_tensor("images", images, "N C H W", of="floats of 32 or 64 bits")
    size = expect_size("size", size)
    return F.interpolate(images, size=size, mode="bilinear", antialias=True)


def even_bands(gradient: Tensor, bands: int) -> Tensor:
    """A gradient whose fine and coarse parts count alike: split by halving, each part normalised, then summed.

    bands:  1 is the gradient itself, normalised
    Source: Mordvintsev 2016, TensorFlow's tutorial "deepdream.ipynb", which calls it Laplacian
    """
    expect_tensor("gradient", gradient, "N C H W")
    expect_whole("bands", bands, 1)
    size = (gradient.shape[2], gradient.shape[3])
    if bands == 1 or min(size) < 8:
        return normalised(gradient)
    coarse = resize(gradient, (size[0] // 2, size[1] // 2))
    fine = gradient - resize(coarse, size)
    return normalised(fine) + resize(even_bands(coarse, bands - 1), size)
