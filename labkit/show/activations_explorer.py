"""The explorer of stage 03: one channel of one layer over one photo, to be chosen with the mouse."""

from collections.abc import Sequence

import ipywidgets
from torch import Tensor

from labkit.errors import LabError
from labkit.images import Photos
from labkit.methods import activations
from labkit.models import Classifier
from labkit.show.activations import overlays
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import WIDTH, draw
from labkit.show.widgets import Explorer, chooser, explorer


def channel_over_photo(
    model: Classifier, image: Tensor, layer: str, channel: int, *, name: str = ""
) -> Picture:
    """A photo, one channel's map of it, and the map laid over it.

    image: (1, 3, H, W) in 0..1
    Raises: LabError for an unknown layer or channel
    """
    maps = activations.record(model, image, layer)  # (1, C, h, w)
    (value, *_), ((row, column), *_) = activations.peak_places(maps, channel)
    C, h, w = maps.shape[1:]
    place = f"{'upper' if row < 0.5 else 'lower'} {'left' if column < 0.5 else 'right'}"
    found = f"largest value {value:.2f}, {place}" if value > 0 else "it does not fire"
    fires = (maps[0, channel] > 0).float().mean()
    figure = PhotoPicture(
        WIDTH,
        3.3,
        title=f"{layer}, channel {channel} of {C}",
        caption=f"{name or 'The photo'}: {found}. It fires at {fires:.0%} of its {h} × {w} positions. "
        "Black is 0 or less, white the map's own largest value.",
    )
    grey = activations.to_grey(maps[0, channel])
    pictures = {name or "photo": image[0], "map": grey, "laid over": overlays(image, maps[:, channel])[0]}
    for axes, (line, picture) in zip(figure.subplots(1, 3), pictures.items(), strict=True):
        draw(axes, picture, title=line)
    return figure


def explore(
    model: Classifier, bank: Photos, layers: Sequence[str], *, photo: str = "", channel: int = 0
) -> Explorer:
    """Photo × layer × channel, with the map laid over the photo. The last layer is shown first.

    bank:   the photos to choose from;  layers: names in model.net.named_modules()
    photo:  shown first, the bank's first photo unless named;  channel: likewise
    Raises: LabError for an unknown layer, photo or channel
    """
    photos = chooser("photo", bank.names, photo)
    shapes = {layer: activations.record(model, bank[photos.value], layer).shape for layer in layers}

    def show(photo: str, layer: str, channel: int) -> Picture:
        return channel_over_photo(model, bank[photo], layer, channel, name=photo)

    if not 0 <= channel < shapes[layers[-1]][1]:
        raise LabError(f"no channel {channel}; {layers[-1]} has {shapes[layers[-1]][1]}, counted from 0")
    choose = ipywidgets.Dropdown(
        options=[(f"{name}   {' × '.join(map(str, shape[1:]))}", name) for name, shape in shapes.items()],
        value=layers[-1],
        description="layer",
    )
    slider = ipywidgets.IntSlider(channel, max=shapes[layers[-1]][1] - 1, description="channel")
    choose.observe(lambda change: slider.set_trait("max", shapes[change.new][1] - 1), names="value")
    return explorer(show, photo=photos, layer=choose, channel=slider)
