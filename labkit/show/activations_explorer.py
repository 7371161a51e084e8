"""The explorer of stage 03: one channel of one layer over one photo, to be chosen with the mouse.

explore(model, bank, layers, photo="cat", channel=3)  # arguments as for channel_explorer
"""

from functools import partial

from torch import Tensor

from labkit.arguments import expect_whole
from labkit.methods import activations
from labkit.models import Classifier
from labkit.show.activations import overlays
from labkit.show.channel_explorer import channel_explorer
from labkit.show.look import in_usual_look
from labkit.show.own_photos import expect_photo
from labkit.show.picture import Picture
from labkit.show.plots import grid


@in_usual_look
def channel_over_photo(
    model: Classifier, image: Tensor, layer: str, channel: int, *, name: str = ""
) -> Picture:
    """A photo, one channel's map of it, and the map laid over it.

    image: (1, 3, H, W) in 0..1
    Raises: LabError for an unknown layer or channel
    """
    maps = activations.record(model, expect_photo(image), layer)  # (1, C, h, w)
    channel = expect_whole("channel", channel, 0, maps.shape[1] - 1)
    (value, *_), ((row, column), *_) = activations.peak_places(maps, channel)
    C, h, w = maps.shape[1:]
    place = f"{'upper' if row < 0.5 else 'lower'} {'left' if column < 0.5 else 'right'}"
    found = f"largest value {value:.2f}, {place}" if value > 0 else "it does not fire"
    fires = (maps[0, channel] > 0).float().mean()
    grey = activations.to_grey(maps[0, channel])
    pictures = {name or "photo": image, "map": grey, "laid over": overlays(image, maps[:, channel])[0]}
    return grid(
        pictures.values(),
        above=pictures,
        title=f"{layer}, channel {channel} of {C}",
        caption=f"{name or 'The photo'}: {found}. It fires at {fires:.0%} of its {h} × {w} positions. "
        "Black is 0 or less, white the map's own largest value.",
    )


explore = partial(channel_explorer, channel_over_photo)
