"""Objectives: what of a network's answer is asked for. They take images and give one score an image.

They add and scale: logit(model, "zebra") + 0.5 * channel(model, "blocks.3", 7). The same objective can be
looked into (its gradient, stage 05) and made large (stages 06 and 07).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.errors import LabError
from labkit.hooks import find_layer, recording
from labkit.models import Classifier, expect_eval

__all__ = ["Objective", "Targets", "channel", "logit", "neuron", "of_maps"]

Targets = int | str | Sequence[int | str] | Tensor


@dataclass(frozen=True)
class Objective:
    """What is asked for.

    score: images (N, 3, H, W) -> (N,), each from its own image
    count: how many images it is meant for; an objective of one goes with any number
    size, device: of images made for it from nothing, in pixels
    """

    score: Callable[[Tensor], Tensor]
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
        return Objective(lambda images: self(images) + other(images), count, self.size, self.device)

    def __mul__(self, weight: float) -> "Objective":
        return Objective(lambda images: weight * self(images), self.count, self.size, self.device)

    def __neg__(self) -> "Objective":
        return -1 * self

    def __sub__(self, other: "Objective") -> "Objective":
        return self + -other

    __rmul__ = __mul__


def logit(model: Classifier, targets: Targets) -> Objective:
    """A category's score before softmax.

    targets: one category for all images, by index or by name, or one for each of them
    Raises:  LabError for an unknown category, and for a network in training mode; when it is called, for another
             number of images
    """
    expect_eval(model)
    chosen = [model.index_of(target) for target in _listed(targets)]

    def score(images: Tensor) -> Tensor:
        logits = model(images)
        columns = torch.tensor(_for_each(chosen, len(images)), device=logits.device)
        return logits.gather(1, columns[:, None])[:, 0]

    return Objective(score, len(chosen), model.input_size, model.mean.device)


def channel(model: Classifier, layer: str, channel: int | Sequence[int]) -> Objective:
    """A channel's mean over its whole map.

    channel: a sequence is one for each image of a batch
    Raises:  LabError as `of_maps`, and when it is called, for a layer without that channel
    """
    channels = _listed(channel)
    return of_maps(
        model, layer, lambda maps: _own(maps, channels, layer).mean(dim=(1, 2)), count=len(channels)
    )


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
    channels = _listed(channel)

    def read(maps: Tensor) -> Tensor:
        place = [
            size // 2 if index is None else index
            for index, size in zip((row, column), maps.shape[2:], strict=True)
        ]
        for name, index, size in zip(("row", "column"), place, maps.shape[2:], strict=True):
            if index not in range(size):
                raise LabError(f"no {name} {index} in {layer!r}; try 0 to {size - 1}")
        return _own(maps, channels, layer)[:, place[0], place[1]]

    return of_maps(model, layer, read, count=len(channels))


def of_maps(model: Classifier, layer: str, read: Callable[[Tensor], Tensor], *, count: int = 1) -> Objective:
    """Whatever can be read off a layer's maps.

    read:   (N, C, h, w) -> (N,)
    count:  of images, as in `Objective`
    Raises: LabError for an unknown layer; when it is called, for one that puts out no maps
    """
    find_layer(model.net, layer)

    def score(images: Tensor) -> Tensor:
        with recording(model.net, layer) as seen:
            model(images)
        return read(seen.maps(layer))

    return Objective(score, count, model.input_size, model.mean.device)


def _own(maps: Tensor, channels: list[int], layer: str) -> Tensor:
    """Each image's own channel: (N, C, h, w) -> (N, h, w)."""
    N, C = maps.shape[:2]
    if bad := [number for number in channels if number not in range(C)]:
        raise LabError(f"no channel {bad[0]} in {layer!r}; try 0 to {C - 1}")
    return maps[range(N), _for_each(channels, N)]


def _listed(given: Targets) -> list:
    """One or several, in whichever way they were given, as a list."""
    plain = given.tolist() if isinstance(given, Tensor) else given
    return [plain] if isinstance(plain, str) or not isinstance(plain, Iterable) else list(plain)


def _for_each(chosen: list[int], count: int) -> list[int]:
    if len(chosen) not in (1, count):
        raise LabError(f"expected one target, or one for each of {count} images, got {len(chosen)}")
    return chosen * count if len(chosen) == 1 else chosen
