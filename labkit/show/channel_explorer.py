"""What the explorers of stages 03 and 05 share: photo, layer, channel."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from labkit.errors import LabError
from labkit.hooks import recording
from labkit.images import Photos
from labkit.methods.activations import record
from labkit.models import Classifier, expect_classifier
from labkit.show.controls import chooser, wide_slider
from labkit.show.look import in_usual_look
from labkit.show.own_photos import PhotoChoice
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
    photos, choose = PhotoChoice(bank, photo), chooser("layer", layers, layer or layers[-1])
    shapes = {name: tuple(maps.shape[1:]) for name, maps in _maps(model, bank.images[:1], layers).items()}
    count = shapes[choose.value][0]
    if channel not in range(count):
        raise LabError(f"no channel {channel} in {choose.value!r}; try 0 to {count - 1}")
    choose.options = [(f"{name}   {' × '.join(map(str, shape))}", name) for name, shape in shapes.items()]
    choose.value = layer or layers[-1]
    slider = wide_slider("channel", channel, count - 1)

    def jump(change: dict) -> None:
        image = photos[photos.dropdown.value]
        _set(slider, loudest_channel(model, image, change["new"]), shapes[change["new"]][0] - 1)

    choose.observe(jump, names="value")

    def show(photo: str, layer: str, channel: int) -> Picture:
        return draw(model, photos[photo], layer, channel, name=photo)

    found = Explorer(
        show, {"photo": photos.dropdown, "layer": choose, "channel": slider}, more=[photos.upload]
    )
    photos.say = found.say
    return found


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


def _maps(model: Classifier, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    with torch.no_grad(), recording(model.net, *layers) as seen:
        model(image)
    return {name: seen.maps(name) for name in layers}
