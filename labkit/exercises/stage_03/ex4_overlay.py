"""03.4 One channel's map laid over its photo as a transparent colour."""

from types import SimpleNamespace

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

    def case(image, *shape):
        return SimpleNamespace(image=image, map=torch.rand(shape, generator=generator) * 5, colour=colour)

    silent = case(photo, 4, 4)
    silent.map = torch.zeros(4, 4)
    return {
        "a photo and a map of 7 × 7": case(photo, 7, 7),
        "a wide photo": case(photo[:, :32].clone(), 4, 8),
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

    def weights(cells, pixels):
        place = ((torch.arange(pixels) + 0.5) * cells / pixels - 0.5).clamp(0, cells - 1)
        return (1 - (place[:, None] - torch.arange(cells)).abs()).clamp(min=0)  # (pixels, cells)

    return weights(small.shape[0], size[0]) @ small @ weights(small.shape[1], size[1]).T


def _lay_over(image, small, colour, *, add=False, guard=True, scale=True, size=None, **mode):
    white = small.max() if scale else torch.ones(())
    grey = small / (white.where(white > 0, 1) if guard else white)
    options = mode or {"mode": "bilinear", "align_corners": False}
    a = F.interpolate(grey[None, None], size=size or tuple(image.shape[1:]), **options)[0]
    return (image if add else (1 - a) * image) + a * colour.view(3, 1, 1)


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
            lambda *a: _lay_over(*a, mode="bilinear", align_corners=True),
        ),
        Mistake(
            "nearest",
            'F.interpolate takes the nearest cell unless told mode="bilinear"; you see squares with hard edges, '
            "which the photo does not have.",
            lambda *a: _lay_over(*a, mode="nearest"),
        ),
        Mistake(
            "added, not mixed",
            "you added the colour to the photo, so bright places leave 0..1. Mix: (1 - a)·image + a·colour.",
            lambda *a: _lay_over(*a, add=True),
        ),
        Mistake(
            "map not scaled",
            "a map goes up to 5 or 500, but a share lies between 0 and 1: divide by the map's largest value first.",
            lambda *a: _lay_over(*a, scale=False),
        ),
        Mistake(
            "0/0",
            "a map that does not fire has the largest value 0, and 0/0 is NaN. There a is 0: "
            "the photo stays as it is.",
            lambda *a: _lay_over(*a, guard=False),
        ),
        Mistake(
            "width before height",
            "you gave the size as (width, height); torch wants (height, width), as in image.shape[1:].",
            lambda image, *a: _lay_over(image, *a, size=(image.shape[2], image.shape[1])),
        ),
    ),
)
