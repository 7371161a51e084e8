"""Whole figures that all stages share: images in a grid, lines, dots. Tensors in, a captioned figure out."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, cycle, repeat
from typing import Any, Unpack

import torch
from matplotlib.axes import Axes
from torch import Tensor

from labkit.errors import LabError
from labkit.show.drawing import draw, name_ends, row_axis, strip
from labkit.show.palette import DASHES, FAINT, HUES, INK, ORANGE
from labkit.show.picture import PhotoPicture, Picture, Texts

WIDTH = 9.0  # inches, as wide as a notebook's cell
LINE = 0.19  # inches, the height of a line of text below an image


def grid(
    images: Iterable[Tensor | str] | Mapping[str, Iterable[Tensor | str]],
    *,
    above: Iterable[str] = (),
    below: Iterable[str] = (),
    columns: int = 0,
    side: float = 3.0,
    exact: bool = False,
    **texts: Unpack[Texts],
) -> Picture:
    """Images in rows, as large as the page has room for, with words around them.

    images:  (N, 3, H, W), or as many of (3, H, W), (1, H, W) or (H, W), in 0..1, or texts that say why there is none.
             Or rows: name -> images, as many in each; the name stands on the left
    above:   a line for each image, or for each column;  below: a line for each image
    columns: images in a row, all of them unless given
    side:    largest width of an image, in inches
    exact:   for pixels that are to be seen as such, with sharp edges, and stored without loss
    Raises:  LabError for no image, for rows of unequal length, and for another number of lines than of images
    """
    rows = {name: list(row) for name, row in images.items()} if isinstance(images, Mapping) else {}
    shown = [image for row in rows.values() for image in row] if rows else list(images)
    columns, over, under = columns or len(shown) // max(len(rows), 1), list(above), list(below)
    _expect_words(rows, len(shown), columns, over, under)
    margin = _margin(rows)
    side = min((WIDTH - margin) / columns, side)
    size = _font_size(over, side)
    height = _height(shown, columns, side, over, under, size)
    figure = (Picture if exact else PhotoPicture)(side * columns + margin, height, **texts)
    figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.02, wspace=0, hspace=0)
    frames = figure.subplots(-(-len(shown) // columns), columns, squeeze=False).flatten()
    for axes, image, title, line in zip(frames, shown, _padded(over), _padded(under), strict=False):
        draw(axes, image, title=title, exact=exact)
        axes.title.set_fontsize(size)
        axes.set_xlabel(line, labelpad=3)
    for axes, name in zip(frames[::columns], rows, strict=False):
        axes.set_ylabel(name, **({"rotation": 0, "ha": "right", "va": "center"} if margin > 0.3 else {}))
    for axes in frames[len(shown) :]:
        axes.set_visible(False)
    return figure


def _padded(words: Sequence[str]) -> Iterable[str]:
    return chain(words, repeat(""))


def _expect_words(
    rows: Mapping[str, Sequence], count: int, columns: int, above: Sequence, below: Sequence
) -> None:
    if not count or len({len(row) for row in rows.values()}) > 1:
        got = ", ".join(f"{name!r}: {len(row)}" for name, row in rows.items()) or "none"
        raise LabError(f"expected images, and rows of one length, got {got}")
    if len(above) not in (0, columns, count) or len(below) not in (0, count):
        got = f"{len(above)} above and {len(below)} below"
        raise LabError(f"expected a line for each of {count} images, or of {columns} columns, got {got}")


def _margin(rows: Iterable[str]) -> float:
    """Inches for the rows' names; they are turned where they are long."""
    longest = max((len(line) for name in rows for line in name.split("\n")), default=0)
    return 0.3 if longest > 10 else 0.3 + 0.075 * longest if longest else 0


def _font_size(above: Sequence[str], side: float) -> float:
    """Points, so that words above an image are no wider than it is, and small above a small one."""
    longest = max((1, *(len(line) for words in above for line in words.split("\n"))))
    return max(8, min(12, 6 + 3 * side, 120 * side / longest))


