"""Figures of stage 00, second half: YOLO's grid on a picture, one cell's numbers, boxes while they are decoded."""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from labkit.images import Photos
from labkit.methods.yolo import base_boxes
from labkit.show.drawing import bare, draw
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.palette import BLUE, FAINT, GREEN, INK, ON_PHOTOS, ORANGE, PURPLE, RED
from labkit.show.picture import PhotoPicture, Picture, Texts
from labkit.show.plots import grid
from labkit.units import expect_boxes

ANCHORS = (PURPLE, BLUE, GREEN, RED, INK)  # colours of the base boxes; the cell itself is orange
Boxes = tuple[Tensor, Tensor, Tensor]  # boxes (n, 4) in 0..1, labels (n,), scores (n,)


@in_usual_look
def pin(bank: Photos, places: Mapping[str, Sequence[float]], *, side: int = 896) -> Tensor:
    """A white board with photos pinned on it.

    places:  photo's name -> left, top, right, bottom in 0..1
    Returns: (1, 3, side, side) in 0..1
    """
    board = torch.ones(1, 3, side, side)
    for name, place in places.items():
        expect_boxes(torch.tensor([[*place]], dtype=torch.float32))
        left, top, right, bottom = (round(edge * side) for edge in place)
        size = (bottom - top, right - left)
        photo = F.interpolate(bank[name], size=size, mode="bicubic", antialias=True).clamp(0, 1)
        board[:, :, top:bottom, left:right] = photo
    return board


@in_usual_look
def grid_and_cell(
    picture: Tensor,
    output: Tensor,
    anchors: Tensor,
    cell: tuple[int, int],
    names: Sequence[str],
    **texts: Unpack[Texts],
) -> Picture:
    """The grid on a picture with one cell's base boxes, and beside it all the numbers of that cell.

    picture: (1, 3, H, W);  output: (grid, grid, 5·B + C);  cell: row, column
    names:   of the C classes, background first
    """
    cells, B = len(output), len(anchors)
    figure = PhotoPicture(WIDTH, 4.9, **texts)
    board, table = figure.subplots(1, 2, width_ratios=[1.35, 1])
    draw(board, picture)
    _draw_grid(board, picture.shape, cells)
    row, column = cell
    here = torch.tensor([column, row, column + 1, row + 1]) / cells
    _draw_box(board, here, picture.shape, facecolor=ORANGE, alpha=0.4)
    _draw_box(board, here, picture.shape, edgecolor=ORANGE, linewidth=2.6)
    for box, colour in zip(base_boxes(anchors, grid=cells)[row, column], ANCHORS, strict=False):
        _draw_box(board, box, picture.shape, edgecolor=colour, linewidth=2.6, linestyle=(0, (5, 2)))
    _leave_room(board, picture.shape, 0.06)
    lines = ["dx", "dy", "dh", "dw", "confidence"] * B + list(names)
    colours = [ANCHORS[i // 5] for i in range(5 * B)] + [ORANGE] * len(names)
    _list_numbers(table, output[row, column].tolist(), lines, colours)
    table.set_title(f"row {row}, column {column}: its {len(lines)} numbers")
    return figure


def _draw_grid(axes: Axes, shape: Sequence[int], cells: int) -> None:
    H, W = shape[2:]
    for k in range(cells + 1):
        axes.vlines(k / cells * W - 0.5, -0.5, H - 0.5, color=INK, linewidth=0.8)
        axes.hlines(k / cells * H - 0.5, -0.5, W - 0.5, color=INK, linewidth=0.8)


def _list_numbers(axes: Axes, numbers: Sequence[float], names: Sequence[str], colours: Sequence[str]) -> None:
    axes.barh(range(len(numbers)), numbers, color=colours, height=0.62)
    for place, (number, name, colour) in enumerate(zip(numbers, names, colours, strict=True)):
        axes.text(-1.62, place, name, color=colour, fontsize=9.5, va="center")
        axes.text(1.12, place, f"{number:+.2f}", color=colour, fontsize=9.5, va="center", family="monospace")
    axes.axvline(0, color=FAINT, linewidth=0.8)
    axes.set(xlim=(-1.65, 1.65), ylim=(len(numbers) - 0.4, -0.6))
    bare(axes)


@in_usual_look
def decoding(
    picture: Tensor,
    steps: Mapping[str, Boxes],
    names: Sequence[str],
    *,
    named: Sequence[bool] | None = None,
    **texts: Unpack[Texts],
) -> Picture:
    """The picture once for each step with its boxes: the surer, the stronger the line.

    steps: name -> boxes, labels, scores;  names: of the classes, background first
    named: whether a step's boxes carry their class and score; by default those of the last step do
    """
    named = named or [False] * (len(steps) - 1) + [True]
    figure = grid([picture] * len(steps), above=steps, side=WIDTH, **texts)
    for axes, (boxes, labels, scores), say in zip(figure.axes, steps.values(), named, strict=True):
        _draw_box(axes, torch.tensor([0, 0, 1, 1]), picture.shape, edgecolor=FAINT, linewidth=0.6)
        _leave_room(axes, picture.shape, 0.04)
        for box, label, score in sorted(zip(boxes, labels.tolist(), scores.tolist(), strict=True), key=_last):
            colour = ON_PHOTOS[(label - 1) % len(ON_PHOTOS)]
            _draw_box(
                axes, box, picture.shape, edgecolor=colour, linewidth=2.2, alpha=max(0.12, min(score, 1))
            )
            if say:
                _name_box(axes, box, picture.shape, f"{names[label]} {score:.2f}", colour)
    return figure


def _last(row: tuple[Tensor, int, float]) -> float:
    return row[-1]


def _draw_box(axes: Axes, box: Tensor, shape: Sequence[int], **look: Any) -> None:
    left, top, right, bottom = (box * torch.tensor([shape[3], shape[2], shape[3], shape[2]])).tolist()
    look = {"fill": "facecolor" in look, "edgecolor": "none", **look}
    axes.add_patch(Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, **look))


def _leave_room(axes: Axes, shape: Sequence[int], share: float) -> None:
    """For boxes that leave the picture."""
    H, W = shape[2:]
    axes.set(xlim=(-share * W, (1 + share) * W), ylim=((1 + share) * H, -share * H))


def _name_box(axes: Axes, box: Tensor, shape: Sequence[int], text: str, colour: str) -> None:
    left, top = float(box[0]) * shape[3], float(box[1]) * shape[2]
    paper = {"facecolor": colour, "edgecolor": "none", "pad": 1.5}
    axes.text(left + 3, top + 3, text, fontsize=8, color="white", va="top", bbox=paper)
