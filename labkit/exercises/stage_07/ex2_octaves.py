"""07.2 A dream on small images first, its detail carried up."""

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise
from labkit.checks.expect import expect_close, expect_shape
from labkit.exercises.drawing import draw_photo
from labkit.exercises.stage_07.wrong_octaves import octave_mistakes
from labkit.methods.dream import resize


def _octave_cases(generator: torch.Generator) -> Cases:
    def case(height: int, width: int, octaves: int, scale: float) -> SimpleNamespace:
        strength = 0.3 + 0.5 * torch.rand((), generator=generator).item()

        def dream_at(image: Tensor) -> Tensor:  # stands in for a dream: more contrast in everything fine
            return (image + strength * (image - F.avg_pool2d(image, 3, 1, 1))).clamp(0, 1)

        photo = draw_photo(generator, height, width)
        return SimpleNamespace(photo=photo, dream_at=dream_at, octaves=octaves, scale=scale)

    return {
        "three octaves": case(26, 34, 3, 1.4),
        "four, each half as large again": case(37, 28, 4, 1.5),
        "one octave": case(14, 17, 1, 1.4),
    }


def _answer_octaves(function: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
    sizes: list[tuple[int, ...]] = []

    def dream_at(image: Tensor) -> Any:
        sizes.append(tuple(image.shape[2:]))
        return case.dream_at(image)

    dreamt = function(case.photo, dream_at, case.octaves, case.scale)
    return {"dreamt": dreamt, "sizes": torch.tensor(sizes).reshape(-1, 2)}


def _judge_octaves(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_shape("dreamt", answer["dreamt"], tuple(case.photo.shape))
    H, W = case.photo.shape[2:]
    shares = [case.scale**-k for k in range(case.octaves)][::-1]
    sizes = [(round(H * share), round(W * share)) for share in shares]
    if (got := answer["sizes"].tolist()) != [list(size) for size in sizes]:
        raise CheckFailed(
            f"sizes: expected {' then '.join(f'{h} × {w}' for h, w in sizes)}, "
            f"got {' then '.join(f'{h} × {w}' for h, w in got) or 'none: dream_at was never called'}; "
            "from small to large, octave k from the end is the photo's size divided by scale ** k"
        )
    dreamt = case.dream_at(resize(case.photo, sizes[0]))
    for before, size in itertools.pairwise(sizes):
        dreamt = case.dream_at(resize(case.photo, size) + resize(dreamt - resize(case.photo, before), size))
    expect_close(
        "dreamt",
        answer["dreamt"],
        dreamt,
        why="each octave begins with the photo at its size, plus all that was dreamt so far, enlarged",
    )


EXERCISE = Exercise(
    id="07.2",
    title="Octaves that carry the detail",
    points=3,
    minutes=15,
    hints=(
        "Sizes first: for k in reversed(range(octaves)), round(H / scale**k) and round(W / scale**k).",
        "At each size: shrink the photo, add the enlarged detail, dream, and keep dreamt - photo as the new detail.",
        "Before the first octave there is no detail: begin with torch.zeros_like(photo), which resizes to zeros.",
        "small = resize(photo, size); dreamt = dream_at(small + resize(detail, size)); detail = dreamt - small",
    ),
    cases=_octave_cases,
    answer=_answer_octaves,
    judge=_judge_octaves,
    mistakes=octave_mistakes(),
)
