"""Figures of stage 02: a photo with its neighbours, bars, and a map made of the photos themselves."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Unpack

import numpy as np
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from torch import Tensor

from labkit.arguments import expect_tensor, expect_wholes
from labkit.errors import LabError
from labkit.show.drawing import bare, draw, in_three_figures, to_pixels
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.palette import BLUE, FAINT, GREEN, HUES, RED, RIGHT, WRONG
from labkit.show.picture import PhotoPicture, Picture, Texts

_POINTS = 72  # to the inch


@in_usual_look
def neighbor_rows(
    query: Tensor,
    rows: Mapping[str, tuple[Tensor, Tensor, Tensor]],
    *,
    name: str = "",
    **texts: Unpack[Texts],
) -> Picture:
    """The lecture's figure: an image on the left, a row of its nearest neighbours for each space beside it.

    query: (3, H, W) in 0..1
    rows:  space -> images (k, 3, H, W), distances (k,), right (k,) bool: does it show the same as the query?
    name:  what the query shows
    """
    k = max(len(images) for images, _, _ in rows.values())
    side = WIDTH / (k + 1.6)
    figure = PhotoPicture(WIDTH, len(rows) * (side + 0.3), **texts)
    grid = figure.add_gridspec(len(rows), k + 1, width_ratios=[1.35] + [1] * k)
    left = figure.add_subplot(grid[:, 0])
    draw(left, query, title=textwrap.fill(name, 18))
    left.set_anchor("C")
    for line, (space, (images, distances, right)) in enumerate(rows.items()):
        for place in range(len(images)):
            axes, hit = figure.add_subplot(grid[line, place + 1]), bool(right[place])
            far = in_three_figures(float(distances[place]))
            draw(axes, images[place], title=f"{'✓' if hit else '✗'}  {far}")
            axes.title.set(color=RIGHT if hit else WRONG, weight="bold")
            bare(axes, frame=RIGHT if hit else WRONG)
            if place == 0:
                axes.set_ylabel(space, fontsize=10, weight="bold")
    return figure


@in_usual_look
def grouped_bars(
    groups: Mapping[str, Mapping[str, float]],
    *,
    label: str,
    **texts: Unpack[Texts],
) -> Picture:
    """Bars side by side, in 0..1, one group after the other, each with its figure on top.

    groups: group -> {series: value}; the same series in every group
    """
    figure = Picture(WIDTH, 3.1, **texts)
    axes = figure.subplots()
    series = list(next(iter(groups.values())))
    width = 0.8 / len(series)
    for number, name in enumerate(series):
        places = np.arange(len(groups)) + (number - (len(series) - 1) / 2) * width
        heights = [values[name] for values in groups.values()]
        bars = axes.bar(places, heights, width * 0.92, color=HUES[number % len(HUES)], label=name)
        axes.bar_label(bars, fmt="%.2f", fontsize=9.5, padding=2)
    axes.set_xticks(range(len(groups)), groups.keys(), fontsize=10.5)
    axes.set_ylim(0, 1.12)
    axes.set_ylabel(label)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=10)
    return figure


@in_usual_look
def photo_map(
    maps: Mapping[str, Tensor],
    images: Tensor,
    *,
    ids: Tensor | None = None,
    linked: Sequence[int] = (),
    **texts: Unpack[Texts],
) -> Picture:
    """Photos laid out at their places on maps side by side.

    maps:   name -> points (N, 2)
    images: (N, 3, h, w) in 0..1, drawn small, the smaller the more there are
    linked: ids whose photos get a coloured frame, one colour per id; ids: (N,) needed for it
    Raises: LabError if there is not one point per image
    """
    _expect_photos(maps, images, ids)
    linked = expect_wholes("linked", linked, empty=True)
    columns = len(maps)
    figure = PhotoPicture(WIDTH, WIDTH / columns + 0.3, **texts)
    colours = dict(zip(linked, (RED, BLUE, GREEN, *HUES), strict=False))
    framed = [colours.get(int(shown)) for shown in ids] if ids is not None else [None] * len(images)
    side = WIDTH / columns / max(6, 1.1 * len(images) ** 0.5)  # inches
    for axes, (name, points) in zip(figure.subplots(1, columns, squeeze=False)[0], maps.items(), strict=True):
        for i in sorted(range(len(images)), key=lambda i: framed[i] is not None):  # framed ones on top
            _place(axes, images[i], points[i].tolist(), side, framed[i])
        _make_room(axes, points, share=side / (WIDTH / columns))
        axes.set_title(name)
    return figure


def _expect_photos(maps: Mapping[str, Tensor], images: Tensor, ids: Tensor | None) -> None:
    count = expect_tensor("images", images, "N 3 h w")["N"]
    if ids is not None:
        expect_tensor("ids", ids, "N", of="whole numbers", N=count)
    for name, points in maps.items():
        expect_tensor(name, points, "N …", of="numbers", finite=True)
        if points.shape != (count, 2):
            got = f"{name} has {tuple(points.shape)}"
            raise LabError(
                f"expected a point (x, y) for each of {count} images, {got}; try pca_map(vectors)[0]"
            )


def _make_room(axes: Axes, points: Tensor, *, share: float) -> None:
    """A square map on which photos around all points have room. share: of a photo's side in the map's"""
    low, high = points.amin(dim=0), points.amax(dim=0)
    spread = high - low
    margin = (share / 2 + 0.02) * spread.where(spread > 0, 1)  # all at one height have room too
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_box_aspect(1)
    bare(axes, frame=FAINT)
    axes.spines[:].set_linewidth(0.8)


def _place(axes: Axes, image: Tensor, point: list[float], side: float, frame: str | None) -> None:
    """One small photo around a point, in a coloured frame or in none."""
    thumbnail = OffsetImage(to_pixels(image).numpy(), zoom=side * _POINTS / image.shape[-1])
    box = {"edgecolor": frame or "none", "facecolor": frame or "none", "linewidth": 1.0}
    axes.add_artist(AnnotationBbox(thumbnail, (point[0], point[1]), pad=0.12 if frame else 0, bboxprops=box))
