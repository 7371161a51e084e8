"""Figures of stage 09: crops and maps with the truth drawn on them, and which method found it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

from matplotlib.axes import Axes
from torch import Tensor

from labkit.arguments import expect_tensor
from labkit.errors import LabError
from labkit.methods.planted import SIDE, Planted
from labkit.show.drawing import outline, row_axis
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.palette import BLUE, FAINT, GREEN, INK, ORANGE, PURPLE
from labkit.show.picture import Picture, Texts, with_alt
from labkit.show.plots import grid

COLOURS = {"watermark": GREEN, "decoy": ORANGE}
_LOOKS: tuple[dict[str, Any], ...] = (  # of the networks in a row: they differ without their colours, too
    {"color": GREEN, "marker": "o", "s": 95},
    {"color": ORANGE, "marker": "D", "s": 75},
    {"color": PURPLE, "marker": "x", "s": 75, "linewidths": 2.2},
    {"color": BLUE, "marker": "s", "s": 70},
)


@in_usual_look
def beside_the_truth(
    rows: Mapping[str, Iterable[Tensor]],
    crops: Planted,
    numbers: Sequence[int],
    *,
    above: Sequence[str] = (),
    side: float = 3.0,
    **texts: Unpack[Texts],
) -> Picture:
    """Crops, or maps of them, in rows; a frame around each mark that a crop carries.

    rows:    name -> images (3, size, size) or (size, size) in 0..1, as many in each
    numbers: of the crops that the images are of, for each of a row, or for each of all rows
    side:    as for `plots.grid`
    Raises:  LabError as `plots.grid`
    """
    told = ". ".join(f"Frames around the {name}: {_colour(name)}" for name in COLOURS)
    figure = grid(rows, above=list(above), side=side, exact=True, **with_alt(told, texts))
    per_row = len(numbers) != len(figure.axes)
    for axes, number in zip(figure.axes, [*numbers] * (len(rows) if per_row else 1), strict=True):
        frame_marks(axes, crops, number)
    return figure


def _colour(mark: str) -> str:
    return {GREEN: "green", ORANGE: "orange"}[COLOURS[mark]]


def frame_marks(axes: Axes, crops: Planted, number: int) -> None:
    """A frame around each mark of a crop, on its drawn image."""
    for mark, colour in COLOURS.items():
        if crops.has[mark][number]:
            row, column = crops.places[mark][number].tolist()
            outline(axes, (row - 1, column - 1, row + SIDE + 1, column + SIDE + 1), colour=colour)


@in_usual_look
def who_found_it(trials: Mapping[str, Mapping[str, Tensor]], **texts: Unpack[Texts]) -> Picture:
    """For each method a line, on it each network's mean over its trials; behind them what coins would give.

    trials: method -> network -> (n,) in 0..1: 1 for the watermark, 0 for the decoy, 0.5 for neither
    Raises: LabError for no method, and for trials that are none
    """
    _expect_trials(trials)
    networks = list(dict.fromkeys(network for row in trials.values() for network in row))
    figure = Picture(WIDTH, 0.4 * len(trials) + 1.1, **with_alt(_told(trials), texts))
    axes = figure.subplots()
    for line, row in enumerate(trials.values()):
        low, high = by_coins(min(len(values) for values in row.values()))
        axes.fill_betweenx([line - 0.32, line + 0.32], low, high, color=FAINT, linewidth=0)
    for network, look in zip(networks, _LOOKS, strict=False):
        there = {line: row[network] for line, row in enumerate(trials.values()) if network in row}
        means = [float(values.detach().mean()) for values in there.values()]
        axes.scatter(means, list(there), label=network, zorder=3, clip_on=False, **look)
    axes.axvline(0.5, color=INK, linewidth=1)
    row_axis(axes, trials)
    axes.set(xlim=(-0.02, 1.02), xticks=[0, 0.25, 0.5, 0.75, 1])
    axes.set_xticklabels(["all at the\ndecoy", "", "as coins\nfall", "", "all at the\nwatermark"])
    figure.legend(loc="outside upper center", ncols=len(networks), fontsize=9.5)
    return figure


def by_coins(count: int) -> tuple[float, float]:
    """Between which two shares of heads about 95 of 100 rows of so many coins come out (the normal approximation)."""
    half = min(0.5, 0.98 / count**0.5)
    return 0.5 - half, 0.5 + half


def _told(trials: Mapping[str, Mapping[str, Tensor]]) -> str:
    return "; ".join(
        f"{method}: "
        + ", ".join(f"{network} {values.detach().mean():.2f}" for network, values in row.items())
        for method, row in trials.items()
    )


def _expect_trials(trials: Mapping[str, Mapping[str, Tensor]]) -> None:
    if not trials or not all(trials.values()):
        raise LabError(
            "expected trials of at least one method and network, got none; try {'05': {'taught': trials}}"
        )
    if (most := max(map(len, trials.values()))) > len(_LOOKS):
        raise LabError(f"expected at most {len(_LOOKS)} networks in a row, got {most}; try two figures")
    for method, row in trials.items():
        for network, values in row.items():
            expect_tensor(f"the trials of {method} on {network}", values, "n", finite=True)
