"""Figures of stage 02: a photo with its neighbours, precision at k, and a map made of the photos themselves."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.ticker import MaxNLocator
from PIL import Image
from torch import Tensor

from labkit.errors import LabError
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import ACCENT, FAINT, INK, WIDTH, draw, to_pixels

RIGHT, WRONG = "#1a7f37", "#cf222e"
_LINES = (ACCENT, "#bc4c00", "#57606a", "#8250df")
_MARKS = ("o", "s", "^", "D")


class DimPhotos(PhotoPicture):
    """Photos with smooth dark grounds, in which 256 colours would show as bands unless they are mixed."""

    dither = Image.Dither.FLOYDSTEINBERG


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
    figure = DimPhotos(WIDTH, len(rows) * (side + 0.42) + 0.75, title=title, caption=caption, alt=alt)
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
                axes.set_ylabel(space, fontsize=10, color=INK, weight="bold")
    return figure


def precision_curves(
    spaces: Mapping[str, Tensor], *, chance: float, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """Precision at 1, 2, … neighbours, one line a space, with the level of guessing.

    spaces: name -> the precision at 1, 2, …, k (k,);  chance: what random neighbours would reach
    """
    figure = Picture(WIDTH, 3.9, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    for number, (name, values) in enumerate(spaces.items()):
        colour, k = _LINES[number % len(_LINES)], len(values)
        axes.plot(
            range(1, k + 1), values.tolist(), color=colour, marker=_MARKS[number % len(_MARKS)], linewidth=2
        )
        axes.annotate(
            f"{name}  {values[-1]:.2f}", (k, values[-1].item()), (10, 0), textcoords="offset points", color=colour,
            va="center", fontsize=10, weight="bold", annotation_clip=False,
        )  # fmt: skip
    axes.axhline(chance, color=FAINT, linestyle=(0, (4, 4)), linewidth=1.2)
    axes.annotate(
        f"guessing  {chance:.2f}", (1, chance), (0, 5), textcoords="offset points", color=FAINT, fontsize=9.5
    )
    axes.set_ylim(0, 1.03)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("k, neighbours looked at", color=INK)
    axes.set_ylabel("precision at k", color=INK)
    _quiet(axes)
    return figure


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
    figure = Picture(WIDTH, 3.4, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    series = list(next(iter(groups.values())))
    width = 0.8 / len(series)
    for number, name in enumerate(series):
        places = np.arange(len(groups)) + (number - (len(series) - 1) / 2) * width
        heights = [values[name] for values in groups.values()]
        bars = axes.bar(places, heights, width * 0.92, color=_LINES[number % len(_LINES)], label=name)
        axes.bar_label(bars, fmt="%.2f", fontsize=9.5, color=INK, padding=2)
    axes.set_xticks(range(len(groups)), groups.keys(), fontsize=10.5)
    axes.set_ylim(0, 1.12)
    axes.set_ylabel(label, color=INK)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=10)
    _quiet(axes)
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
    """Photos laid out at their places on one or two maps.

    maps:   name -> points (N, 2)
    images: (N, 3, h, w) in 0..1, drawn small
    linked: ids whose photos get a coloured frame, a colour an id; ids: (N,) needed for it
    Raises: LabError if there is not one point an image
    """
    for name, points in maps.items():
        if points.shape != (len(images), 2):
            raise LabError(
                f"expected a point (x, y) for each of {len(images)} images, {name} has {tuple(points.shape)}"
            )
    columns = len(maps)
    figure = DimPhotos(WIDTH, WIDTH / columns + 0.9, title=title, caption=caption, alt=alt)
    colours = dict(zip(linked, ("#cf222e", "#0969da", "#1a7f37", "#bf8700", "#8250df"), strict=False))
    zoom = 0.30 * 96 / images.shape[-1] if columns > 1 else 0.5 * 96 / images.shape[-1]
    for axes, (name, points) in zip(figure.subplots(1, columns, squeeze=False)[0], maps.items(), strict=True):
        marked = [ids is not None and int(ids[i]) in colours for i in range(len(images))]
        for i in sorted(range(len(images)), key=marked.__getitem__):  # framed ones on top
            colour = colours[int(ids[i])] if ids is not None and marked[i] else "white"
            thumbnail = OffsetImage(to_pixels(images[i]).numpy(), zoom=zoom)
            frame = {"edgecolor": colour, "linewidth": 2.4 if marked[i] else 0.4}
            pad = 0.12 if marked[i] else 0.02
            axes.add_artist(
                AnnotationBbox(
                    thumbnail, (points[i, 0].item(), points[i, 1].item()), pad=pad, bboxprops=frame
                )
            )
        low, high = points.amin(dim=0), points.amax(dim=0)
        margin = 0.07 * (high - low)
        axes.set_xlim((low - margin)[0].item(), (high + margin)[0].item())
        axes.set_ylim((low - margin)[1].item(), (high + margin)[1].item())
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_box_aspect(1)
        axes.spines[:].set(color=FAINT)
        axes.set_title(name, fontsize=10, color=INK)
    return figure


def _quiet(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#d0d7de", linewidth=0.6)
    axes.set_axisbelow(True)
