"""01.2 Filters brought into 0..1 for display, each by itself."""

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake, each
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape
from labkit.methods import sheets as reference


def _filter_banks(generator: torch.Generator) -> Cases:
    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    loud = draw(6, 3, 7, 7) * torch.tensor([0.1, 1, 10, 0.5, 2, 5]).view(6, 1, 1, 1)
    with_flat = draw(3, 3, 4, 5)
    with_flat[1] = 0.3
    return {
        "loud and quiet filters": loud,
        "filters above zero": draw(4, 3, 5, 5).abs() + 1,
        "one flat": with_flat,
    }


def _judge_scaled(filters: Tensor, answer: dict[str, Tensor]) -> None:
    scaled = answer["scaled"]
    expect_shape("scaled", scaled, tuple(filters.shape))
    expect_finite("scaled", scaled)
    expect_between("scaled", scaled, 0, 1, why="a screen shows 0..1, and clips the rest")
    expected = reference.rescale(filters)
    flat = filters.amax((1, 2, 3)) == filters.amin((1, 2, 3))
    expect_close(
        "scaled", scaled[~flat], expected[~flat], why="each filter's least weight becomes 0, its largest 1"
    )
    if not torch.allclose(scaled[flat].double(), expected[flat].double(), atol=1e-4):
        raise CheckFailed(
            f"scaled: expected 0.5 where a filter is flat, got {scaled[flat].flatten()[0].item():.4g}",
            mistake="flat filter not grey",
        )


_ALL = (1, 2, 3)


def _scale(filters: Tensor, dims: tuple[int, ...] = _ALL, flat: float = 0.5) -> Tensor:
    low, high = filters.amin(dims, keepdim=True), filters.amax(dims, keepdim=True)
    return torch.where(high > low, (filters - low) / (high - low), flat)


def _centred(filters: Tensor) -> Tensor:
    return 0.5 + filters / (2 * filters.abs().amax(_ALL, keepdim=True))


EXERCISE = Exercise(
    id="01.2",
    title="Scale each filter for display",
    points=1,
    minutes=8,
    core=True,
    hints=(
        "Every filter needs its own smallest and largest weight, over its three colours together.",
        "filters.amin(dim=(1, 2, 3), keepdim=True) has shape (K, 1, 1, 1), so it broadcasts.",
        "A flat filter gives 0/0. torch.where(span > 0, scaled, 0.5) chooses grey there.",
    ),
    cases=_filter_banks,
    answer=lambda f, filters: {"scaled": f(filters)},
    judge=_judge_scaled,
    alone=each(),
    mistakes=(
        Mistake(
            "one scale for all",
            "you took the smallest and largest weight of the whole bank, so one loud filter leaves "
            "the others grey. Take them per filter.",
            lambda f: _scale(f, (0, 1, 2, 3)),
        ),
        Mistake(
            "each colour apart",
            "you scaled red, green and blue apart, which paints colours that the filter does not have. "
            "One scale for the three together.",
            lambda f: _scale(f, (2, 3)),
        ),
        Mistake(
            "divided by the largest only",
            "you divided by the largest weight and did not subtract the smallest: "
            "negative weights stay below 0, where the screen shows black.",
            lambda f: f / f.amax(_ALL, keepdim=True),
        ),
        Mistake(
            "flat filter",
            "the flat filter has no range, and 0/0 is NaN. Give it 0.5.",
            lambda f: _scale(f, flat=torch.nan),
        ),
        Mistake(
            "flat filter not grey",
            "a filter whose weights are all equal is to be 0.5. A small number added to the range makes it 0: "
            "choose with torch.where(span > 0, scaled, 0.5).",
            lambda f: _scale(f, flat=0.0),
        ),
        Mistake(
            "divided by the largest, not by the range",
            "you subtracted the smallest weight and divided by the largest as it was before. "
            "Divide by the range, largest - smallest.",
            lambda f: (f - f.amin(_ALL, keepdim=True)) / f.amax(_ALL, keepdim=True),
        ),
        Mistake(
            "divided by the largest size",
            "you divided by the largest size, which leaves -1..1. Subtract the smallest weight first, then divide by "
            "the range.",
            lambda f: f / f.abs().amax(_ALL, keepdim=True),
        ),
        Mistake(
            "zero made grey",
            "you put weight 0 at grey, 0.5. Then hardly any filter reaches both 0 and 1. The task asks for the "
            "smallest weight at 0 and the largest at 1.",
            _centred,
        ),
        Mistake(
            "cut to 0..1",
            "you cut off what lies outside 0..1. Stretch instead: subtract the smallest weight, divide by the range.",
            lambda f: f.clamp(0, 1),
        ),
        Mistake(
            "negative weights cut",
            "you cut the negative weights before stretching. The smallest weight becomes 0, even if it is negative.",
            lambda f: _scale(f.clamp(min=0)),
        ),
        Mistake(
            "absolute values",
            "you took absolute values first, so a negative weight looks like a positive one.",
            lambda f: _scale(f.abs()),
        ),
        Mistake(
            "across the filters",
            "you took the smallest and largest over the filters, dim=0, for each place. Take them inside each filter: "
            "dim=(1, 2, 3).",
            lambda f: _scale(f, (0,)),
        ),
        Mistake(
            "across the colours",
            "you took the smallest and largest of three colours at each place, dim=1. Take them over the whole filter: "
            "dim=(1, 2, 3).",
            lambda f: _scale(f, (1,)),
        ),
        Mistake(
            "upside down",
            "the smallest weight has become 1 and the largest 0. It is (filter - smallest) / range.",
            lambda f: 1 - _scale(f),
        ),
    ),
)
