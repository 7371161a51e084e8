"""Figures of stage 00, first half: a class's probability over a photo, one network asked in several ways, work."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from PIL import Image
from torch import Tensor

from labkit.show.activations import WARM
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import ACCENT, FAINT, INK, WIDTH, draw


def hang(photos: Sequence[Tensor], *, columns: int, gap: int = 32) -> Tensor:
    """A wall of photos of one size, white between them: N times (1, 3, H, W) -> (1, 3, rows, columns)."""
    rows = -(-len(photos) // columns)
    _, C, H, W = photos[0].shape
    wall = torch.ones(1, C, rows * (H + gap) - gap, columns * (W + gap) - gap)
    for number, photo in enumerate(photos):
        top, left = (number // columns) * (H + gap), (number % columns) * (W + gap)
        wall[..., top : top + H, left : left + W] = photo
    return wall


def class_maps(
    photo: Tensor,
    maps: Mapping[str, Tensor],
    windows: Tensor,
    *,
    columns: int = 2,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """A photo with the surest window of the first map on it, then each map laid over the photo.

    The stronger the orange, the more probable: none is 0, full is 1, in every panel alike.

    photo:   (1, 3, H, W);  maps: name -> (h, w) in 0..1
    windows: (h, w, 4), each position's window in pixels; a position is drawn in the middle of it
    """
    rows = -(-(1 + len(maps)) // columns)
    height = rows * (WIDTH / columns * photo.shape[2] / photo.shape[3] + 0.25) + 0.85
    figure = PhotoPicture(WIDTH, height, title=title, caption=caption, alt=alt)
    figure.dither = Image.Dither.FLOYDSTEINBERG  # the oranges leave few colours to the photo
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.06, wspace=0, hspace=0)
    first, *others = figure.subplots(rows, columns, squeeze=False).ravel()
    surest = windows.flatten(0, 1)[next(iter(maps.values())).argmax()]
    draw(first, photo[0], title="the surest window for " + next(iter(maps)).partition("\n")[0], smooth=True)
    _frame(first, surest)
    grey = photo[0].mean(dim=0, keepdim=True).expand(3, -1, -1)
    for axes, (name, probabilities) in zip(others, maps.items(), strict=False):
        draw(axes, grey, title=name, smooth=True)
        _lay_over(axes, probabilities, windows, photo.shape[2:])
    for axes in others[len(maps) :]:
        axes.set_visible(False)
    return figure


def _frame(axes: Axes, window: Tensor) -> None:
    left, top, right, bottom = window.tolist()
    x, y = [left, right, right, left, left], [top, top, bottom, bottom, top]
    for color, width in (("white", 4.5), (WARM, 2.5)):
        axes.plot(x, y, color=color, linewidth=width, scalex=False, scaley=False, clip_on=False)


def _lay_over(axes: Axes, probabilities: Tensor, windows: Tensor, size: Sequence[int]) -> None:
    colour = np.broadcast_to(to_rgb(WARM), (*probabilities.shape, 3))
    layer = np.concatenate([colour, 0.85 * probabilities.detach().clamp(0, 1).numpy()[..., None]], axis=2)
    middles = (windows[..., :2] + windows[..., 2:]) / 2  # (h, w, 2)
    (left, top), (right, bottom) = middles[0, 0].tolist(), middles[-1, -1].tolist()
    dx, dy = ((right - left) / (len(layer[0]) - 1) / 2, (bottom - top) / (len(layer) - 1) / 2)
    extent = (left - dx - 0.5, right + dx - 0.5, bottom + dy - 0.5, top - dy - 0.5)
    axes.imshow(layer, extent=extent, interpolation="nearest")
    axes.set(xlim=(-0.5, size[1] - 0.5), ylim=(size[0] - 0.5, -0.5))


def asked_in_several_ways(
    names: Sequence[str],
    ways: Mapping[str, Tensor],
    *,
    label: str,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """A line a photo with a mark for each way of asking.

    ways: name -> (len(names),)
    """
    figure = Picture(WIDTH, 0.3 * len(names) + 1.7, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    values = torch.stack(list(ways.values()))
    axes.hlines(range(len(names)), values.amin(dim=0), values.amax(dim=0), color="#d0d7de", linewidth=2)
    looks = zip(ways.items(), (INK, WARM, ACCENT), "oDs", (55, 45, 40), strict=False)
    for (way, one), colour, marker, size in looks:
        axes.scatter(one, range(len(names)), s=size, color=colour, marker=marker, label=way, zorder=3)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(label, color=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(ways), frameon=False, fontsize=9.5)
    return figure


def work(
    sides: Sequence[int],
    lines: Mapping[str, Sequence[float]],
    *,
    label: str,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Work against the side of a square photo, on a scale of powers of ten; each line named at its end.

    lines: name -> one number a side
    """
    figure = Picture(WIDTH, 3.9, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    for (name, values), colour in zip(lines.items(), (FAINT, WARM, ACCENT), strict=False):
        axes.plot(sides, values, marker="o", markersize=5, linewidth=2, color=colour)
        axes.annotate(
            name,
            (sides[-1], values[-1]),
            xytext=(10, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            weight="bold",
        )
    axes.set_yscale("log")
    axes.set_xticks(sides, [f"{side}²" for side in sides])
    axes.set_xlabel("photo, in pixels", color=INK)
    axes.set_ylabel(label, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#d0d7de", linewidth=0.6)
    return figure
