"""Whole figures that all stages share: images in a grid, lines, dots. Tensors in, a captioned figure out."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any, Unpack

import torch
from matplotlib.axes import Axes
from torch import Tensor

from labkit.arguments import expect_number, expect_row, expect_tensor, expect_whole
from labkit.errors import LabError
from labkit.show.drawing import expect_image, name_ends, plain, row_axis, strip
from labkit.show.layout import WIDTH, laid_out
from labkit.show.look import in_usual_look
from labkit.show.palette import DASHES, FAINT, HUES, INK, ORANGE
from labkit.show.picture import Picture, Texts


@in_usual_look
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
    shown = [image for row in rows.values() for image in row] if rows else expect_row("images", images)
    columns, side = expect_whole("columns", columns, 0), expect_number("side", side, 0, above=True)
    for image in shown:
        if not isinstance(image, str):
            expect_image(image)
    columns, over, under = columns or len(shown) // max(len(rows), 1), list(above), list(below)
    _expect_words(rows, len(shown), columns, over, under)
    return laid_out(shown, list(rows), columns, over, under, side=side, exact=exact, texts=texts)


def _expect_words(
    rows: Mapping[str, Sequence[Any]], count: int, columns: int, above: Sequence[str], below: Sequence[str]
) -> None:
    if not count or len({len(row) for row in rows.values()}) > 1:
        got = ", ".join(f"{name!r}: {len(row)}" for name, row in rows.items()) or "none"
        raise LabError(f"expected images, and rows of one length, got {got}")
    if len(above) not in (0, columns, count) or len(below) not in (0, count):
        got = f"{len(above)} above and {len(below)} below"
        raise LabError(f"expected a line for each of {count} images, or of {columns} columns, got {got}")


Line = tuple[Sequence[float] | Tensor, Sequence[float] | Tensor]


@in_usual_look
def lines(
    values: Mapping[str, Line],
    *,
    across: str,
    up: str,
    ticks: Mapping[float, str] | None = None,
    levels: Mapping[float, str] | None = None,
    rules: Mapping[float, str] | None = None,
    points: Sequence[str] = (),
    legend: bool = False,
    look: Mapping[str, Any] | None = None,
    **texts: Unpack[Texts],
) -> Picture:
    """Lines, each named at its right end, or in a legend above them where they run together.

    values: name -> x (n,), y (n,), where NaN leaves a gap; or y (n, m), of which the mean is drawn, and the range
    across, up: what the axes are;  ticks: x -> what stands under the axis there
    levels, rules: a height, or a place, that is marked by a thin line -> its name
    points: names that are drawn as open circles, to lie upon another line
    look:   more settings of the axes, as Axes.set takes them
    """
    figure = Picture(WIDTH, 3.6, **texts)
    axes = figure.subplots()
    ends = _draw_lines(axes, values, points, dashes=DASHES if legend else "-")
    axes.set(xlabel=across, ylabel=up, **(look or {}))
    axes.grid(axis="y")
    _mark(axes, ticks or {}, levels or {}, rules or {})
    _name(axes, ends, legend, above=1.08 if rules else 1)  # a rule has its name above it
    return figure


def _draw_lines(
    axes: Axes, values: Mapping[str, Line], points: Sequence[str], *, dashes: Sequence[str]
) -> dict[str, tuple[float, float, str]]:
    """Each in a style of its own. Returns: name -> where it ends, x and y, and its colour"""
    styles, ends = zip(HUES, cycle(dashes), strict=False), {}
    for name, (x, y) in values.items():
        colour, dash = ("none", "") if name in points else next(styles)
        height = _line(axes, name, *_numbers(name, x, y), colour, dash)
        ends[name] = float(x[-1]), height, colour
    return ends


def _numbers(name: str, x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """A line's two sides as tensors. Raises: LabError where they are not such, and not as long as each other"""
    x, y = (side if isinstance(side, Tensor) else torch.as_tensor(expect_row(name, side)) for side in (x, y))
    n = expect_tensor(f"x of {name}", x, "n", of="numbers")["n"]
    expect_tensor(f"y of {name}", y, "n …", of="numbers", n=n)
    return plain(x), plain(y)


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


def _name(axes: Axes, ends: Mapping[str, tuple[float, float, str]], legend: bool, *, above: float) -> None:
    if legend:
        rows = 1 + sum(map(len, ends)) // 90  # so many letters fit beside each other
        place: Any = {"loc": "lower left", "bbox_to_anchor": (0, above), "borderaxespad": 0.2}
        axes.legend(ncols=-(-len(ends) // rows), **place)
    else:
        name_ends(axes, ends)


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


@in_usual_look
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
    for line, (name, values) in enumerate(groups.items()):
        expect_tensor(f"the values of {name}", values, "n", of="numbers")
        strip(axes, line, values, seed=line)
    for line, (x, name) in enumerate(marks):
        axes.scatter(x, line, s=90, color=ORANGE, marker="D", zorder=3)
        look: Any = {"textcoords": "offset points", "ha": "center", "color": ORANGE, "weight": "bold"}
        axes.annotate(name, (x, line - 0.27), (0, 2), fontsize=9.5, **look)
    row_axis(axes, groups, label=label)
    return figure
