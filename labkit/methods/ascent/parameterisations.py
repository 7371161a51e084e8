"""The numbers that are moved, and the image that they stand for.

Gradient ascent in pixels loves high frequencies. Moved in Fourier space, with every frequency scaled as in
photos and colours uncorrelated, the same ascent is the same hill seen from a better side.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.arguments import expect_tensor

# the square root of the covariance of ImageNet's colours, scaled to its largest column; lucid's figures
COLOURS = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLOURS = COLOURS / COLOURS.norm(dim=0).max()
CONTRAST = 0.25  # of the image that a spectrum of standard deviation 1 would make


@dataclass(frozen=True)
class Parameterisation:
    """Images as other numbers, there and back.

    encode: images (N, 3, H, W) in 0..1 -> numbers
    decode: (numbers, (H, W)) -> images
    is_bounded: whether any numbers make an image within 0..1
    """

    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor, tuple[int, int]], Tensor]
    is_bounded: bool


def _spectrum_scale(size: tuple[int, int], like: Tensor) -> Tensor:
    """(H, W // 2 + 1): one over the frequency, as the amplitudes of photos fall."""
    height, width = size
    rows = torch.fft.fftfreq(height, dtype=like.dtype, device=like.device)
    columns = torch.fft.rfftfreq(width, dtype=like.dtype, device=like.device)
    return 1 / torch.hypot(rows[:, None], columns).clamp(min=1 / max(height, width))


def sum_of_waves(numbers: Tensor, size: tuple[int, int]) -> Tensor:
    """The picture that a spectrum makes, each wave divided by its frequency.

    numbers: (N, 3, H, W // 2 + 1, 2), real and imaginary part;  size: (H, W)
    Returns: (N, 3, H, W), of any sign
    """
    spectrum = torch.view_as_complex(numbers) * _spectrum_scale(size, numbers)  # (N, 3, H, W // 2 + 1)
    picture: Tensor = torch.fft.irfft2(spectrum, s=size, norm="ortho")
    return picture


def _to_image(numbers: Tensor, size: tuple[int, int]) -> Tensor:
    plain = CONTRAST * sum_of_waves(numbers, size)  # (N, 3, H, W), uncorrelated
    return torch.einsum("dc,nchw->ndhw", COLOURS.to(plain), plain).sigmoid()


def _to_spectrum(images: Tensor) -> Tensor:
    expect_tensor("images", images, "N 3 H W", of="floats of 32 or 64 bits")
    plain = torch.einsum("dc,nchw->ndhw", COLOURS.to(images).inverse(), images.logit(eps=1e-3))
    spectrum = torch.fft.rfft2(plain / CONTRAST, norm="ortho") / _spectrum_scale(
        (images.shape[2], images.shape[3]), images
    )
    return torch.view_as_real(spectrum)  # (N, 3, H, W // 2 + 1, 2)


PIXELS = Parameterisation(torch.clone, lambda numbers, size: numbers.clone(), is_bounded=False)
"""The pixels themselves."""

FOURIER = Parameterisation(_to_spectrum, _to_image, is_bounded=True)
"""Frequencies scaled as in photos, colours uncorrelated. Source: Olah et al. 2017, "Feature visualization"."""
