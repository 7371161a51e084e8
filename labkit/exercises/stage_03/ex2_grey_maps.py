"""03.2 Maps of activations as grey pictures in 0..1."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape


def _grey_cases(generator: torch.Generator) -> Cases:
    def maps(*shape: int) -> Tensor:
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


def _grey(
    *,
    each: tuple[int, ...] = (-2, -1),
    together: tuple[int, ...] = (-3, -2, -1),
    fired: Callable[[Tensor], Tensor] = lambda maps: maps.clamp(min=0),
    white: Callable[..., Tensor] = torch.amax,
    dead: float = 1.0,
    last: Callable[[Tensor], Tensor] = lambda grey: grey,
) -> Callable[[Tensor, bool], Tensor]:
    """A wrong answer: the right recipe with one part exchanged. dead: what a white of 0 is replaced by"""

    def wrong(maps: Tensor, shared: bool) -> Tensor:
        lit = fired(maps)
        top = white(lit, together if shared else each, keepdim=True)
        return last(lit / top.where(top > 0, dead))

    return wrong


def _stretched(maps: Tensor, shared: bool) -> Tensor:
    dims = (-3, -2, -1) if shared else (-2, -1)
    low, high = maps.amin(dims, keepdim=True), maps.amax(dims, keepdim=True)
    return (maps - low) / (high - low).where(high > low, 1)


def _clamped_last(maps: Tensor, shared: bool) -> Tensor:
    return (maps / maps.amax((-3, -2, -1) if shared else (-2, -1), keepdim=True)).nan_to_num().clamp(0, 1)


EXERCISE = Exercise(
    id="03.2",
    title="Maps as grey pictures",
    points=1,
    minutes=10,
    core=True,
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
            _grey(dead=0.0),
        ),
        Mistake(
            "smallest value made black",
            "you stretched from the smallest to the largest value, as for a filter. Then a map that fires "
            "everywhere has black spots where it seems silent: black is 0, here.",
            _stretched,
        ),
        Mistake(
            "each map its own scale, always",
            "with shared=True there is one white for all maps: the largest value among them.",
            _grey(together=(-2, -1)),
        ),
        Mistake(
            "one scale, always",
            "with shared=False each map has a white of its own: the largest value over its rows and columns, "
            "dim=(-2, -1), not over the channels.",
            _grey(each=(-3, -2, -1)),
        ),
        Mistake(
            "below zero kept",
            "values below zero are still there; a channel that is below zero does not fire. clamp(min=0) first.",
            _grey(fired=lambda maps: maps),
        ),
        Mistake(
            "shared the wrong way round",
            "shared=True gives one white for all maps, shared=False one for each; yours are exchanged.",
            lambda maps, shared: _grey()(maps, not shared),
        ),
        Mistake(
            "clamped at the end",
            "you divide first and clamp afterwards. A map that is below zero all over has a largest value below zero, "
            "and divided by it becomes bright. clamp(min=0) first.",
            _clamped_last,
        ),
        Mistake(
            "absolute values",
            "you took absolute values, so that a channel which is far below zero looks as if it fired. clamp(min=0).",
            _grey(fired=torch.abs),
        ),
        Mistake(
            "cut to 0..1",
            "you cut off what is above 1. Divide by the largest value, so that nothing is lost.",
            lambda maps, shared: maps.clamp(0, 1),
        ),
        Mistake(
            "row by row",
            "you divide each row by its own largest value. A map has one white: the largest over rows and columns, "
            "dim=(-2, -1).",
            _grey(each=(-1,)),
        ),
        Mistake(
            "column by column",
            "you divide each column by its own largest value. A map has one white: the largest over rows and columns, "
            "dim=(-2, -1).",
            _grey(each=(-2,)),
        ),
        Mistake(
            "across the channels",
            "you took the largest over the channels, at each place. A map's white is its own largest value: "
            "dim=(-2, -1).",
            _grey(each=(-3,)),
        ),
        Mistake(
            "divided by the mean",
            "you divide by the mean. White is the largest value.",
            _grey(white=torch.mean),
        ),
        Mistake(
            "divided by the sum",
            "you divide by the sum. White is the largest value.",
            _grey(white=torch.sum),
        ),
        Mistake(
            "silent maps grey",
            "a map that never fires is grey in yours, as a flat filter was in stage 01. Here it is black: 0.",
            _grey(dead=0.0, last=lambda grey: grey.nan_to_num(0.5)),
        ),
        Mistake(
            "black for white",
            "your pictures are negatives. 0 is black and the largest value white.",
            _grey(last=lambda grey: 1 - grey),
        ),
    ),
)
