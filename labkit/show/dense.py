"""Figures of stage 00, first half: classes' probabilities over photos, networks asked in several ways, work."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from torch import Tensor

from labkit.show.palette import BLUE, FAINT, HUES, INK, ORANGE
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import WIDTH, draw

COLOURS = HUES[:5]  # grey would not be seen on a grey photo
ClassMaps = tuple[Tensor, Mapping[str, Tensor], Tensor]


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
    panels: Mapping[str, ClassMaps], *, columns: int = 1, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """Photos in grey with the probabilities of several classes laid over, each class in its own colour.

    The stronger the colour, the more probable: none is 0, full is 1. The largest value stands at its place.

    panels:  name -> photo (1, 3, H, W); class -> map (h, w) in 0..1; windows (h, w, 4), the window of each
             position in pixels: a position is drawn in the middle of it
    """
    rows = -(-len(panels) // columns)
    heights = [photo.shape[2] / photo.shape[3] * WIDTH / columns for photo, _, _ in panels.values()]
    figure = PhotoPicture(WIDTH, rows * (max(heights) + 0.3), title=title, caption=caption, alt=alt)
    frames = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, (photo, maps, windows)) in zip(frames, panels.items(), strict=False):
        draw(axes, photo[0].mean(dim=0), title=name, smooth=True)
        for number, (word, probabilities) in enumerate(maps.items()):
            colour = COLOURS[number % len(COLOURS)]
            _lay_over(axes, probabilities, windows, colour)
            _name_the_surest(axes, word, probabilities, windows, colour)
        axes.set(xlim=(-0.5, photo.shape[3] - 0.5), ylim=(photo.shape[2] - 0.5, -0.5))
    for axes in frames[len(panels) :]:
        axes.set_visible(False)
    return figure


def _lay_over(axes: Axes, probabilities: Tensor, windows: Tensor, colour: str) -> None:
    paint = np.broadcast_to(to_rgb(colour), (*probabilities.shape, 3))
    layer = np.concatenate([paint, 0.75 * probabilities.detach().clamp(0, 1).numpy()[..., None]], axis=2)
    middles = (windows[..., :2] + windows[..., 2:]) / 2  # (h, w, 2)
    (left, top), (right, bottom) = middles[0, 0].tolist(), middles[-1, -1].tolist()
    dx, dy = ((right - left) / (len(layer[0]) - 1) / 2, (bottom - top) / (len(layer) - 1) / 2)
    extent = (left - dx - 0.5, right + dx - 0.5, bottom + dy - 0.5, top - dy - 0.5)
    axes.imshow(layer, extent=extent, interpolation="nearest")


def _name_the_surest(axes: Axes, word: str, probabilities: Tensor, windows: Tensor, colour: str) -> None:
    """The class and its largest probability, at the top of the opening that has it; nothing below 0.05."""
    if probabilities.max() < 0.05:
        return
    left, top, right, _bottom = windows.flatten(0, 1)[probabilities.argmax()].tolist()
    middle, width = (left + right) / 2, float(windows[..., 2].max())
    # near an edge of the photo the name begins or ends with the opening, so that it stays inside
    x, side = (left, "left") if middle < width / 10 else (middle, "center")
    x, side = (right, "right") if middle > width * 9 / 10 else (x, side)
    paper = {"facecolor": colour, "edgecolor": "none", "pad": 1.5}
    text = f"{word} {probabilities.max():.2f}"
    axes.text(x, top + 4, text, color="white", fontsize=8, ha=side, va="top", bbox=paper)


def asked_in_several_ways(
    names: Sequence[str],
    networks: Mapping[str, Mapping[str, Tensor]],
    *,
    label: str,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """A frame for each network, and in it a line for each photo with a mark for each way of asking.

    networks: name -> way of asking -> (len(names),)
    """
    figure = Picture(WIDTH, 0.3 * len(names) + 1.1, title=title, caption=caption, alt=alt)
    frames = figure.subplots(1, len(networks), squeeze=False, sharey=True)[0]
    for axes, (network, ways) in zip(frames, networks.items(), strict=True):
        values = torch.stack(list(ways.values()))
        axes.hlines(range(len(names)), values.amin(dim=0), values.amax(dim=0), color=FAINT, linewidth=2)
        looks = zip(ways.items(), (INK, ORANGE, BLUE), "oDs", (55, 45, 40), strict=False)
        for (way, one), colour, marker, size in looks:
            axes.scatter(one, range(len(names)), s=size, color=colour, marker=marker, label=way, zorder=3)
        axes.set_xlim(-0.03, 1.03)
        axes.set_xlabel(label)
        axes.set_title(network)
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False)
    frames[0].set_yticks(range(len(names)), names)
    frames[0].set_ylim(len(names) - 0.4, -0.6)
    figure.legend(*frames[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
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
    figure = Picture(WIDTH, 3.4, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    for (name, values), colour in zip(lines.items(), (INK, ORANGE, BLUE), strict=False):
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
    axes.set_xlabel("photo, in pixels")
    axes.set_ylabel(label)
    axes.grid(axis="y")
    return figure
