"""Figures of stage 03 that weigh a find: against luck, and against pictures it never met."""

from collections.abc import Mapping, Sequence
from typing import Unpack

from torch import Tensor

from labkit.show.drawing import draw, row_axis, strip
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.palette import FAINT, ORANGE
from labkit.show.picture import PhotoPicture, Picture, Texts


@in_usual_look
def against_chance(found: float, by_chance: Tensor, *, label: str, **texts: Unpack[Texts]) -> Picture:
    """A value that was found, as a line over the values that luck alone gives, as bars.

    by_chance: (n,)
    """
    figure = Picture(WIDTH, 3.2, **texts)
    axes = figure.subplots()
    searches = f"{len(by_chance)} searches for photos drawn at random"
    axes.hist(by_chance.tolist(), bins=24, color=FAINT, label=searches)
    axes.axvline(found, color=ORANGE, linewidth=2.5, label=f"the search that was meant: {found:.3f}")
    axes.set_xlabel(label)
    axes.set_ylabel("searches")
    axes.legend(loc="upper left")
    return figure


@in_usual_look
def examples_and_dots(
    groups: Mapping[str, tuple[Sequence[Tensor], Tensor]],
    *,
    label: str,
    **texts: Unpack[Texts],
) -> Picture:
    """Kinds of pictures, one per row: a few examples, and beside them what was measured, one dot per picture.

    groups: kind -> examples, as many in each, (3, H, W) in 0..1, and the values of all its pictures (n,)
    """
    k = len(next(iter(groups.values()))[0])
    side = 1.15
    figure = PhotoPicture(WIDTH, len(groups) * side + 0.5, **texts)
    ratios = [side] * k + [WIDTH - (k + 0.9) * side]
    grid = figure.add_gridspec(len(groups), k + 1, width_ratios=ratios)
    furthest = max(float(values.max()) for _, values in groups.values())
    for line, (kind, (examples, values)) in enumerate(groups.items()):
        for place, example in enumerate(examples):
            axes = figure.add_subplot(grid[line, place])
            draw(axes, example)
            if place == 0:
                axes.set_ylabel(kind, rotation=0, ha="right", va="center", fontsize=10)
        strip(axes := figure.add_subplot(grid[line, k]), 0.0, values)
        row_axis(axes, [""], label=label if line == len(groups) - 1 else "")
        axes.set(xlim=(-0.03 * furthest, 1.03 * furthest))
        axes.tick_params(labelbottom=line == len(groups) - 1)
    return figure