def _height(
    images: Sequence[Tensor | str],
    columns: int,
    side: float,
    above: Sequence[str],
    below: Sequence[str],
    size: float,
) -> float:
    """Inches for all rows and the words around them."""
    over, under = (max((1 + line.count("\n") for line in lines), default=0) for lines in (above, below))
    tallest = max(1.0 if isinstance(image, str) else image.shape[-2] / image.shape[-1] for image in images)
    count = -(-len(images) // columns)
    titled = count if len(above) == len(images) else 1
    return (side * tallest + 0.04 + LINE * under) * count + (size / 60 * over + 0.05) * titled


Line = tuple[Sequence[float] | Tensor, Sequence[float] | Tensor]


def lines(
    values: Mapping[str, Line],
    *,
    across: str,
    up: str,
    ticks: Mapping[float, str] | None = None,
    levels: Mapping[float, str] | None = None,
    rules: Mapping[float, str] | None = None,
    points: Sequence[str] = (),
    legend: str = "",
    look: Mapping[str, Any] | None = None,
    **texts: Unpack[Texts],
) -> Picture:
    """Lines, each named at its right end, or in a legend where they run together.

    values: name -> x (n,), y (n,), where NaN leaves a gap; or y (n, m), of which the mean is drawn, and the range
    across, up: what the axes are;  ticks: x -> what stands under the axis there
    levels, rules: a height, or a place, that is marked by a thin line -> its name
    points: names that are drawn as open circles, to lie upon another line
    legend: where it is, as matplotlib's loc;  look: more settings of the axes, as Axes.set takes them
    """
    figure = Picture(WIDTH, 3.6, **texts)
    axes, ends = figure.subplots(), {}
    styles = zip(HUES, cycle(DASHES if legend else "-"), strict=False)
    for name, (x, y) in values.items():
        colour, dash = ("none", "") if name in points else next(styles)
        height = _line(axes, name, torch.as_tensor(x), torch.as_tensor(y), colour, dash)
        ends[name] = float(x[-1]), height, colour
    axes.set(xlabel=across, ylabel=up, **(look or {}))
    axes.grid(axis="y")
    _mark(axes, ticks or {}, levels or {}, rules or {})
    if legend:
        axes.legend(loc=legend)  # type: ignore[call-overload]
    else:
        name_ends(axes, ends)
    return figure


def _line(axes: Axes, name: str, x: Tensor, y: Tensor, colour: str, dash: str) -> float:
    """Draw one line, with a dot at every value if they are few. Returns: how high it ends"""
    if y.ndim == 2:
        axes.fill_between(x, y.amin(dim=1), y.amax(dim=1), color=colour, alpha=0.18, linewidth=0)
        y = y.mean(dim=1)
    if not dash:
        axes.plot(
            x, y, "o", color=INK, label=name, markersize=11, markerfacecolor="none", markeredgewidth=1.8
        )
    else:
        dash, dot = (dash, "o") if len(x) <= 12 else ("-", "")
        axes.plot(x, y, dash, color=colour, label=name, linewidth=2.2, marker=dot, markersize=5)
    return float(y[-1])


def _mark(
    axes: Axes, ticks: Mapping[float, str], levels: Mapping[float, str], rules: Mapping[float, str]
) -> None:
    if ticks:
        are_long = max(map(len, ticks.values())) * len(ticks) > 100
        slant: Any = {"rotation": 30, "ha": "right"} if are_long else {}
        axes.set_xticks(list(ticks), list(ticks.values()), **slant)
    for height, name in levels.items():
        axes.axhline(height, color=INK, linestyle=(0, (4, 4)), linewidth=1.2)
        axes.annotate(name, (0, height), (6, 3), ("axes fraction", "data"), "offset points", fontsize=9.5)
    for place, name in rules.items():
        axes.axvline(place, color=FAINT, linewidth=1)
        axes.annotate(name, (place, 1), (4, 3), ("data", "axes fraction"), "offset points", fontsize=9.5)


def dots(
    groups: Mapping[str, Tensor],
    *,
    label: str,
    marks: Sequence[tuple[float, str]] = (),
    **texts: Unpack[Texts],
) -> Picture:
    """One dot per value, one line per group, with a bar at each median.

    groups: name -> values (n,);  marks: for each group a value that stands out, and its name
    """
    figure = Picture(WIDTH, (0.75 if marks else 0.42) * len(groups) + 0.7, **texts)
    axes = figure.subplots()
    for line, values in enumerate(groups.values()):
        strip(axes, line, values, seed=line)
    for line, (x, name) in enumerate(marks):
        axes.scatter(x, line, s=90, color=ORANGE, marker="D", zorder=3)
        look: Any = {"textcoords": "offset points", "ha": "center", "color": ORANGE, "weight": "bold"}
        axes.annotate(name, (x, line - 0.27), (0, 2), fontsize=9.5, **look)
    row_axis(axes, groups, label=label)
    return figure
