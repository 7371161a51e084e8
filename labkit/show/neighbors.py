"""Figures of stage 02: a photo with its neighbours, precision at k, and a map made of the photos themselves."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from labkit.errors import LabError
from labkit.show.palette import BLUE, FAINT, GREEN, HUES, INK, RED
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import WIDTH, draw, to_pixels

RIGHT, WRONG = GREEN, RED
_MARKS = ("o", "s", "^", "D")
_POINTS = 72  # to the inch


def neighbor_rows(
    query: Tensor,
    rows: Mapping[str, tuple[Tensor, Tensor, Tensor]],
    *,
    name: str = "",
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """The lecture's figure: an image on the left, a row of its nearest neighbours for each space beside it.

    query: (3, H, W) in 0..1
    rows:  space -> images (k, 3, H, W), distances (k,), right (k,) bool: does it show the same as the query?
    name:  what the query shows
    """
    k = max(len(images) for images, _, _ in rows.values())
    side = WIDTH / (k + 1.6)
    figure = PhotoPicture(WIDTH, len(rows) * (side + 0.3), title=title, caption=caption, alt=alt)
    grid = figure.add_gridspec(len(rows), k + 1, width_ratios=[1.35] + [1] * k)
    left = figure.add_subplot(grid[:, 0])
    draw(left, query, title=textwrap.fill(name, 18), smooth=True)
    left.set_anchor("C")
    for line, (space, (images, distances, right)) in enumerate(rows.items()):
        for place in range(len(images)):
            axes = figure.add_subplot(grid[line, place + 1])
            hit = bool(right[place])
            draw(axes, images[place], title=f"{'✓' if hit else '✗'}  {distances[place]:.3g}", smooth=True)
            axes.title.set(color=RIGHT if hit else WRONG, weight="bold")
            axes.spines[:].set(visible=True, color=RIGHT if hit else WRONG, linewidth=2.5)
            if place == 0:
                axes.set_ylabel(space, fontsize=10, weight="bold")
    return figure


def precision_curves(
    spaces: Mapping[str, Tensor], *, chance: float, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """Precision at 1, 2, … neighbours, one line a space, with the level of guessing.

    spaces: name -> the precision at 1, 2, …, k (k,);  chance: what random neighbours would reach
    """
    figure = Picture(WIDTH, 3.6, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    heights = spread([float(values[-1]) for values in spaces.values()], apart=0.055)
    for number, (name, values) in enumerate(spaces.items()):
        colour, k = HUES[number % len(HUES)], len(values)
        mark = _MARKS[number % len(_MARKS)]
        axes.plot(range(1, k + 1), values.tolist(), color=colour, marker=mark, linewidth=2)
        axes.annotate(
            f"{name}  {values[-1]:.2f}", (k, heights[number]), (10, 0), textcoords="offset points", color=colour,
            va="center", fontsize=10, weight="bold", annotation_clip=False,
        )  # fmt: skip
    axes.axhline(chance, color=INK, linestyle=(0, (4, 4)), linewidth=1.2)
    axes.annotate(f"guessing  {chance:.2f}", (1, chance), (0, 4), textcoords="offset points", fontsize=9.5)
    axes.set_ylim(0, 1.03)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("k, neighbours looked at")
    axes.set_ylabel("precision at k")
    axes.grid(axis="y")
    return figure


def spread(heights: Sequence[float], *, apart: float) -> list[float]:
    """Heights for labels: each as given, or as far up as it takes to stand clear of the one below."""
    places = list(heights)
    for below, above in zip(np.argsort(heights)[:-1], np.argsort(heights)[1:], strict=True):
        places[above] = max(places[above], places[below] + apart)
    return places


def grouped_bars(
    groups: Mapping[str, Mapping[str, float]],
    *,
    label: str,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Bars side by side, in 0..1, one group after the other, each with its figure on top.

    groups: group -> {series: value}; the same series in every group
    """
    figure = Picture(WIDTH, 3.1, title=title, caption=caption, alt=alt)
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
    axes.grid(axis="y")
    return figure


def photo_map(
    maps: Mapping[str, Tensor],
    images: Tensor,
    *,
    ids: Tensor | None = None,
    linked: Sequence[int] = (),
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Photos laid out at their places on maps side by side.

    maps:   name -> points (N, 2)
    images: (N, 3, h, w) in 0..1, drawn small, the smaller the more there are
    linked: ids whose photos get a coloured frame, a colour an id; ids: (N,) needed for it
    Raises: LabError if there is not one point an image
    """
    for name, points in maps.items():
        if points.shape != (len(images), 2):
            raise LabError(
                f"expected a point (x, y) for each of {len(images)} images, {name} has {tuple(points.shape)}"
            )
    columns = len(maps)
    figure = PhotoPicture(WIDTH, WIDTH / columns + 0.3, title=title, caption=caption, alt=alt)
    colours = dict(zip(linked, (RED, BLUE, GREEN, *HUES), strict=False))
    framed = [colours.get(int(shown)) for shown in ids] if ids is not None else [None] * len(images)
    side = WIDTH / columns / max(6, 1.1 * len(images) ** 0.5)  # inches
    for axes, (name, points) in zip(figure.subplots(1, columns, squeeze=False)[0], maps.items(), strict=True):
        for i in sorted(range(len(images)), key=lambda i: framed[i] is not None):  # framed ones on top
            _place(axes, images[i], points[i].tolist(), side, framed[i])
        low, high = points.amin(dim=0), points.amax(dim=0)
        margin = (side / (WIDTH / columns) / 2 + 0.02) * (high - low)
        axes.set_xlim((low - margin)[0].item(), (high + margin)[0].item())
        axes.set_ylim((low - margin)[1].item(), (high + margin)[1].item())
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_box_aspect(1)
        axes.spines[:].set(color=FAINT, visible=True)
        axes.set_title(name)
    return figure


def _place(axes: Axes, image: Tensor, point: list[float], side: float, frame: str | None) -> None:
    """One small photo around a point, in a coloured frame or in none."""
    thumbnail = OffsetImage(to_pixels(image).numpy(), zoom=side * _POINTS / image.shape[-1])
    box = {"edgecolor": frame or "none", "facecolor": frame or "none", "linewidth": 1.0}
    axes.add_artist(AnnotationBbox(thumbnail, (point[0], point[1]), pad=0.12 if frame else 0, bboxprops=box))
