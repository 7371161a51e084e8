"""07.4 The gradient of a large image, a tile at a time."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.exercises.drawing import draw_photo
from labkit.exercises.stage_07.local_gradient import local_gradient


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
    }


def _answer_tiles(function, case):
    largest = [0, 0]

    def gradient_of(window):
        largest[:] = [max(pair) for pair in zip(largest, window.shape[2:], strict=True)]
        return case.gradient_of(window)

    gradient = function(gradient_of, case.image, case.tile, case.margin)
    return {"gradient": gradient, "largest": torch.tensor(largest)}


def _judge_tiles(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_shape("gradient", answer["gradient"], tuple(case.image.shape))
    expect_finite("gradient", answer["gradient"])
    most = case.tile + 2 * case.margin
    if (answer["largest"] > most).any():
        h, w = answer["largest"].tolist()
        raise CheckFailed(
            f"windows: expected {most} × {most} pixels at most, a tile of {case.tile} and its margins, got {h} × {w}",
            mistake="all at once",
        )
    expect_close(
        "gradient",
        answer["gradient"],
        case.gradient_of(case.image),
        why="with margins this wide the tiles' gradients fit together to that of the whole image",
    )


def _tiled(*, rest=True, margin=True, paste="core", fixed=False):
    """A wrong answer. paste: "core" or "window"; fixed: always cut off a whole margin above and on the left."""

    def wrong(gradient_of, image, tile, wide):
        wide, (H, W), gradient = wide if margin else 0, image.shape[2:], torch.zeros_like(image)
        last = 0 if rest else tile - 1
        for top in range(0, H - last, tile):
            for left in range(0, W - last, tile):
                y, x = max(top - wide, 0), max(left - wide, 0)
                slope = gradient_of(image[:, :, y : top + tile + wide, x : left + tile + wide])
                if paste == "core":
                    core = gradient[:, :, top : top + tile, left : left + tile]
                    above, before = (wide, wide) if fixed else (top - y, left - x)
                    core[:] = slope[:, :, above : above + core.shape[2], before : before + core.shape[3]]
                elif paste == "window":
                    gradient[:, :, y : top + tile + wide, x : left + tile + wide] = slope
                else:
                    gradient[:, :, y : top + tile + wide, x : left + tile + wide] += slope
        return gradient

    return wrong


EXERCISE = Exercise(
    id="07.4",
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
            _tiled(rest=False),
        ),
        Mistake(
            "no margin",
            "you look at bare tiles, so near their borders the network sees padding in place of the neighbours: "
            "that is where seams come from. Give the window its margin.",
            _tiled(margin=False),
        ),
        Mistake(
            "margin kept",
            "you copy the whole window, and its margin, which is wrong near its edge, overwrites what the tile "
            "before had right. Keep the tile only.",
            _tiled(paste="window"),
        ),
        Mistake(
            "windows added up",
            "you add the windows up, so where they overlap the gradient is counted twice and more. "
            "Keep each window's own tile only.",
            _tiled(paste="sum"),
        ),
        Mistake(
            "cut where there is no margin",
            "you cut a whole margin off every window. At the image's upper and left border there is none: the "
            "tile begins at top - max(top - margin, 0) within its window.",
            _tiled(fixed=True),
        ),
        Mistake(
            "all at once",
            "the gradient is right, but you took it of more than a tile and its margins: a photo of 12 megapixels "
            "would not fit into memory. Hand gradient_of one window at a time.",
            lambda gradient_of, image, tile, margin: gradient_of(image),
        ),
    ),
)
