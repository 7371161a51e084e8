"""What the explorers of stages 03 and 05 share: photo, layer, channel."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from labkit.errors import LabError
from labkit.hooks import recording
from labkit.images import Photos
from labkit.methods.activations import record
from labkit.models import Classifier, expect_classifier
from labkit.show.controls import chooser, wide_slider
from labkit.show.look import in_usual_look
from labkit.show.own_photos import PhotoChoice, photo_explorer
from labkit.show.picture import Picture
from labkit.show.widgets import Explorer


@in_usual_look
def channel_explorer(
    draw: Callable[..., Picture],
    model: Classifier,
    bank: Photos,
    layers: Sequence[str],
    *,
    photo: str = "",
    layer: str = "",
    channel: int = 0,
) -> Explorer:
    """Photo × layer × channel. Another layer begins with the channel that the photo moves most.

    draw:   model, photo (1, 3, H, W), layer, channel, name=of the photo -> Picture
    bank:   the photos to choose from, beside your own;  layers: names in model.net.named_modules(), each with maps
    photo, layer, channel: shown first; the bank's first photo and the last layer unless named
    Raises: LabError for an unknown layer, photo or channel
    """
    photos, shapes = PhotoChoice(bank, photo), _shapes(model, bank.images[:1], layers)
    choose = _layer_chooser(shapes, layer or layers[-1])
    slider = _slider(channel, shapes[choose.value][0], choose.value)

    def jump(change: dict[str, Any]) -> None:
        loudest = loudest_channel(model, photos[photos.dropdown.value], change["new"])
        _set(slider, loudest, shapes[change["new"]][0] - 1)

    def show(photo: str, layer: str, channel: int) -> Picture:
        return draw(model, photos[photo], layer, channel, name=photo)

    choose.observe(jump, names="value")
    return photo_explorer(show, photos, layer=choose, channel=slider)


def _layer_chooser(shapes: dict[str, tuple[int, ...]], first: str) -> ipywidgets.Dropdown:
    """A dropdown of layers, each with its maps' shape."""
    choose = chooser("layer", list(shapes), first)
    choose.options = [(f"{name}   {' × '.join(map(str, shape))}", name) for name, shape in shapes.items()]
    choose.value = first
    return choose


def _slider(channel: int, count: int, layer: str) -> ipywidgets.IntSlider:
    if channel not in range(count):
        raise LabError(f"no channel {channel} in {layer!r}; try 0 to {count - 1}")
    return wide_slider("channel", channel, count - 1)


@in_usual_look
def loudest_channel(model: Classifier, image: Tensor, layer: str) -> int:
    """The channel of a layer with the largest value anywhere in a photo, (1, 3, H, W)."""
    expect_classifier(model)
    return int(record(model, image, layer)[0].amax(dim=(1, 2)).argmax())


def _set(slider: Any, value: int, last: int) -> None:
    """Set a slider's end and value, in the order in which it moves once."""
    for name, new in (
        [("value", value), ("max", last)] if value <= slider.max else [("max", last), ("value", value)]
    ):
        slider.set_trait(name, new)


def _shapes(model: Classifier, image: Tensor, layers: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Layer -> (C, h, w)."""
    with torch.no_grad(), recording(model.net, *layers) as seen:
        model(image)
    return {name: tuple(seen.maps(name).shape[1:]) for name in layers}
