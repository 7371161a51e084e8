"""The explorer of stage 04: the patches of a channel, page after page, and where it fires in a photo."""

from collections.abc import Sequence

import ipywidgets
from torch import Tensor

from labkit.arguments import expect_whole
from labkit.errors import LabError
from labkit.images import Photos
from labkit.methods.activations import record
from labkit.methods.neurons import loudest
from labkit.methods.patches import TopPatches
from labkit.models import Classifier
from labkit.receptive import Box, receptive_field
from labkit.show.controls import WIDE, wide_slider
from labkit.show.drawing import bare, draw, outline
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.own_photos import PhotoChoice, expect_photo, photo_explorer
from labkit.show.palette import BLUE, FAINT
from labkit.show.patches import in_frame
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.widgets import Explorer

PAGE = 10


@in_usual_look
def page_of_patches(
    model: Classifier,
    layer: str,
    top: TopPatches,
    image: Tensor,
    channel: int,
    *,
    page: int = 1,
    name: str = "the photo",
) -> Picture:
    """Ten patches of one channel, and beside them a photo with a box around what its loudest unit sees there.

    top:   the best patches of one channel or more;  page: 1 shows the best ten, 2 the next
    image: (1, 3, H, W) in 0..1
    Raises: LabError for a channel that has no patches here, or a page that it has not
    """
    row = _row(top, channel)
    count = len(top.patches[row])
    begin = (expect_whole("page", page, 1, -(-count // PAGE)) - 1) * PAGE
    patches, values = _framed(top, row)[begin : begin + PAGE], top.values[row, begin : begin + PAGE].tolist()
    here, box = _loudest_here(model, layer, expect_photo(image), channel)
    figure = PhotoPicture(
        *(WIDTH, 5 / 7 * WIDTH + 0.4),
        title=f"{layer}, channel {channel}: its patches {begin + 1} to {begin + len(patches)} of {count}",
        caption=f"Above each patch the channel's answer, {min(values):.1f} at the least. Where the border cuts it, it "
        f"is grey. {name}: its largest answer is {here:.1f}, and the box is all that this unit sees.",
    )
    _fill(figure, patches, values, image, name)
    outline(figure.axes[-1], box, colour=BLUE)
    return figure


def _loudest_here(model: Classifier, layer: str, image: Tensor, channel: int) -> tuple[float, Box]:
    """A channel's largest answer in a photo, and what the unit sees that gives it."""
    maps = record(model, image, layer)
    *_, y, x = loudest(maps, channel)
    box = receptive_field(model.net, layer, (image.shape[2], image.shape[3])).box(y, x)
    return maps[0, channel, y, x].item(), box


def _row(top: TopPatches, channel: int) -> int:
    """Where a channel stands among those that have patches."""
    known, channel = top.channels.tolist(), expect_whole("channel", channel, 0)
    if channel not in known:
        raise LabError(f"no patches of channel {channel} here; try one of {known[:9]}")
    return int(known.index(channel))


def _framed(top: TopPatches, row: int) -> list[Tensor]:
    """A channel's patches, each in a frame as large as the largest."""
    frame = (top.boxes[row, :, 2:] - top.boxes[row, :, :2]).amax(dim=0).tolist()
    return [in_frame(*one, frame) for one in zip(top.patches[row], top.boxes[row].tolist(), strict=True)]


def _fill(figure: Picture, patches: Sequence[Tensor], values: list[float], image: Tensor, name: str) -> None:
    """Five rows of patches on the left, the photo on the right."""
    cells = figure.add_gridspec(5, 7)
    for place, (patch, value) in enumerate(zip(patches, values, strict=True)):
        axes = figure.add_subplot(cells[place // 2, place % 2])
        draw(axes, patch, title=f"{value:.1f}")
        axes.set_facecolor(FAINT)
    photo = figure.add_subplot(cells[:, 2:])
    draw(photo, image, title=name)
    bare(photo)


@in_usual_look
def explore(
    model: Classifier,
    layer: str,
    top: TopPatches,
    bank: Photos,
    *,
    photo: str = "",
    channel: int | None = None,
) -> Explorer:
    """Channel × page × photo: what a channel answers to most, and then less and less; and where, in a photo.

    top:   of the channels to choose from, as many patches of each as there are to be pages of
    bank:  the photos to choose from, beside your own
    photo, channel: shown first; the bank's first photo and the first channel unless named
    Raises: LabError for an unknown photo or channel
    """
    channels = top.channels.tolist()
    channel = channels[_row(top, channels[0] if channel is None else channel)]
    photos, slider = PhotoChoice(bank, photo), _slider(channels, channel)
    pages = wide_slider("page", 1, -(-top.values.shape[1] // PAGE), first=1)

    def show(photo: str, channel: int, page: int) -> Picture:
        return page_of_patches(model, layer, top, photos[photo], channel, page=page, name=photo)

    return photo_explorer(show, photos, channel=slider, page=pages)


def _slider(channels: list[int], channel: int) -> ipywidgets.IntSlider | ipywidgets.SelectionSlider:
    """Over all channels of a layer a number that can be typed, over some of them only these."""
    if channels == [*range(len(channels))]:
        return wide_slider("channel", channel, len(channels) - 1)
    wide = ipywidgets.Layout(**WIDE)
    return ipywidgets.SelectionSlider(options=channels, value=channel, description="channel", layout=wide)
