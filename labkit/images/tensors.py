"""What a batch of images is: (N, 3, H, W) floats in 0..1. Normalisation belongs to the networks."""

import torch.nn.functional as F
from torch import Tensor

from labkit.errors import LabError


def expect_images(images: Tensor) -> None:
    """Require a batch (N, 3, H, W) of floats in 0..1.

    Raises: LabError with what was expected, what came, what to try
    """
    if not isinstance(images, Tensor):
        raise LabError(
            f"expected a batch of images as a tensor, got {type(images).__name__}; try images.load"
        )
    if images.ndim != 4 or images.shape[1] != 3 or 0 in images.shape:
        mend = "image.unsqueeze(0)" if images.ndim == 3 else "images.load or images.photos().images"
        raise LabError(f"expected images of shape (N, 3, H, W), got {tuple(images.shape)}; try {mend}")
    if not images.is_floating_point():
        raise LabError(f"expected floats in 0..1, got {images.dtype}; try images.float() / 255")
    low, high = images.amin().item(), images.amax().item()
    if not (low >= 0 and high <= 1):
        raise LabError(
            f"expected values in 0..1, got {low:.3g} to {high:.3g}; "
            "try images.clamp(0, 1), and leave normalisation to the network"
        )


def to_8_bit(images: Tensor) -> Tensor:
    """The images as a file keeps them, 256 shades a colour: each value rounded to the nearest k/255."""
    return (images * 255).round() / 255


def fit(images: Tensor, size: int) -> Tensor:
    """Resize the shorter side to `size` and crop the middle: (N, 3, H, W) -> (N, 3, size, size)."""
    height, width = images.shape[-2:]
    scale = size / min(height, width)
    shape = [max(size, round(height * scale)), max(size, round(width * scale))]
    resized = F.interpolate(images, size=shape, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    return resized[..., top : top + size, left : left + size].contiguous()
