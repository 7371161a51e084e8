"""Small random changes before each look, so that the image has to hold for all of them.

A transform takes images and a generator, and draws one change for the whole batch.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_number, expect_tensor, expect_whole
from labkit.kernel import in_usual_numbers
from labkit.methods.ascent.penalties import GREY

Transform = Callable[[Tensor, torch.Generator], Tensor]


def _draw(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * torch.rand((), generator=generator).item()


def pad(pixels: int, *, value: float = GREY) -> Transform:
    """A frame of one grey around the image, so that nothing has to be good at the very border."""
    expect_whole("pixels", pixels, 0)
    expect_number("value", value)
    return lambda images, generator: F.pad(_maps(images), (pixels,) * 4, value=value)


@in_usual_numbers
def jitter(pixels: int) -> Transform:
    """Roll the image by up to so many pixels down or up, right or left; what leaves one side enters the other.

    The gradient comes back rolled back, by the chain rule.
    """
    expect_whole("pixels", pixels, 0)

    def rolled(images: Tensor, generator: torch.Generator) -> Tensor:
        down, right = torch.randint(-pixels, pixels + 1, (2,), generator=generator).tolist()
        return _maps(images).roll((down, right), dims=(2, 3))

    return rolled


@in_usual_numbers
def scale(low: float, high: float) -> Transform:
    """Enlarge the image by a factor in low..high about its middle; its size in pixels stays."""
    expect_number("low", low, 0, above=True)
    expect_number("high", high, low)
    return lambda images, generator: _warp(images, angle=0.0, factor=_draw(low, high, generator))


@in_usual_numbers
def rotate(degrees: float) -> Transform:
    """Turn the image about its middle by up to so many degrees, to either side."""
    expect_number("degrees", degrees, 0)
    return lambda images, generator: _warp(
        images, angle=math.radians(_draw(-degrees, degrees, generator)), factor=1.0
    )


@in_usual_numbers
def tint(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each colour a little stronger or weaker, lighter or darker: no picture that lives on one exact shade."""
    expect_tensor("images", images, "N 3 H W")
    gain: Tensor
    shift: Tensor
    gain, shift = 0.1 * torch.randn(2, 3, 1, 1, generator=generator).to(images.device)
    return images * (1 + gain) + shift


def _maps(images: Tensor) -> Tensor:
    """The images, if they are a batch of such."""
    expect_tensor("images", images, "N C H W")
    return images


def _warp(images: Tensor, *, angle: float, factor: float) -> Tensor:
    """Turned by an angle and enlarged by a factor; beyond its border the image is mirrored."""
    H, W = _maps(images).shape[2:]
    cos, sin = math.cos(angle) / factor, math.sin(angle) / factor
    where = images.new_tensor([[cos, -sin * H / W, 0], [sin * W / H, cos, 0]])
    grid = F.affine_grid(where[None], [1, 1, H, W], align_corners=False)  # one for the whole batch
    grid = grid.expand(len(images), -1, -1, -1)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


ROBUST: tuple[Transform, ...] = (jitter(16), scale(0.8, 1.25), rotate(10))
