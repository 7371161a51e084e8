"""Images and their waves: a sum of cosines and sines for the judge, and transforms with one part exchanged."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Size = tuple[int, int]


def sum_of_waves(spectrum: Tensor, size: Size) -> Tensor:
    """The image by definition: every wave written out at every pixel, divided by its frequency, and added up.

    spectrum: (N, 3, H, W // 2 + 1, 2), the real and the imaginary part of the waves that run to the right
    Returns:  (N, 3, H, W) float64
    """
    H, W = size
    image = torch.zeros(*spectrum.shape[:2], H, W, dtype=torch.float64)
    y, x = torch.arange(H).double()[:, None], torch.arange(W).double()
    for row in range(H):
        for column in range(W // 2 + 1):
            angle = 2 * math.pi * (row * y / H + column * x / W)  # (H, W)
            is_its_own_mirror = column in (0, W / 2)  # others run to the left as well, and count twice
            frequency = max(math.hypot(min(row, H - row) / H, column / W), 1 / max(H, W))
            weight = (1 if is_its_own_mirror else 2) / frequency / math.sqrt(H * W)
            real, imaginary = spectrum[:, :, row, column].double().unbind(-1)
            image += weight * (real[..., None, None] * angle.cos() - imaginary[..., None, None] * angle.sin())
    return image


def frequencies(
    size: Size,
    *,
    low: float | None = None,
    down: Callable[[int], Tensor] = torch.fft.fftfreq,
    across: Callable[[int], Tensor] = torch.fft.rfftfreq,
    join: Callable[[Tensor, Tensor], Tensor] = torch.hypot,
) -> Tensor:
    """Of each coefficient, in waves per pixel, at least `low`: one wave on the longer side unless given.

    Returns: (H, W // 2 + 1)
    """
    joined = join(down(size[0])[:, None], across(size[1]))
    return joined.clamp(min=1 / max(size) if low is None else low)


def image_with(
    divisor: Callable[[Size], Tensor] = frequencies,
    *,
    norm: str = "ortho",
    given_size: bool = True,
    numbers: Callable[[Tensor], Tensor] = torch.view_as_complex,
) -> Callable[[Tensor, Size], Tensor]:
    """A wrong answer: the right map with one part exchanged. divisor: size -> what every coefficient is divided by"""

    def wrong(spectrum: Tensor, size: Size) -> Tensor:
        waves = numbers(spectrum) / divisor(size)
        picture: Tensor = torch.fft.irfft2(waves, s=size if given_size else None, norm=norm)
        return picture

    return wrong
