"""Figures of patches: rows of them, what units see on a photo, and photos with a box and a number."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from labkit.methods.patches import TopPatches
from labkit.receptive import Box
from labkit.show.palette import BLUE, FAINT, HUES
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import WIDTH, draw, to_pixels


def patch_rows(
    top: TopPatches, *, names: Sequence[str] = (), title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """One row for each channel: its best patches from left to right, what each answered above it.

    A frame is a whole receptive field; what of it lies outside the image is grey.

    names: what to write under the channels' numbers, one for each channel
    """
    C, k = top.values.shape
    frame = (top.boxes[..., 2:] - top.boxes[..., :2]).amax(dim=(0, 1)).tolist()
    cell = (WIDTH - (1.0 if names else 0.5)) / k
    figure = PhotoPicture(
        WIDTH, C * (cell * frame[0] / frame[1] + 0.2), title=title, caption=caption, alt=alt
    )
    figure.set_layout_engine("compressed", w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    for row, axes_row in enumerate(figure.subplots(C, k, squeeze=False)):
        for rank, axes in enumerate(axes_row):
            _draw_in_frame(axes, top.patches[row][rank], top.boxes[row, rank].tolist(), frame)
            value = top.values[row, rank]
            axes.set_title(f"{value:.{0 if value >= 100 else 1}f}", fontsize=8, pad=2)
        label = f"{top.channels[row]}" + (f"\n{names[row]}" if names else "")
        axes_row[0].set_ylabel(label, rotation=0, ha="right", va="center", labelpad=4)
    return figure


def _draw_in_frame(axes: Axes, patch: Tensor, box: Sequence[int], frame: Sequence[int]) -> None:
    """A patch where it belongs in its whole field: cut at the image's top, it hangs at the frame's bottom."""
    (H, W), (h, w) = frame, patch.shape[1:]
    down, right = (H - h if box[0] == 0 else 0), (W - w if box[1] == 0 else 0)
    axes.imshow(to_pixels(patch).numpy(), extent=(right, right + w, down + h, down), interpolation="bicubic")
    axes.set(xlim=(0, W), ylim=(H, 0), xticks=[], yticks=[], facecolor=FAINT)
    axes.spines[:].set_visible(False)


def nested_fields(
    image: Tensor, boxes: Mapping[str, Box], *, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """One photo with a box for each layer on it, named in the margin, and what each box holds beside it.

    image: (3, H, W) or (1, 3, H, W);  boxes: layer -> box
    """
    image = image.reshape(image.shape[-3:])
    columns = -(-len(boxes) // 2)
    side = WIDTH / (columns + 2)
    figure = PhotoPicture(WIDTH, 2 * side + 0.5, title=title, caption=caption, alt=alt)
    grid = figure.add_gridspec(2, columns + 2, width_ratios=[1] * (columns + 2))
    whole = figure.add_subplot(grid[:, :2])
    draw(whole, image, smooth=True)
    for number, (layer, box) in enumerate(boxes.items()):
        colour = HUES[number % len(HUES)]
        outline(whole, box, colour=colour)
        axes = figure.add_subplot(grid[number // columns, 2 + number % columns])
        top, left, bottom, right = box
        draw(axes, image[:, top:bottom, left:right], title=layer, smooth=True)
        axes.title.set(color=colour, weight="bold")
        axes.spines[:].set(visible=True, color=colour, linewidth=2.5)
    return figure


def outline(axes: Axes, box: Box, *, colour: str = BLUE) -> None:
    """A box on a drawn image, around its pixels."""
    top, left, bottom, right = box
    axes.add_patch(
        Rectangle(
            (left - 0.5, top - 0.5), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=2
        )
    )


def boxed_row(
    images: Sequence[Tensor],
    captions: Sequence[str],
    boxes: Sequence[Box],
    *,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Images side by side, each with a box on it and lines above it.

    images: (3, H, W) or (1, 3, H, W) each
    """
    side = WIDTH / len(images)
    figure = PhotoPicture(WIDTH, side + 0.45, title=title, caption=caption, alt=alt)
    figure.set_layout_engine("compressed", w_pad=0.02, h_pad=0.04, wspace=0)
    panels = zip(figure.subplots(1, len(images), squeeze=False)[0], images, captions, boxes, strict=True)
    for axes, image, line, box in panels:
        draw(axes, image, title=line, smooth=True)
        outline(axes, box)
    return figure
