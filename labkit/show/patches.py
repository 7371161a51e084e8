"""Figures of patches: rows of them, what units see on a photo, and photos with a box and a number."""

from collections.abc import Mapping, Sequence
from typing import Unpack

import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_tensor
from labkit.methods.neurons import crop
from labkit.methods.patches import TopPatches
from labkit.receptive import Box
from labkit.show.drawing import GAP, bare, draw, outline
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.palette import FAINT, HUES
from labkit.show.picture import PhotoPicture, Picture, Texts
from labkit.show.plots import grid


@in_usual_look
def patch_rows(top: TopPatches, *, names: Sequence[str] = (), **texts: Unpack[Texts]) -> Picture:
    """One row for each channel: its best patches from left to right, what each answered above it.

    A frame is a whole receptive field; what of it lies outside the image is grey.

    names: what to write under the channels' numbers, one for each channel
    """
    frame = (top.boxes[..., 2:] - top.boxes[..., :2]).amax(dim=(0, 1)).tolist()
    rows: dict[str, list[Tensor]] = {}
    for number, (channel, patches, boxes) in enumerate(
        zip(top.channels.tolist(), top.patches, top.boxes.tolist(), strict=True)
    ):
        name = f"{channel}" + (f"\n{names[number]}" if names else "")
        rows[name] = [in_frame(patch, box, frame) for patch, box in zip(patches, boxes, strict=True)]
    values = [f"{value:.{0 if value >= 100 else 1}f}" for value in top.values.flatten().tolist()]
    figure = grid(rows, above=values, **texts)
    for axes in figure.axes:
        axes.set_facecolor(FAINT)
    return figure


def in_frame(patch: Tensor, box: Sequence[int], frame: Sequence[int]) -> Tensor:
    """A patch where it belongs in its whole field: cut at the image's top, it lies at the frame's bottom."""
    (H, W), (h, w) = frame, patch.shape[1:]
    down, right = (H - h if box[0] == 0 else 0), (W - w if box[1] == 0 else 0)
    return F.pad(patch, (right, W - w - right, down, H - h - down), value=GAP)


@in_usual_look
def nested_fields(image: Tensor, boxes: Mapping[str, Box], **texts: Unpack[Texts]) -> Picture:
    """One photo with a box for each layer on it, named in the margin, and what each box holds beside it.

    image: (3, H, W) or (1, 3, H, W);  boxes: layer -> box
    """
    expect_tensor("image", image, "… 3 H W")
    image = image.reshape(image.shape[-3:])
    columns = -(-len(boxes) // 2)
    side = WIDTH / (columns + 2)
    figure = PhotoPicture(WIDTH, 2 * side + 0.5, **texts)
    grid = figure.add_gridspec(2, columns + 2, width_ratios=[1] * (columns + 2))
    whole = figure.add_subplot(grid[:, :2])
    draw(whole, image)
    for number, (layer, box) in enumerate(boxes.items()):
        colour = HUES[number % len(HUES)]
        outline(whole, box, colour=colour)
        axes = figure.add_subplot(grid[number // columns, 2 + number % columns])
        draw(axes, crop(image, box), title=layer)
        axes.title.set(color=colour, weight="bold")
        bare(axes, frame=colour)
    return figure


@in_usual_look
def boxed_row(
    images: Sequence[Tensor],
    captions: Sequence[str],
    boxes: Sequence[Box],
    **texts: Unpack[Texts],
) -> Picture:
    """Images side by side, each with a box on it and lines above it.

    images: (3, H, W) or (1, 3, H, W) each
    """
    figure = grid(images, above=captions, **texts)
    for axes, box in zip(figure.axes, boxes, strict=True):
        outline(axes, box)
    return figure
