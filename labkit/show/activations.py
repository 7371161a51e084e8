"""Figures of stage 03: sheets of grey maps, a channel over its photos, curves by depth."""

import math
from collections.abc import Mapping, Sequence

from torch import Tensor

from labkit.errors import LabError
from labkit.methods import activations
from labkit.methods.sheets import tile
from labkit.show.neighbors import spread
from labkit.show.palette import HUES
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import WIDTH, draw

GAP = 0.55  # grey between the maps of a sheet, so that a black map shows as a square


def map_sheets(
    sheets: Mapping[str, Tensor],
    *,
    columns: int = 16,
    shared: bool | Sequence[bool] = False,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Sheets of grey maps side by side: black is 0 or less, white the largest value, of each map or of the sheet.

    sheets: what each is -> its maps (C, h, w)
    shared: one white for a whole sheet; one answer for all sheets or one each
    """
    one_white = [shared] * len(sheets) if isinstance(shared, bool) else list(shared)
    tiles = []
    for maps, one in zip(sheets.values(), one_white, strict=True):
        grey = activations.to_grey(maps, shared=one)[:, None]  # (C, 1, h, w)
        gap = max(1, round(maps.shape[-1] / 28))
        tiles.append(tile(grey, columns=min(columns, len(grey)), gap=gap, background=GAP))
    side = WIDTH / len(tiles)
    height = max(side * sheet.shape[1] / sheet.shape[2] for sheet in tiles)
    figure = PhotoPicture(WIDTH, height + 0.3, title=title, caption=caption, alt=alt)
    for axes, name, sheet in zip(
        figure.subplots(1, len(tiles), squeeze=False)[0], sheets, tiles, strict=True
    ):
        draw(axes, sheet, title=name)
    return figure


def photo_grid(
    images: Sequence[Tensor] | Tensor,
    lines: Sequence[str],
    *,
    columns: int = 5,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Images in rows, each with a line above it.

    images: (N, 3, H, W) or a sequence of (3, H, W), in 0..1
    Raises: LabError if there is not one line an image
    """
    if len(lines) != len(images):
        raise LabError(f"expected a line for each of {len(images)} images, got {len(lines)}")
    rows = math.ceil(len(images) / columns)
    figure = PhotoPicture(WIDTH, rows * (WIDTH / columns + 0.25), title=title, caption=caption, alt=alt)
    frames = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, image, line in zip(frames, images, lines, strict=False):
        draw(axes, image, title=line, smooth=True)
        axes.title.set_fontsize(9)
    for axes in frames[len(images) :]:
        axes.set_visible(False)
    return figure


def curves(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    across: str,
    up: str,
    ticks: Mapping[float, str] | None = None,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Lines with a dot at every value, each named at its end.

    lines: name -> (x, y);  ticks: x -> what stands under the axis there
    """
    figure = Picture(WIDTH, 3.6, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    right = max(x[-1] for x, _ in lines.values())
    highest = max(max(y) for _, y in lines.values())
    heights = spread([y[-1] for _, y in lines.values()], apart=0.06 * highest)
    for (name, (x, y)), colour, height in zip(lines.items(), HUES, heights, strict=False):
        axes.plot(x, y, marker="o", markersize=5, linewidth=2, color=colour)
        axes.annotate(
            name, (right, height), xytext=(8, 0), textcoords="offset points", va="center", color=colour,
            weight="bold", annotation_clip=False,
        )  # fmt: skip
    if ticks:
        axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_ylim(bottom=-0.04 * axes.get_ylim()[1])  # so that a line at zero can be seen
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(axis="y")
    return figure


def window(image: Tensor, row: float, column: float, *, size: int) -> Tensor:
    """A square out of an image around a place, black beyond the borders.

    image:   (3, H, W);  row, column: in 0..1 of height and width;  size: of the square, in pixels
    Returns: (3, size, size)
    """
    out = image.new_zeros(len(image), size, size)
    H, W = image.shape[1:]
    top, left = round(float(row) * H) - size // 2, round(float(column) * W) - size // 2
    seen = image[:, max(top, 0) : top + size, max(left, 0) : left + size]
    down, right = max(-top, 0), max(-left, 0)
    out[:, down : down + seen.shape[1], right : right + seen.shape[2]] = seen
    return out


def overlays(images: Tensor, maps: Tensor) -> list[Tensor]:
    """A map laid over each photo, each with its own strongest place.

    The photos lose their own colours: an orange spot is the map's, whatever was there.

    images: (N, 3, H, W) in 0..1;  maps: (N, h, w);  Returns: N times (3, H, W)
    """
    colourless = images.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    return [activations.overlay(image, one) for image, one in zip(colourless, maps, strict=True)]


def by_depth(layers: Sequence[str], *, most: int = 10) -> dict[float, str]:
    """Ticks for an axis of layers: where a new part of the network begins, at most so many."""
    parts = [".".join(layer.split(".")[:2]) for layer in layers]
    ticks: dict[float, str] = {}
    for i, part in enumerate(parts):
        begins = i == 0 or part != parts[i - 1]
        if begins and (not ticks or i - max(ticks) >= len(layers) / most / 1.5):
            ticks[i] = part.replace(".", "\n")
    return ticks
