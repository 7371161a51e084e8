"""00.3 YOLO's four numbers per anchor become a box in the image."""

import math
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close


def _offset_cases(generator: torch.Generator) -> Cases:
    def case(grid, B, scale):
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


def _decoded(*, order=(0, 1, 2, 3), turned=False, middle=0.5, stretch=torch.exp, unit=None, corners=True):
    """A wrong answer: the right recipe with one part exchanged."""

    def wrong(offsets, anchors):
        grid = len(offsets)
        lines = (torch.arange(grid) + middle) / grid
        y, x = torch.meshgrid(lines, lines, indexing="xy" if turned else "ij")
        dx, dy, dh, dw = offsets[..., list(order)].unbind(-1)
        width, height = anchors.unbind(-1)
        x, y = x[..., None] + dx * (unit or width), y[..., None] + dy * (unit or height)
        w, h = width * stretch(dw), height * stretch(dh)
        return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2] if corners else [x, y, w, h], dim=-1)

    return wrong


EXERCISE = Exercise(
    id="00.3",
    title="Decode YOLO's boxes",
    points=3,
    minutes=15,
    hints=(
        "dx, dy, dh, dw = offsets.unbind(-1), each (grid, grid, B). width, height = anchors.unbind(-1), each (B,), "
        "which broadcasts.",
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
            _decoded(unit=1.0),
        ),
        Mistake(
            "middles and sizes",
            "you return middle and size. Return the corners: left, top, right, bottom.",
            _decoded(corners=False),
        ),
    ),
)
