"""Figures for the notebooks: tensors in, a captioned matplotlib Figure with alt text out.

Nothing here touches pyplot, so no figure lingers, is drawn twice, or depends on a backend.
"""

import textwrap
from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from torch import Tensor

from labkit.errors import LabError
from labkit.methods.sheets import rescale, tile
from labkit.show.palette import BLUE, FAINT, INK
from labkit.show.picture import PhotoPicture, Picture

WIDTH = 9.0  # inches, as wide as a notebook's cell


GAP = float("nan")  # a pixel that is not there, such as those between the filters of a sheet


def to_pixels(image: Tensor) -> Tensor:
    """(3, H, W) or (1, H, W) or (H, W) in 0..1 -> (H, W, 3) or (H, W), as matplotlib wants it.

    Pixels that are NaN are left out: a coloured image that has some comes as (H, W, 4), the last how opaque.

    Raises: LabError for any other shape
    """
    image = image.detach().cpu().float()
    if image.ndim == 4 and len(image) == 1:
        image = image[0]
    if image.ndim == 3 and image.shape[0] in (1, 3):
        image = image.permute(1, 2, 0) if image.shape[0] == 3 else image[0]
    elif image.ndim != 2:
        raise LabError(f"expected an image (3, H, W), (1, H, W) or (H, W), got {tuple(image.shape)}")
    image = image.clamp(0, 1)
    if image.ndim == 3 and (gaps := image.isnan().any(dim=2, keepdim=True)).any():
        return torch.cat([image.nan_to_num(), ~gaps], dim=2)
    return image


def draw(axes: Axes, image: Tensor, *, title: str = "", smooth: bool = False) -> None:
    """One image in one frame, without ticks."""
    axes.imshow(
        to_pixels(image).numpy(),
        cmap="gray",
        vmin=0,
        vmax=1,
        interpolation="antialiased" if smooth else "nearest",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_title(title)


def empty_frame(axes: Axes, reason: str, *, title: str = "") -> None:
    """A frame where a picture would be, saying why there is none."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(color=FAINT, linestyle=(0, (4, 4)), visible=True)
    axes.text(
        0.5,
        0.5,
        textwrap.fill(reason, 30),
        ha="center",
        va="center",
        fontsize=9,
        color=FAINT,
        transform=axes.transAxes,
    )
    axes.set_title(title)


def image_row(
    images: Tensor | Sequence[Tensor],
    captions: Sequence[str] = (),
    *,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Images side by side, each with a line above it.

    images: (N, 3, H, W), or a sequence of (3, H, W) or (H, W), in 0..1
    Raises: LabError if there is not one caption an image
    """
    if captions and len(captions) != len(images):
        raise LabError(f"expected a caption for each of {len(images)} images, got {len(captions)}")
    side = min(WIDTH / max(len(images), 1), 3.2)
    figure = PhotoPicture(WIDTH, side + 0.3, title=title, caption=caption, alt=alt)
    for axes, image, line in zip(
        figure.subplots(1, len(images), squeeze=False)[0], images, captions or [""] * len(images), strict=True
    ):
        draw(axes, image, title=line, smooth=True)
    return figure


def _sheet(filters: Tensor, *, columns: int) -> Tensor:
    """Filters laid out on one sheet, each scaled to 0..1 by itself, about an eighth of a filter apart."""
    times = max(1, round(8 / filters.shape[-1]))  # small ones are enlarged, since a gap is one pixel at least
    large = rescale(filters).repeat_interleave(times, dim=2).repeat_interleave(times, dim=3)
    return tile(large, columns=columns, background=GAP)


def filter_sheet(
    filters: Tensor, *, columns: int = 16, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """Filters as one sheet of small pictures, each scaled to 0..1 by itself.

    filters: (K, 3, h, w) or (K, 1, h, w)
    """
    sheet = _sheet(filters, columns=min(columns, len(filters)))
    height = WIDTH * sheet.shape[1] / sheet.shape[2]
    figure = Picture(WIDTH, height, title=title, caption=caption, alt=alt)
    draw(figure.subplots(), sheet)
    return figure


def filter_sheets(
    banks: Mapping[str, Tensor | str], *, columns: int = 8, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """Sheets of several networks side by side; a text in place of filters becomes an empty frame that says it.

    banks: name -> filters (K, 3, h, w), at most 64 of which are drawn, or the reason why there are none
    """
    figure = Picture(WIDTH, WIDTH / len(banks) + 0.4, title=title, caption=caption, alt=alt)
    for axes, (name, bank) in zip(
        figure.subplots(1, len(banks), squeeze=False)[0], banks.items(), strict=True
    ):
        if isinstance(bank, str):
            empty_frame(axes, bank, title=name)
            axes.set_box_aspect(1)
        else:
            shape = " × ".join(map(str, bank.shape))
            draw(axes, _sheet(bank[:64], columns=columns), title=f"{name}\n{shape}")
    return figure


def dots(
    groups: Mapping[str, Tensor],
    *,
    label: str,
    title: str = "",
    caption: str = "",
    alt: str = "",
    seed: int = 0,
) -> Picture:
    """One dot a value, one line a group, with a bar at each median.

    groups: name -> values (n,)
    """
    figure = Picture(WIDTH, 0.42 * len(groups) + 0.7, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    generator = torch.Generator().manual_seed(seed)
    for line, values in enumerate(groups.values()):
        jitter = (torch.rand(len(values), generator=generator) - 0.5) * 0.5
        axes.scatter(values, line + jitter, s=14, color=BLUE, alpha=0.7, linewidths=0)
        axes.vlines(values.median(), line - 0.38, line + 0.38, color=INK, linewidth=2.2)
    axes.set_yticks(range(len(groups)), groups.keys())
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlabel(label)
    axes.spines["left"].set_visible(False)
    axes.tick_params(left=False)
    axes.grid(axis="x")
    return figure
