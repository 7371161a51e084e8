"""What is to be made large: objectives, which take images and give one score an image.

They add and scale: logit(model, "zebra") + 0.5 * channel(model, "blocks.3", 7) - 1e-3 * l2().
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.errors import LabError
from labkit.hooks import find_layer, recording
from labkit.models import Classifier

GREY = 0.5  # the image that is nothing: regularisers pull towards it


@dataclass(frozen=True)
class Objective:
    """What is to be made large.

    score: images (N, 3, H, W) -> (N,), each from its own image
    name:  for captions
    count: how many images it is meant for; an objective of one goes with any number
    size:  of the images, in pixels, where it does not matter
    """

    score: Callable[[Tensor], Tensor]
    name: str = "objective"
    count: int = 1
    size: int = 224
    device: torch.device | str = "cpu"

    def __call__(self, images: Tensor) -> Tensor:
        return self.score(images)

    def __add__(self, other: "Objective") -> "Objective":
        if not isinstance(other, Objective):
            return NotImplemented
        count = max(self.count, other.count)
        if {self.count, other.count} - {1, count}:
            raise LabError(f"cannot add objectives for {self.count} and for {other.count} images")
        return Objective(
            lambda images: self(images) + other(images),
            f"{self.name} + {other.name}",
            count,
            self.size,
            self.device,
        )

    def __mul__(self, weight: float) -> "Objective":
        return Objective(
            lambda images: weight * self(images),
            f"{weight:g} × {self.name}",
            self.count,
            self.size,
            self.device,
        )

    def __neg__(self) -> "Objective":
        return -1 * self

    def __sub__(self, other: "Objective") -> "Objective":
        return self + -other

    __rmul__ = __mul__


def logit(model: Classifier, category: int | str | Sequence[int | str]) -> Objective:
    """A category's score before softmax.

    category: by index or by name; a sequence is one for each image of a batch
    Raises:   LabError for an unknown category
    """
    each = [category] if isinstance(category, int | str) else list(category)
    chosen = [model.index_of(name) for name in each]

    def score(images: Tensor) -> Tensor:
        logits = model(images)
        columns = torch.tensor(_for_each(chosen, len(images)), device=logits.device)
        return logits.gather(1, columns[:, None])[:, 0]

    name = ", ".join(model.categories[index] for index in chosen)
    return Objective(score, name, len(chosen), model.input_size, model.mean.device)


def channel(model: Classifier, layer: str, channel: int | Sequence[int]) -> Objective:
    """A channel's mean over its whole map.

    channel: a sequence is one for each image of a batch
    Raises:  LabError for an unknown layer; when it is called, for one without maps or without that channel
    """
    return _of_maps(model, layer, channel, lambda maps: maps.mean(dim=(1, 2)), f"{layer}, channel {channel}")


def neuron(
    model: Classifier,
    layer: str,
    channel: int | Sequence[int],
    row: int | None = None,
    column: int | None = None,
) -> Objective:
    """One neuron: a channel at a row and a column, those in the middle unless named.

    Raises: LabError as `channel`, and for a row or column that is not there
    """

    def read(maps: Tensor) -> Tensor:
        place = [
            size // 2 if index is None else index
            for index, size in zip((row, column), maps.shape[1:], strict=True)
        ]
        for name, index, size in zip(("row", "column"), place, maps.shape[1:], strict=True):
            if index not in range(size):
                raise LabError(f"no {name} {index} in {layer!r}; try 0 to {size - 1}")
        return maps[:, place[0], place[1]]

    return _of_maps(model, layer, channel, read, f"{layer}, channel {channel}, one neuron")


def _of_maps(
    model: Classifier,
    layer: str,
    channel: int | Sequence[int],
    read: Callable[[Tensor], Tensor],
    name: str,
) -> Objective:
    """An objective that reads each image's own channel: (N, h, w) -> (N,)."""
    find_layer(model.net, layer)
    channels = [channel] if isinstance(channel, int) else list(channel)

    def score(images: Tensor) -> Tensor:
        with recording(model.net, layer) as seen:
            model(images)
        maps = seen.maps(layer)
        if bad := [number for number in channels if number not in range(maps.shape[1])]:
            raise LabError(f"no channel {bad[0]} in {layer!r}; try 0 to {maps.shape[1] - 1}")
        return read(maps[range(len(maps)), _for_each(channels, len(maps))])

    return Objective(score, name, len(channels), model.input_size, model.mean.device)


def _for_each(chosen: list[int], count: int) -> list[int]:
    if len(chosen) not in (1, count):
        raise LabError(f"expected one target, or one for each of {count} images, got {len(chosen)}")
    return chosen * count if len(chosen) == 1 else chosen


def l2() -> Objective:
    """The squared distance from grey, summed over all values; subtract it.

    Source: Simonyan et al. 2014, arXiv:1312.6034, section 2
    """
    return Objective(lambda images: (images - GREY).square().sum(dim=(1, 2, 3)), "squared distance from grey")


def total_variation() -> Objective:
    """The mean absolute step between neighbouring pixels, right and down; subtract it.

    Source: Rudin, Osher & Fatemi 1992; as a regulariser of images from networks, Mahendran & Vedaldi 2015,
            arXiv:1412.0035
    """
    return Objective(
        lambda images: (
            images.diff(dim=2).abs().mean(dim=(1, 2, 3)) + images.diff(dim=3).abs().mean(dim=(1, 2, 3))
        ),
        "total variation",
    )
