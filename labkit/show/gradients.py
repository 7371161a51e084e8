"""Figures of stage 05: maps of pixels as pictures, in rows, and correlations by depth."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from labkit.errors import LabError
from labkit.receptive import Box
from labkit.show.palette import BLUE, FAINT, HUES
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import WIDTH, draw

STYLES = ("-", "--", "-.", ":")  # lines that differ without their colours, too


def signed(gradients: Tensor) -> Tensor:
    """Gradients as pictures: 0 is grey; the largest sizes, but for a few, have no more room in their colour.

    A map comes in colours, as in the papers, unless one of them leans one way all over it: the whole picture would
    have that colour, and nothing else would be seen. It comes in grey: each pixel's largest size, with its sign.

    gradients: (N, 3, H, W);  Returns: (N, 3, H, W) in 0..1
    """
    spread, mean = torch.std_mean(gradients, dim=(2, 3), keepdim=True)  # (N, 3, 1, 1)
    leans = (mean.abs() > spread / 2).any(dim=1, keepdim=True)
    grey = gradients.gather(1, gradients.abs().argmax(dim=1, keepdim=True)).expand_as(gradients)
    return 0.5 + _stretched(grey.where(leans, gradients)) / 2


def sizes(maps: Tensor) -> Tensor:
    """Maps of sizes as grey pictures: 0 is black; the largest, but for a few, are white.

    maps: (N, H, W);  Returns: (N, H, W) in 0..1
    """
    return _stretched(maps[:, None])[:, 0]


def _stretched(maps: Tensor, *, clip: float = 0.99) -> Tensor:
    """(N, C, H, W) -> each image's values over its largest but for a few, in -1..1."""
    flat = maps.abs().flatten(1)
    few = flat.kthvalue(max(1, int(clip * flat.shape[1])), dim=1).values
    top = few.where(few > 0, flat.amax(dim=1)).clamp(min=torch.finfo(maps.dtype).tiny).view(-1, 1, 1, 1)
    return (maps / top).clamp(-1, 1)


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
    lines = max((name.count("\n") + 1 for name in columns), default=0)
    figure = PhotoPicture(WIDTH, side * len(rows) + 0.1 + 0.22 * lines, title=title, caption=caption, alt=alt)
    figure.set_layout_engine("compressed", w_pad=0.02, h_pad=0.04, wspace=0, hspace=0)
    grid = figure.subplots(len(rows), count, squeeze=False)
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        for axes, image in zip(line, images, strict=True):
            draw(axes, image, smooth=True)
        line[0].set_ylabel(name)
    for axes, name in zip(grid[0], columns, strict=False):
        axes.set_title(name)
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
    """A line a method over the steps of a cascade, named at its end, with the range of the photos around it.

    lines: name -> (len(steps), N)
    """
    figure = Picture(WIDTH, 4, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    axes.axhline(0, color=FAINT, linewidth=0.8)
    places = range(len(steps))
    for (name, values), color, style in zip(lines.items(), HUES, STYLES, strict=False):
        axes.fill_between(
            places, values.amin(dim=1), values.amax(dim=1), color=color, alpha=0.18, linewidth=0
        )
        axes.plot(
            places,
            values.mean(dim=1),
            style,
            color=color,
            linewidth=2.4,
            marker="o",
            markersize=4.5,
            label=name,
        )
    axes.set_xticks(places, steps, rotation=30, ha="right")
    axes.set_ylabel(label)
    axes.legend(loc="upper right", bbox_to_anchor=(1, 1.02))
    return figure


def box_on_photo(
    image: Tensor, gradient: Tensor, box: Box, *, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """A photo and a neuron's gradient, the box that the neuron sees drawn on both.

    image, gradient: (1, 3, H, W)
    """
    figure = PhotoPicture(WIDTH, WIDTH / 2 + 0.3, title=title, caption=caption, alt=alt)
    figure.set_layout_engine("compressed", w_pad=0.03, h_pad=0.04, wspace=0)
    top, left, bottom, right = (edge - 0.5 for edge in box)
    shown = {"photo": image[0], "gradient": signed(gradient)[0]}
    for axes, (name, picture) in zip(figure.subplots(1, 2), shown.items(), strict=True):
        draw(axes, picture, title=name, smooth=True)
        axes.plot(
            [left, right, right, left, left], [top, top, bottom, bottom, top], color=BLUE, linewidth=2.5
        )
    return figure
