"""01.2 Filters brought into 0..1 for display, each by itself."""

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape
from labkit.methods import sheets as reference


def _filter_banks(generator: torch.Generator) -> Cases:
    def draw(*shape):
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
    expect_close(
        "scaled",
        scaled,
        reference.rescale(filters),
        why="each filter's least weight becomes 0, its largest 1",
    )


def _scale(filters, dims):
    low, high = filters.amin(dims, keepdim=True), filters.amax(dims, keepdim=True)
    return torch.where(high > low, (filters - low) / (high - low), 0.5)


EXERCISE = Exercise(
    id="01.2",
    title="Scale each filter for display",
    points=1,
    minutes=8,
    hints=(
        "Every filter needs its own smallest and largest weight, over its three colours together.",
        "filters.amin(dim=(1, 2, 3), keepdim=True) has shape (K, 1, 1, 1), so it broadcasts.",
        "A flat filter gives 0/0. torch.where(span > 0, scaled, 0.5) chooses grey there.",
    ),
    cases=_filter_banks,
    answer=lambda f, filters: {"scaled": f(filters)},
    judge=_judge_scaled,
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
            lambda f: f / f.amax((1, 2, 3), keepdim=True),
        ),
        Mistake(
            "flat filter",
            "the flat filter has no range, and 0/0 is NaN. Give it 0.5.",
            lambda f: (
                (f - f.amin((1, 2, 3), keepdim=True))
                / (f.amax((1, 2, 3), keepdim=True) - f.amin((1, 2, 3), keepdim=True))
            ),
        ),
    ),
)
