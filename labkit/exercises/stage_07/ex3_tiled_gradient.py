"""07.3 The gradient of a large image, a tile at a time."""

import itertools
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.exercises.drawing import draw_photo
from labkit.exercises.stage_07.local_gradient import local_gradient
from labkit.exercises.stage_07.tiles import one_sided, tiled


def _tile_cases(generator: torch.Generator) -> Cases:
    def case(height, width, tile, margin):
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


def _answer_tiles(function, case):
    windows = []

    def gradient_of(window):
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
        "Within the window the tile begins at top - y, which is the margin, or less at the image's border.",
        "gradient[:, :, top:bottom, left:right] = slope[:, :, top - y : bottom - y, left - x : right - x]",
    ),
    cases=_tile_cases,
    answer=_answer_tiles,
    judge=_judge_tiles,
    mistakes=(
        Mistake(
            "rest lost",
            "where the image's side is no multiple of the tile, the rest on the right and below has no gradient. "
            "range(0, H, tile) begins a tile there, too, and slices stop at the border by themselves.",
            tiled(rest=False),
        ),
        Mistake(
            "no margin",
            "you look at bare tiles, so near their borders the network sees padding in place of the neighbours: "
            "that is where seams come from. Give the window its margin.",
            tiled(margin=False),
        ),
        Mistake(
            "margin kept",
            "you copy the whole window, and its margin, which is wrong near its edge, overwrites what the tile "
            "before had right. Keep the tile only.",
            tiled(paste="window"),
        ),
        Mistake(
            "windows added up",
            "you add the windows up, so where they overlap the gradient is counted twice and more. "
            "Keep each window's own tile only.",
            tiled(paste="sum"),
        ),
        Mistake(
            "cut where there is no margin",
            "you cut a whole margin off every window. At the image's upper and left border there is none: the "
            "tile begins at top - max(top - margin, 0) within its window.",
            tiled(fixed=True),
        ),
        Mistake(
            "tile and margin written down",
            "you wrote 8 and 4 into the code, the numbers of one case. tile and margin are the function's arguments.",
            lambda gradient_of, image, tile, margin: tiled()(gradient_of, image, 8, 4),
        ),
        Mistake(
            "no margin below and on the right",
            "your windows have a margin above and on the left alone. They need it below and on the right as well: "
            "bottom + margin, right + margin.",
            one_sided,
        ),
        Mistake(
            "no margin above and on the left",
            "your windows have a margin below and on the right alone. They begin at max(top - margin, 0) and "
            "max(left - margin, 0).",
            tiled(before=False),
        ),
        Mistake(
            "the window's corner kept",
            "you take the tile from the window's upper left corner. There lies its margin: within the window the tile "
            "begins at top - y and left - x.",
            tiled(paste="corner"),
        ),
        Mistake(
            "out of the loop after one row",
            "you return after the first row of tiles. Is the return inside the outer for loop?",
            tiled(rows=1),
        ),
        Mistake(
            "out of the loop after one tile",
            "you return after the first tile. Is the return inside the for loops?",
            tiled(rows=1, columns=1),
        ),
        Mistake(
            "half a margin",
            "your margin is half as wide. It is `margin` on each side, not both together.",
            lambda gradient_of, image, tile, margin: tiled()(gradient_of, image, tile, margin // 2),
        ),
        Mistake(
            "all at once",
            "the gradient is right, but you took it of more than a tile and its margins: a photo of 12 megapixels "
            "would not fit into memory. Hand gradient_of one window at a time.",
            lambda gradient_of, image, tile, margin: gradient_of(image),
        ),
    ),
)
