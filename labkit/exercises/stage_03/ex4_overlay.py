"""03.4 One channel's map laid over its photo as a transparent colour."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit import images
from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape


def _overlay_cases(generator: torch.Generator) -> Cases:
    bank = images.photos().images  # of the size that the notebook has loaded already
    photo = images.fit(bank[torch.randint(len(bank), (1,), generator=generator)], 64)[0]
    colour = torch.rand(3, generator=generator)

    def case(image: Tensor, *shape: int) -> SimpleNamespace:
        return SimpleNamespace(image=image, map=torch.rand(shape, generator=generator) * 5, colour=colour)

    faint, silent = case(photo, 5, 6), case(photo, 4, 4)
    faint.map *= 0.05
    silent.map = torch.zeros(4, 4)
    return {
        "a photo and a map of 7 × 7": case(photo, 7, 7),
        "a wide photo": case(photo[:, :32].clone(), 4, 8),
        "a faint map": faint,
        "a map that does not fire": silent,
    }


def _judge_overlay(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    laid = answer["overlay"]
    expect_shape("overlay", laid, tuple(case.image.shape))
    expect_finite("overlay", laid)
    expect_between(
        "overlay", laid, 0, 1, why="a mix of two colours lies between them: (1 - a)·image + a·colour"
    )
    a = _interpolated(case.map / (case.map.max() or 1), case.image.shape[1:])
    expected = (1 - a) * case.image + a * case.colour.view(3, 1, 1)
    expect_close(
        "overlay",
        laid,
        expected,
        why="(1 - a)·image + a·colour, a between the middles of the cells",
        atol=1e-3,
    )


def _interpolated(small: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, by hand: each side is a matrix of weights between the middles of two cells."""

    def weights(cells: int, pixels: int) -> Tensor:
        place = ((torch.arange(pixels) + 0.5) * cells / pixels - 0.5).clamp(0, cells - 1)
        return (1 - (place[:, None] - torch.arange(cells)).abs()).clamp(min=0)  # (pixels, cells)

    return weights(small.shape[0], size[0]) @ small @ weights(small.shape[1], size[1]).T


_BILINEAR = {"mode": "bilinear", "align_corners": False}


