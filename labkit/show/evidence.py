"""Figures of stage 03 that weigh a find: against luck, against pictures it never met, among all channels."""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from torch import Tensor

from labkit.show.palette import BLUE, FAINT, INK, ORANGE
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import WIDTH, draw


def against_chance(
    found: float, by_chance: Tensor, *, label: str, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """A value that was found, as a line over the values that luck alone gives, as bars.

    by_chance: (n,)
    """
    figure = Picture(WIDTH, 3.2, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    searches = f"{len(by_chance)} searches for photos drawn at random"
    axes.hist(by_chance.tolist(), bins=24, color=FAINT, label=searches)
    axes.axvline(found, color=ORANGE, linewidth=2.5, label=f"the search that was meant: {found:.3f}")
    axes.set_xlabel(label)
    axes.set_ylabel("searches")
    axes.legend(loc="upper left")
    return figure


def examples_and_dots(
    groups: Mapping[str, tuple[Sequence[Tensor], Tensor]],
    *,
    label: str,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Kinds of pictures, one a row: a few examples, and beside them what was measured, a dot a picture.

    groups: kind -> examples, as many in each, (3, H, W) in 0..1, and the values of all its pictures (n,)
    """
    k = len(next(iter(groups.values()))[0])
    side = 1.15
    figure = PhotoPicture(WIDTH, len(groups) * side + 0.5, title=title, caption=caption, alt=alt)
    ratios = [side] * k + [WIDTH - (k + 0.9) * side]
    grid = figure.add_gridspec(len(groups), k + 1, width_ratios=ratios)
    furthest = max(float(values.max()) for _, values in groups.values())
    for line, (kind, (examples, values)) in enumerate(groups.items()):
        for place, example in enumerate(examples):
            axes = figure.add_subplot(grid[line, place])
            draw(axes, example, smooth=True)
            if place == 0:
                axes.set_ylabel(kind, rotation=0, ha="right", va="center", fontsize=10)
        strip(axes := figure.add_subplot(grid[line, k]), 0.0, values)
        axes.set(xlim=(-0.03 * furthest, 1.03 * furthest), ylim=(-0.5, 0.5), yticks=[])
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        axes.tick_params(labelbottom=line == len(groups) - 1)
    axes.set_xlabel(label)
    return figure


def chosen_among(
    groups: Mapping[str, tuple[Tensor, int]],
    *,
    label: str,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """One dot a channel, one line a group, with a bar at each median; the channel that was chosen stands out.

    groups: name -> values (C,), and the number of the chosen channel
    """
    figure = Picture(WIDTH, 0.75 * len(groups) + 0.7, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    for line, (values, chosen) in enumerate(groups.values()):
        strip(axes, line, values)
        x = float(values[chosen])
        axes.scatter(x, line, s=90, color=ORANGE, marker="D", zorder=3)
        axes.annotate(
            f"channel {chosen}", (x, line - 0.27), (0, 2), textcoords="offset points", ha="center", color=ORANGE,
            weight="bold", fontsize=9.5,
        )  # fmt: skip
    axes.set_yticks(range(len(groups)), groups.keys())
    axes.set_ylim(len(groups) - 0.6, -0.6)
    axes.set_xlabel(label)
    axes.spines["left"].set_visible(False)
    axes.tick_params(left=False)
    axes.grid(axis="x")
    return figure


def strip(axes: Axes, line: float, values: Tensor, *, seed: int = 0) -> None:
    """One dot a value around a line, scattered up and down so that they can be told apart, and a bar at the median."""
    jitter = (torch.rand(len(values), generator=torch.Generator().manual_seed(seed)) - 0.5) * 0.5
    axes.scatter(values, line + jitter, s=14, color=BLUE, alpha=0.7, linewidths=0)
    axes.vlines(float(values.median()), line - 0.36, line + 0.36, color=INK, linewidth=2.5)
