"""Figures of stage 05: maps of pixels as pictures, in rows, and correlations by depth."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.errors import LabError
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import ACCENT, FAINT, INK, WIDTH, draw

SIDE = 128  # pixels; finer than that, a map is heavy and no clearer
SHADES = 8  # from 0 to the largest
LINES = {"colors": ("#8c959f", "#cf5b00", ACCENT), "styles": ("--", "-.", "-")}


def signed(gradients: Tensor, *, color: bool = False, side: int = SIDE) -> Tensor:
    """Gradients as pictures: 0 is grey; the largest sizes, but for a few, are black or white.

    gradients: (N, 3, H, W)
    color:     keep the three colours; without, each pixel's largest size, with its sign, stands for them
    Returns:   (N, 3 or 1, h, w) in 0..1, in few shades, scaled down to `side` pixels where larger
    """
    if not color:
        gradients = gradients.gather(1, gradients.abs().argmax(dim=1, keepdim=True))
    return 0.5 + _stretched(gradients, side) / 2


def sizes(maps: Tensor) -> Tensor:
    """Maps of sizes as grey pictures: 0 is black; the largest, but for a few, are white.

    maps: (N, H, W);  Returns: (N, h, w) in 0..1, in few shades, scaled down to SIDE pixels where larger
    """
    return _stretched(maps[:, None], SIDE)[:, 0]


def _stretched(maps: Tensor, side: int, *, clip: float = 0.995) -> Tensor:
    """(N, C, H, W) -> each image's values over its largest but for a few, in -1..1."""
    if max(maps.shape[2:]) > side:
        scale = side / max(maps.shape[2:])
        maps = F.interpolate(maps, scale_factor=scale, mode="bilinear", antialias=True)
    flat = maps.abs().flatten(1)
    few = flat.kthvalue(max(1, int(clip * flat.shape[1])), dim=1).values
    top = few.where(few > 0, flat.amax(dim=1)).clamp(min=torch.finfo(maps.dtype).tiny).view(-1, 1, 1, 1)
    return ((maps / top).clamp(-1, 1) * SHADES).round() / SHADES


def rows_of_images(
    rows: Mapping[str, Sequence[Tensor] | Tensor],
    columns: Sequence[str] = (),
    *,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Images in rows, each row named on its left, each column above.

    rows:   name -> images (3, H, W) or (H, W) in 0..1, as many in each row
    Raises: LabError where rows, or the columns' names, differ in number
    """
    counts = {name: len(images) for name, images in rows.items()}
    if len({*counts.values(), len(columns) or next(iter(counts.values()))}) > 1:
        raise LabError(
            f"expected rows of one length and a name for each column, got {counts}, {len(columns)} names"
        )
    count = next(iter(counts.values()))
    side = (WIDTH - 0.3) / max(count, 2)
    figure = PhotoPicture(WIDTH, min(side, 2.6) * len(rows) + 1.0, title=title, caption=caption, alt=alt)
    grid = figure.subplots(len(rows), count, squeeze=False)
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        for axes, image in zip(line, images, strict=True):
            draw(axes, image, smooth=min(image.shape[-2:]) > SIDE)
        line[0].set_ylabel(name, fontsize=9.5, color=INK)
    for axes, name in zip(grid[0], columns, strict=False):
        axes.set_title(name, fontsize=9.5, color=INK)
    return figure


def lines_by_depth(
    lines: Mapping[str, Tensor],
    steps: Sequence[str],
    *,
    label: str,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """A line a method over the steps of a cascade, with the range of the photos around it.

    lines: name -> (len(steps), N)
    """
    figure = PhotoPicture(WIDTH, 4.6, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    for (name, values), color, style in zip(lines.items(), LINES["colors"], LINES["styles"], strict=False):
        places = range(len(steps))
        mean = values.mean(dim=1)
        axes.fill_between(
            places, values.amin(dim=1), values.amax(dim=1), color=color, alpha=0.13, linewidth=0
        )
        axes.plot(places, mean, style, color=color, linewidth=2.2, marker="o", markersize=4, label=name)
    axes.set_xticks(range(len(steps)), steps, rotation=30, ha="right")
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.set_ylabel(label, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper right")
    return figure