def _lay_over(
    *,
    scaled: Callable[[Tensor], Tensor] = lambda small: small / (small.max() or 1),
    size: Callable[[Tensor], tuple[int, ...]] = lambda image: tuple(image.shape[1:]),
    mode: dict[str, Any] = _BILINEAR,
    shares: Callable[[Tensor], Tensor] = lambda a: a,
    mix: Callable[..., Tensor] = lambda a, image, colour: (1 - a) * image + a * colour,
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """A wrong answer: the right recipe with one part exchanged. shares: what is made of the enlarged map"""

    def wrong(image: Tensor, small: Tensor, colour: Tensor) -> Tensor:
        a = shares(F.interpolate(scaled(small)[None, None], size=size(image), **mode)[0])
        return mix(a, image, colour.view(3, 1, 1))

    return wrong


EXERCISE = Exercise(
    id="03.4",
    title="One channel over its photo",
    points=2,
    minutes=12,
    hints=(
        "Three steps: divide the map by its largest value, enlarge it to the photo's (H, W), mix.",
        'F.interpolate wants (N, C, h, w), so map[None, None]; and mode="bilinear", since its default is "nearest".',
        "align_corners=False puts each value at the middle of its cell. The mix is (1 - a) * image + a * colour.",
        'a = F.interpolate(scaled[None, None], size=image.shape[1:], mode="bilinear", align_corners=False)[0]; '
        "return (1 - a) * image + a * colour.view(3, 1, 1)",
    ),
    cases=_overlay_cases,
    answer=lambda f, case: {"overlay": f(case.image, case.map, case.colour)},
    judge=_judge_overlay,
    mistakes=(
        Mistake(
            "corners aligned",
            "with align_corners=True the first cell's value goes to the photo's outermost pixel, so the map is "
            "stretched outwards, up to half a cell at the border. A cell stands for a square of pixels: its value "
            "belongs in the middle, align_corners=False.",
            _lay_over(mode={"mode": "bilinear", "align_corners": True}),
        ),
        Mistake(
            "nearest",
            'F.interpolate takes the nearest cell unless told mode="bilinear"; you see squares with hard edges, '
            "which the photo does not have.",
            _lay_over(mode={"mode": "nearest"}),
        ),
        Mistake(
            "added, not mixed",
            "you added the colour to the photo, so bright places leave 0..1. Mix: (1 - a)·image + a·colour.",
            _lay_over(mix=lambda a, image, colour: image + a * colour),
        ),
        Mistake(
            "map not scaled",
            "a map goes up to 5 or 500, but a share lies between 0 and 1: divide by the map's largest value first.",
            _lay_over(scaled=lambda small: small),
        ),
        Mistake(
            "0/0",
            "a map that does not fire has the largest value 0, and 0/0 is NaN. There a is 0: "
            "the photo stays as it is.",
            _lay_over(scaled=lambda small: small / small.max()),
        ),
        Mistake(
            "width before height",
            "this photo is not square. Enlarge to image.shape[1:], (height, width) in this order, and write no size "
            "down as a number.",
            _lay_over(size=lambda image: (image.shape[2], image.shape[1])),
        ),
        Mistake(
            "bicubic",
            'mode="bicubic" swings beyond the values between which it lies, below 0 and above 1. Take "bilinear".',
            _lay_over(mode={"mode": "bicubic", "align_corners": False}),
        ),
        Mistake(
            "added, then cut",
            "you added the colour and cut off what is above 1, so bright places lose their picture. "
            "Mix: (1 - a)·image + a·colour.",
            _lay_over(mix=lambda a, image, colour: (image + a * colour).clamp(0, 1)),
        ),
        Mistake(
            "shares exchanged",
            "the photo shows where the map fires, and the colour where it does not. (1 - a)·image + a·colour.",
            _lay_over(mix=lambda a, image, colour: a * image + (1 - a) * colour),
        ),
        Mistake(
            "scaled after enlarging",
            "you divided by the largest value after enlarging. Between the middles of the cells it is a little "
            "smaller: "
            "divide first, by the map's own largest value.",
            _lay_over(scaled=lambda small: small, shares=lambda a: a / (a.max() or 1)),
        ),
        Mistake(
            "cut, not scaled",
            "you cut the map to 0..1, so nearly all of it is 1. Divide by its largest value.",
            _lay_over(scaled=lambda small: small.clamp(0, 1)),
        ),
        Mistake(
            "stretched from its smallest value",
            "you subtracted the map's smallest value. 0 means silent, and is to stay 0: divide by the largest alone.",
            _lay_over(scaled=lambda small: (small - small.min()) / ((small.max() - small.min()) or 1)),
        ),
        Mistake(
            "divided by the sum",
            "you divided by the map's sum, and the colour is hardly seen. Divide by its largest value.",
            _lay_over(scaled=lambda small: small / (small.sum() or 1)),
        ),
        Mistake(
            "colour forgotten",
            "you only darken the photo. Add a·colour.",
            _lay_over(mix=lambda a, image, colour: (1 - a) * image),
        ),
        Mistake(
            "white in place of the colour",
            "you add a itself, which is white. Multiply it by the colour, colour.view(3, 1, 1).",
            _lay_over(mix=lambda a, image, colour: (1 - a) * image + a),
        ),
        Mistake(
            "photo forgotten",
            "you return the colour alone. Add (1 - a)·image.",
            _lay_over(mix=lambda a, image, colour: a * colour),
        ),
        Mistake(
            "half as strong",
            "your colour is half as strong. Where the map is largest, a is 1 and the colour covers the photo.",
            _lay_over(shares=lambda a: a / 2),
        ),
        Mistake(
            "first colour for all",
            "you mix all three colours with colour[0]. Each has its own: colour.view(3, 1, 1).",
            _lay_over(mix=lambda a, image, colour: (1 - a) * image + a * colour[0]),
        ),
    ),
)
