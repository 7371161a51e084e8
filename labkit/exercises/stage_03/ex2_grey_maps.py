"""03.2 Maps of activations as grey pictures in 0..1."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape


def _grey_cases(generator: torch.Generator) -> Cases:
    def maps(*shape):
        return torch.randn(shape, generator=generator)

    loudness = torch.tensor([0.05, 1, 8, 0.4, 3]).view(5, 1, 1)
    fires_all_over = maps(4, 6, 6).abs() + 1
    silent = maps(4, 5, 7)
    silent[1], silent[2] = 0, -silent[2].abs()
    return {
        "loud and faint maps": SimpleNamespace(maps=maps(5, 6, 6).clamp(min=0) * loudness, shared=False),
        "loud and faint maps, one scale": SimpleNamespace(
            maps=maps(5, 6, 6).clamp(min=0) * loudness, shared=True
        ),
        "maps that fire everywhere": SimpleNamespace(maps=fires_all_over, shared=False),
        "maps that never fire": SimpleNamespace(maps=silent, shared=False),
        "nothing fires at all": SimpleNamespace(maps=torch.zeros(2, 4, 4), shared=True),
    }


def _judge_grey(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    grey = answer["grey"]
    expect_shape("grey", grey, tuple(case.maps.shape))
    expect_finite("grey", grey)
    expect_between("grey", grey, 0, 1, why="a screen shows 0..1")
    white = [max(m.max().item(), 0) for m in case.maps]
    if case.shared:
        white = [max(white)] * len(white)
    expected = torch.stack([m.clamp(min=0) / (w or 1) for m, w in zip(case.maps, white, strict=True)])
    expect_close(
        "grey", grey, expected, why="0 and less is black, the largest value white, all between in proportion"
    )


def _grey(maps, shared, *, own=False, always_shared=False, guard=True, stretch=False, clamp=True):
    dims = (-3, -2, -1) if (shared and not own) or always_shared else (-2, -1)
    low = maps.amin(dims, keepdim=True) if stretch else torch.zeros(())
    fired = maps.clamp(min=0) if clamp and not stretch else maps
    span = fired.amax(dims, keepdim=True) - low
    return (fired - low) / (span.where(span > 0, 1) if guard else span)


EXERCISE = Exercise(
    id="03.2",
    title="Maps as grey pictures",
    points=1,
    minutes=10,
    hints=(
        "Put everything below zero to zero, then divide by the largest value: of each map, or of them all.",
        "maps.clamp(min=0), then .amax(dim=(-2, -1), keepdim=True) for each map, or .amax() for one scale.",
        "A map that never fires has the largest value 0: divide by white.where(white > 0, 1) there.",
    ),
    cases=_grey_cases,
    answer=lambda f, case: {"grey": f(case.maps, case.shared)},
    judge=_judge_grey,
    mistakes=(
        Mistake(
            "0/0",
            "a map that never fires has the largest value 0, and 0/0 is NaN. Divide by 1 there, and it is black.",
            lambda maps, shared: _grey(maps, shared, guard=False),
        ),
        Mistake(
            "smallest value made black",
            "you stretched from the smallest to the largest value, as for a filter. Then a map that fires "
            "everywhere has black spots where it seems silent: black is 0, here.",
            lambda maps, shared: _grey(maps, shared, stretch=True),
        ),
        Mistake(
            "each map its own scale, always",
            "with shared=True there is one white for all maps: the largest value among them.",
            lambda maps, shared: _grey(maps, shared, own=True),
        ),
        Mistake(
            "one scale, always",
            "with shared=False each map has a white of its own: the largest value over its rows and columns, "
            "dim=(-2, -1), not over the channels.",
            lambda maps, shared: _grey(maps, shared, always_shared=True),
        ),
        Mistake(
            "below zero kept",
            "values below zero are still there; a channel that is below zero does not fire. clamp(min=0) first.",
            lambda maps, shared: _grey(maps, shared, clamp=False),
        ),
    ),
)
