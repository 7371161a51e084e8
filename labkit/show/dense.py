"""Figures of stage 00, first half: classes' probabilities over photos, networks asked in several ways."""

from collections.abc import Mapping, Sequence
from typing import Unpack

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from torch import Tensor

from labkit.arguments import expect_row, expect_tensor, expect_whole
from labkit.methods.sheets import tile
from labkit.show.drawing import row_axis
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.palette import BLUE, FAINT, INK, ON_PHOTOS, ORANGE
from labkit.show.picture import Picture, Texts
from labkit.show.plots import grid

ClassMaps = tuple[Tensor, Mapping[str, Tensor], Tensor]


@in_usual_look
def hang(photos: Sequence[Tensor], *, columns: int, gap: int = 32) -> Tensor:
    """A wall of photos of one size, white between them: N times (1, 3, H, W) -> (1, 3, rows, columns)."""
    expect_whole("gap", gap, 1)
    for photo in expect_row("photos", photos):
        expect_tensor("each photo", photo, "1 3 H W")
    sheet = tile(torch.cat(list(photos)), columns=columns, gap=gap, background=1.0)
    return sheet[None, :, gap:-gap, gap:-gap]


@in_usual_look
def class_maps(panels: Mapping[str, ClassMaps], *, columns: int = 1, **texts: Unpack[Texts]) -> Picture:
    """Photos in grey with the probabilities of several classes laid over, each class in its own colour.

    The stronger the colour, the more probable: none is 0, full is 1. The largest value stands at its place.

    panels:  name -> photo (1, 3, H, W); class -> map (h, w) in 0..1; windows (h, w, 4), the window of each
             position in pixels: a position is drawn in the middle of it
    """
    greys = [photo.mean(dim=1) for photo, _, _ in panels.values()]
    figure = grid(greys, above=panels, columns=columns, side=WIDTH, **texts)
    for axes, (photo, maps, windows) in zip(figure.axes, panels.values(), strict=False):
        for number, (word, probabilities) in enumerate(maps.items()):
            colour = ON_PHOTOS[number % len(ON_PHOTOS)]
            _lay_over(axes, probabilities, windows, colour)
            _name_the_surest(axes, word, probabilities, windows, colour)
        axes.set(xlim=(-0.5, photo.shape[3] - 0.5), ylim=(photo.shape[2] - 0.5, -0.5))
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


@in_usual_look
def coarse_segmentation(
    photo: Tensor, shares: Mapping[str, Tensor], *, cells: Tensor, **texts: Unpack[Texts]
) -> Picture:
    """From a class's map back to pixels; then which of a few classes leads at each, without and with all others.

    The caption goes on with how much of the photo each class leads in.

    photo:  (1, 3, H, W) in 0..1
    shares: class -> its probability at each pixel, (H, W); the first one's map is shown as well
    cells:  (h, w), the first one's, as it comes from the network
    """
    names, each = list(shares), torch.stack(list(shares.values()))  # (K, H, W)
    leading = each.argmax(dim=0)  # (H, W)
    is_one_of_them = each.amax(dim=0) > 1 - each.sum(dim=0)  # more probable than all others together
    led = leading.where(is_one_of_them, -1)
    panels = {
        f"{names[0]}: {len(cells)} × {len(cells[0])} positions": cells,
        f"{names[0]}: {photo.shape[2]} × {photo.shape[3]} pixels": _tinted(photo, 0 * leading, each[:1]),
        f"which of these {len(names)} leads": _tinted(photo, leading),
        "the same, all others as one more": _tinted(photo, led),
    }
    caption = f"{texts.get('caption', '')} {_shares_of_the_photo(names, leading, led)}".strip()
    texts = {**texts, "caption": caption}
    figure = grid(panels.values(), above=panels, **texts)
    for axes, labels in zip(figure.axes[2:], (leading, led), strict=True):
        _name_regions(axes, names, labels)
    return figure


def _shares_of_the_photo(names: Sequence[str], leading: Tensor, led: Tensor) -> str:
    told = (
        f"{name} {(leading == k).float().mean():.0%} and {(led == k).float().mean():.0%}"
        for k, name in enumerate(names)
    )
    return f"The share of the photo in which each leads, in the two right pictures: {', '.join(told)}."


def _tinted(photo: Tensor, labels: Tensor, strength: Tensor | None = None) -> Tensor:
    """The photo in grey, each pixel in its class's colour: (3, H, W). labels: (H, W), -1 for none"""
    colours = torch.tensor([to_rgb(colour) for colour in ON_PHOTOS])[labels.clamp(min=0)].permute(2, 0, 1)
    mixed = 0.6 * (labels >= 0) * (1 if strength is None else strength)
    return (1 - mixed) * photo[0].mean(dim=0) + mixed * colours


def _name_regions(axes: Axes, names: Sequence[str], labels: Tensor) -> None:
    """Each class's name on its region, at the pixel of it nearest to its middle; none on a speck."""
    edge = 0.15 * labels.shape[1]  # names nearer to it would stick out
    for number, word in enumerate(names):
        places = (labels == number).nonzero().double()  # (n, 2): rows, columns
        if len(places) < labels.numel() / 200:
            continue
        row, column = places[(places - places.mean(dim=0)).norm(dim=1).argmin()].tolist()
        paper = {"facecolor": ON_PHOTOS[number], "edgecolor": "none", "pad": 1.5}
        column = min(max(column, edge), labels.shape[1] - edge)
        axes.text(column, row, word, color="white", fontsize=8, ha="center", va="center", bbox=paper)


@in_usual_look
def asked_in_several_ways(
    names: Sequence[str],
    networks: Mapping[str, Mapping[str, Tensor]],
    *,
    label: str,
    **texts: Unpack[Texts],
) -> Picture:
    """A frame for each network, and in it a line for each photo with a mark for each way of asking.

    networks: name -> way of asking -> (len(names),)
    """
    figure = Picture(WIDTH, 0.3 * len(names) + 1.1, **texts)
    frames = figure.subplots(1, len(networks), squeeze=False, sharey=True)[0]
    for axes, (network, ways) in zip(frames, networks.items(), strict=True):
        values = torch.stack(list(ways.values()))
        axes.hlines(range(len(names)), values.amin(dim=0), values.amax(dim=0), color=FAINT, linewidth=2)
        looks = zip(ways.items(), (INK, ORANGE, BLUE), "oDs", (55, 45, 40), strict=False)
        for (way, one), colour, marker, size in looks:
            axes.scatter(one, range(len(names)), s=size, color=colour, marker=marker, label=way, zorder=3)
        row_axis(axes, names, label=label)
        axes.set(xlim=(-0.03, 1.03), title=network)
    figure.legend(*frames[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure
