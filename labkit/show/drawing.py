"""What is drawn onto axes: images, boxes, frames, dots, names.

Nothing here touches pyplot, so no figure lingers, is drawn twice, or depends on a backend.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from labkit.arguments import expect_box, expect_tensor
from labkit.errors import LabError
from labkit.receptive import Box
from labkit.show.look import in_usual_look
from labkit.show.palette import BLUE, FAINT, INK

BETWEEN = 0.55  # grey between the images of a sheet, so that a black one shows as a square, and around photos
GAP = float("nan")  # a pixel that is not there: the page shows through it


@in_usual_look
def to_pixels(image: Tensor) -> Tensor:
    """(3, H, W) or (1, H, W) or (H, W) in 0..1 -> (H, W, 3) or (H, W), as matplotlib wants it.

    Pixels that are NaN are left out: a coloured image that has some comes as (H, W, 4), the last how opaque.

    Raises: LabError for any other shape
    """
    expect_image(image)
    image = image.detach().cpu().float()
    if image.ndim == 4:
        image = image[0]
    if image.ndim == 3:
        image = image.permute(1, 2, 0) if image.shape[0] == 3 else image[0]
    image = image.clamp(0, 1)
    if image.ndim == 3 and (gaps := image.isnan().any(dim=2, keepdim=True)).any():
        return torch.cat([image.nan_to_num(), ~gaps], dim=2)
    return image


def expect_image(image: Tensor) -> None:
    """Require an image (3, H, W), (1, H, W) or (H, W), or a batch of one such. Raises: LabError"""
    expect_tensor("image", image, "… H W", of="numbers or bools")
    shape = tuple(image.shape[1:] if image.ndim == 4 and len(image) == 1 else image.shape)
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[0] not in (1, 3)):
        raise LabError(
            f"expected an image (3, H, W), (1, H, W) or (H, W), got {tuple(image.shape)}; try images[0]"
        )


def plain(values: Tensor) -> Tensor:
    """Numbers as matplotlib takes them: without a graph, on the CPU, of a kind that numpy has."""
    values = values.detach().cpu()
    return values if values.dtype in (torch.float32, torch.float64) else values.double()


def bare(axes: Axes, *, frame: str = "") -> None:
    """No ticks, and around all a frame of that colour, or none."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=bool(frame), color=frame or INK, linewidth=2.5)


def draw(axes: Axes, image: Tensor | str, *, title: str = "", exact: bool = False) -> None:
    """One image without axes; a text in its place becomes an empty frame that says it. exact: as for `grid`"""
    axes.set_title(title, pad=4)
    if isinstance(image, str):
        bare(axes, frame=FAINT)
        axes.spines[:].set(linestyle=(0, (4, 4)), linewidth=1)
        axes.set_box_aspect(1)
        where: Any = {"ha": "center", "va": "center", "transform": axes.transAxes}
        axes.text(0.5, 0.5, textwrap.fill(image, 30), fontsize=9, color=FAINT, **where)
        return
    pixels, smooth = to_pixels(image).numpy(), "nearest" if exact else "antialiased"
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation=smooth)
    bare(axes)


def outline(axes: Axes, box: Box, *, colour: str = BLUE) -> None:
    """A box on a drawn image, around its pixels."""
    expect_box(box)
    top, left, bottom, right = box
    # not clipped: the box is whole at the image's border, too
    look: Any = {"fill": False, "edgecolor": colour, "linewidth": 2, "clip_on": False}
    axes.add_patch(Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, **look))


def row_axis(axes: Axes, names: Iterable[str], *, label: str = "") -> None:
    """Axes of one line for each name, from above, with no more than a grid of values behind them."""
    names = list(names)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(label)
    axes.spines["left"].set_visible(False)
    axes.tick_params(left=False)
    axes.grid(axis="x")


def strip(axes: Axes, line: float, values: Tensor, *, seed: int = 0) -> None:
    """One dot per value around a line, scattered up and down so that they can be told apart; a bar at the median."""
    values = plain(values)
    jitter = (torch.rand(len(values), generator=torch.Generator().manual_seed(seed)) - 0.5) * 0.5
    axes.scatter(values, line + jitter, s=16, color=BLUE, alpha=0.9, linewidths=0, zorder=3)
    axes.vlines(float(values.quantile(0.5)), line - 0.37, line + 0.37, color=INK, linewidth=2.4)


def spread(heights: Sequence[float], *, apart: float) -> list[float]:
    """Heights for labels: each as given, or as far up as it takes to stand clear of the one below."""
    places = list(heights)
    for below, above in zip(np.argsort(heights)[:-1], np.argsort(heights)[1:], strict=True):
        places[above] = max(places[above], places[below] + apart)
    return places


def name_ends(axes: Axes, ends: Mapping[str, tuple[float, float, str]]) -> None:
    """Each line's name in its colour, to the right of all, as high as the line ends. ends: name -> x, y, colour"""
    axes.get_ylim()  # matplotlib settles an axis' limits only when it is asked for them
    scale = axes.transScale + axes.transLimits
    heights = spread([float(scale.transform((x, y))[1]) for x, y, _ in ends.values()], apart=0.06)
    right = max(x for x, _, _ in ends.values())
    look: Any = {"textcoords": "offset points", "va": "center", "weight": "bold", "annotation_clip": False}
    for (name, (_, _, colour)), height in zip(ends.items(), heights, strict=True):
        axes.annotate(name, (right, height), (9, 0), ("data", "axes fraction"), color=colour, **look)


def in_three_figures(value: float) -> str:
    """A value as it stands beside others: 19.0, not 19 beside 19.4."""
    return f"{value:#.3g}".rstrip(".")
