"""What a batch of images is: (N, 3, H, W) floats in 0..1. Normalisation belongs to the networks."""

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_tensor, expect_whole
from labkit.errors import LabError
from labkit.units import range_mend


def expect_images(images: Tensor) -> None:
    """Require a batch (N, 3, H, W) of floats in 0..1.

    Raises: LabError with what was expected, what came, what to try
    """
    if not isinstance(images, Tensor):
        raise LabError(
            f"expected a batch of images as a tensor, got {type(images).__name__}; try images.load"
        )
    if images.is_meta or images.layout != torch.strided:
        kind = "on the meta device, without values" if images.is_meta else "a sparse tensor"
        raise LabError(f"expected a batch of images, got {kind}; try images.load")
    if images.ndim != 4 or images.shape[1] != 3 or 0 in images.shape:
        mend = "image.unsqueeze(0)" if images.ndim == 3 else "images.load or images.photos().images"
        raise LabError(f"expected images of shape (N, 3, H, W), got {tuple(images.shape)}; try {mend}")
    if not images.is_floating_point():
        raise LabError(f"expected floats in 0..1, got {images.dtype}; try images.float() / 255")
    low, high = images.amin().item(), images.amax().item()
    if not (low >= 0 and high <= 1):
        raise LabError(f"expected values in 0..1, got {low:.3g} to {high:.3g}; try {range_mend(low, high)}")


def to_8_bit(images: Tensor) -> Tensor:
    """The images as a file keeps them, 256 shades a colour: each value rounded to the nearest k/255."""
    expect_tensor("images", images, "… H W")
    return (images * 255).round() / 255


def fit(images: Tensor, size: int) -> Tensor:
    """Resize the shorter side to `size` and crop the middle: (N, 3, H, W) -> (N, 3, size, size)."""
    expect_tensor("images", images, "N C H W", of="floats of 32 or 64 bits")
    size = expect_whole("size", size, 1)
    images = _without_far_ends(images)
    height, width = images.shape[-2:]
    scale = size / min(height, width)
    shape = [max(size, round(height * scale)), max(size, round(width * scale))]
    resized = F.interpolate(images, size=shape, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    return resized[..., top : top + size, left : left + size].contiguous()


def _without_far_ends(images: Tensor, *, most: int = 16) -> Tensor:
    """The middle of a very long strip, which would take gigabytes once it is enlarged: at most so many squares."""
    shorter = min(images.shape[-2:])
    for dim in (-2, -1):
        extra = images.shape[dim] - most * shorter
        if extra > 0:
            images = images.narrow(dim, extra // 2, most * shorter)
    return images
