"""07.3 The gradient of a large image, a tile at a time."""

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.exercises.drawing import draw_photo
from labkit.exercises.stage_07.local_gradient import local_gradient
from labkit.exercises.stage_07.wrong_tiles import tile_mistakes


def _tile_cases(generator: torch.Generator) -> Cases:
    def case(height: int, width: int, tile: int, margin: int) -> SimpleNamespace:
        return SimpleNamespace(
            image=draw_photo(generator, height, width),
            gradient_of=local_gradient(generator),
            tile=tile,
            margin=margin,
        )

    return {
        "whole tiles": case(16, 24, 8, 4),
        "a rest on both sides": case(21, 19, 8, 4),
        "lower than one tile, and a wider margin": case(7, 30, 10, 6),
        "small tiles": case(11, 13, 5, 4),
    }


def _answer_tiles(function: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
    windows: list[tuple[int, ...]] = []

    def gradient_of(window: Tensor) -> Any:
        windows.append(tuple(window.shape[2:]))
        return case.gradient_of(window)

    gradient = function(gradient_of, case.image, case.tile, case.margin)
    return {"gradient": gradient, "windows": torch.tensor(sorted(windows)).reshape(-1, 2)}


def _windows(case: SimpleNamespace) -> list[tuple[int, int]]:
    """The sizes of all windows, sorted: each tile and its margin, as far as the image reaches."""
    sides = [
        [
            min(begin + case.tile + case.margin, side) - max(begin - case.margin, 0)
            for begin in range(0, side, case.tile)
        ]
        for side in case.image.shape[2:]
    ]
    return sorted(itertools.product(*sides))


def _judge_tiles(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_shape("gradient", answer["gradient"], tuple(case.image.shape))
    expect_finite("gradient", answer["gradient"])
    most = case.tile + 2 * case.margin
    if (answer["windows"] > most).any():
        h, w = answer["windows"].amax(dim=0).tolist()
        raise CheckFailed(
            f"windows: expected {most} × {most} pixels at most, a tile of {case.tile} and its margins, got {h} × {w}",
            mistake="all at once" if (h, w) == tuple(case.image.shape[2:]) else None,
        )
    expect_close(
        "gradient",
        answer["gradient"],
        case.gradient_of(case.image),
        why="with margins this wide the tiles' gradients fit together to that of the whole image",
    )
    windows = [tuple(window) for window in answer["windows"].tolist()]
    if windows != _windows(case):
        raise CheckFailed(
            f"windows: the gradient is right, but expected {_told(_windows(case))}, got {_told(windows)}; each is a "
            f"tile of {case.tile} with its margin of {case.margin}, as far as the image reaches: is one of the two "
            "written down as a number, or are there tiles more?"
        )


def _told(windows: list[tuple[int, int]]) -> str:
    sizes = ", ".join(f"{h} × {w}" for h, w in sorted(set(windows))[:4])
    return f"{len(windows)} of them ({sizes}{', …' if len(set(windows)) > 4 else ''})"


EXERCISE = Exercise(
    id="07.3",
    title="A gradient in tiles",
    points=3,
    minutes=18,
    hints=(
        "Two loops, over top in range(0, H, tile) and left in range(0, W, tile). Slices that end beyond the image "
        "stop at its border, so the rest at the right and below comes by itself.",
        "The window begins at y = max(top - margin, 0), since a negative index would count from the end.",
        "Within the window the tile begins at top - y, which is the margin, or less at the image's border. It ends at "
        "bottom - y, where bottom = min(top + tile, H).",
        "gradient[:, :, top:bottom, left:right] = slope[:, :, top - y : bottom - y, left - x : right - x]",
    ),
    cases=_tile_cases,
    answer=_answer_tiles,
    judge=_judge_tiles,
    mistakes=tile_mistakes(),
)
