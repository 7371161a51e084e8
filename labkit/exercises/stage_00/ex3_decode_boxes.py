"""00.3 YOLO's four numbers per anchor become a box in the image."""

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close


def _offset_cases(generator: torch.Generator) -> Cases:
    def case(grid: int, B: int, scale: float) -> SimpleNamespace:
        offsets = scale * torch.randn(grid, grid, B, 4, generator=generator)
        anchors = 0.1 + 0.4 * torch.rand(B, 2, generator=generator)
        return SimpleNamespace(offsets=offsets, anchors=anchors)

    return {
        "offsets of 0: the base boxes themselves": case(3, 2, 0),
        "a grid of 4, two base boxes": case(4, 2, 0.5),
        "YOLO's grid of 7, three base boxes": case(7, 3, 0.3),
    }


def _box_by_box(case: SimpleNamespace) -> Tensor:
    """The lecture's picture in words, one box after another."""
    grid, B = len(case.offsets), len(case.anchors)
    boxes = torch.zeros(grid, grid, B, 4)
    for row in range(grid):
        for column in range(grid):
            for b, (width, height) in enumerate(case.anchors.tolist()):
                dx, dy, dh, dw = case.offsets[row, column, b].tolist()
                x, y = (column + 0.5) / grid + dx * width, (row + 0.5) / grid + dy * height
                w, h = width * math.exp(dw), height * math.exp(dh)
                boxes[row, column, b] = torch.tensor([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return boxes


def _judge_boxes(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_close(
        "boxes",
        answer["boxes"],
        _box_by_box(case),
        why="[row, column, b] holds left, top, right, bottom of base box b of that cell, moved and stretched",
    )


def _corners(x: Tensor, y: Tensor, w: Tensor, h: Tensor) -> tuple[Tensor, ...]:
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def _decoded(
    *,
    order: Sequence[int] = (0, 1, 2, 3),
    turned: bool = False,
    middle: float = 0.5,
    cells: int | None = None,
    stretch: Callable[[Tensor], Tensor] = torch.exp,
    steps: Callable[..., Any] = lambda base, stretched, grid: base,
    last: Callable[..., tuple[Tensor, ...]] = _corners,
) -> Callable[[Tensor, Tensor], Tensor]:
    """A wrong answer: the right recipe with one part exchanged.

    steps: ((width, height) of the base boxes, the same stretched, grid) -> how far dx = 1 and dy = 1 move
    """

    def wrong(offsets: Tensor, anchors: Tensor) -> Tensor:
        grid = len(offsets)
        lines = (torch.arange(grid) + middle) / (cells or grid)
        y, x = torch.meshgrid(lines, lines, indexing="xy" if turned else "ij")
        dx, dy, dh, dw = offsets[..., list(order)].unbind(-1)
        width, height = anchors.unbind(-1)
        w, h = width * stretch(dw), height * stretch(dh)
        right, down = steps((width, height), (w, h), grid)
        return torch.stack(last(x[..., None] + dx * right, y[..., None] + dy * down, w, h), dim=-1)

    return wrong


EXERCISE = Exercise(
    id="00.3",
    title="Decode YOLO's boxes",
    points=3,
    minutes=15,
    hints=(
        "dx, dy, dh, dw = offsets.unbind(-1), each (grid, grid, B). width, height = anchors.unbind(-1), each (B,): "
        "they broadcast. dx and dy count in these widths and heights, before anything is stretched.",
        "The middles: ((torch.arange(grid) + 0.5) / grid). x changes from column to column, so it wants the shape "
        "(1, grid, 1); y from row to row, (grid, 1, 1).",
        "x = middles[None, :, None] + dx * width; w = width * dw.exp(); the same for y and h.",
        "torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1)",
    ),
    cases=_offset_cases,
    answer=lambda f, case: {"boxes": f(case.offsets, case.anchors)},
    judge=_judge_boxes,
    mistakes=(
        Mistake(
            "dh and dw exchanged",
            "your boxes are stretched the wrong way round: the order is dx, dy, dh, dw, height before width.",
            _decoded(order=(0, 1, 3, 2)),
        ),
        Mistake(
            "no exp",
            "you multiply by dh and dw themselves. At 0 a base box is to keep its size, and no number may make "
            "it negative: multiply by exp(dh), exp(dw).",
            _decoded(stretch=lambda d: d),
        ),
        Mistake(
            "rows and columns exchanged",
            "your grid is mirrored across its diagonal. The column says how far to the right a cell is, that is "
            "x; the row says how far down, y.",
            _decoded(turned=True),
        ),
        Mistake(
            "corner in place of the middle",
            "your base boxes stand on the cells' corners. They stand in the middle: (column + 0.5) / grid.",
            _decoded(middle=0),
        ),
        Mistake(
            "moved by whole pictures",
            "you add dx and dy as they are. They count in widths and heights of the base box: dx · width.",
            _decoded(steps=lambda base, stretched, grid: (1, 1)),
        ),
        Mistake(
            "middles and sizes",
            "you return middle and size. Return the corners: left, top, right, bottom.",
            _decoded(last=lambda x, y, w, h: (x, y, w, h)),
        ),
        Mistake(
            "corner and size",
            "you return left, top, width, height. Return the corners: left, top, right, bottom.",
            _decoded(last=lambda x, y, w, h: (x - w / 2, y - h / 2, w, h)),
        ),
        Mistake(
            "top before left",
            "your corners come as top, left, bottom, right. The order is left, top, right, bottom: x first.",
            _decoded(last=lambda x, y, w, h: (y - h / 2, x - w / 2, y + h / 2, x + w / 2)),
        ),
        Mistake(
            "whole width to each side",
            "your boxes are twice as wide and high: from the middle it is half a width to the left and half to the "
            "right, x - w / 2 and x + w / 2.",
            _decoded(last=lambda x, y, w, h: (x - w, y - h, x + w, y + h)),
        ),
        Mistake(
            "box begins at the middle",
            "your boxes begin at their middle. Left is x - w / 2, right x + w / 2.",
            _decoded(last=lambda x, y, w, h: (x, y, x + w, y + h)),
        ),
        Mistake(
            "cut at the picture's edge",
            "you clamp the boxes to 0..1. A box may leave the picture: leave it as it is.",
            lambda *case: _decoded()(*case).clamp(0, 1),
        ),
        Mistake(
            "dx and dy exchanged",
            "dx moves a box to the right and dy moves it down; yours are exchanged. The order is dx, dy, dh, dw.",
            _decoded(order=(1, 0, 2, 3)),
        ),
        Mistake(
            "x and y exchanged in both pairs",
            "you read dy, dx, dw, dh. The order is dx, dy, dh, dw: x first to move it, height first to stretch it.",
            _decoded(order=(1, 0, 3, 2)),
        ),
        Mistake(
            "moved by the stretched size",
            "you count dx and dy in the stretched box's widths and heights. They count in those of the base box.",
            _decoded(steps=lambda base, stretched, grid: stretched),
        ),
        Mistake(
            "moved by cells",
            "you count dx and dy in cells. They count in widths and heights of the base box: dx · width.",
            _decoded(steps=lambda base, stretched, grid: (1 / grid, 1 / grid)),
        ),
        Mistake(
            "1 + d in place of exp",
            "you multiply by 1 + dh and 1 + dw. That is near to exp for small numbers only: multiply by exp(dh).",
            _decoded(stretch=lambda d: 1 + d),
        ),
        Mistake(
            "a grid of 7, always",
            "you divide by 7. The grid may have another size: grid = len(offsets).",
            _decoded(cells=7),
        ),
        Mistake(
            "moved by the other side",
            "you count dx in heights and dy in widths. dx moves along the width: dx · width, dy · height.",
            _decoded(steps=lambda base, stretched, grid: base[::-1]),
        ),
        Mistake(
            "anchors read as height and width",
            "anchors hold (width, height), and you read them as (height, width).",
            lambda offsets, anchors: _decoded()(offsets, anchors.flip(1)),
        ),
    ),
)
