"""Objectives: what of a network's answer is asked for. They take images and give one score per image.

They add and scale: logit(model, "zebra") + 0.5 * channel(model, "blocks.3", 7). The same objective can be
looked into (its gradient, stage 05) and made large (stages 06 and 07).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from labkit.arguments import expect_tensor, expect_whole, expect_wholes, is_index, shown
from labkit.errors import LabError
from labkit.hooks import find_layer, recording
from labkit.kernel import in_usual_numbers
from labkit.models import Classifier, expect_classifier, expect_eval, logits_of

__all__ = ["Objective", "Targets", "channel", "logit", "neuron", "of_layer"]

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

    @in_usual_numbers
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
    expect_classifier(model)
    expect_eval(model)
    chosen = [model.index_of(target) for target in _listed(targets)]

    def score(images: Tensor) -> Tensor:
        logits = logits_of(model, images)
        columns = torch.tensor(_for_each(chosen, len(images)), device=logits.device)
        return logits.gather(1, columns[:, None])[:, 0]

    return Objective(score, len(chosen), model.input_size, model.mean.device)


def channel(model: Classifier, layer: str | Sequence[str], channel: int | Sequence[int]) -> Objective:
    """A channel's mean over its whole map.

    layer, channel: a sequence is one for each image of a batch
    Raises: LabError for an unknown layer; when it is called, for one without maps or without that channel
    """
    return _of_own_maps(model, layer, channel, torch.mean)


def neuron(
    model: Classifier,
    layer: str | Sequence[str],
    channel: int | Sequence[int],
    row: int | None = None,
    column: int | None = None,
) -> Objective:
    """One neuron: a channel at a row and a column, those in the middle unless named.

    layer, channel: a sequence is one for each image of a batch
    Raises: LabError as `channel`, and for a row or column that is not there
    """

    def at_its_place(map_: Tensor) -> Tensor:
        for name, index, size in zip(("row", "column"), (row, column), map_.shape, strict=True):
            if index is not None and not is_index(index, size):
                raise LabError(f"no {name} {shown(index)} in {layer!r}; try 0 to {size - 1}")
        h, w = map_.shape
        return map_[h // 2 if row is None else int(row), w // 2 if column is None else int(column)]

    return _of_own_maps(model, layer, channel, at_its_place)


def of_layer(model: Classifier, layer: str, read: Callable[[Tensor], Tensor]) -> Objective:
    """Whatever can be read off all maps of a layer.

    read:   (N, C, h, w) -> (N,)
    Raises: LabError for an unknown layer; when it is called, for one that puts out no maps
    """
    expect_classifier(model)
    find_layer(model.net, layer)

    def score(images: Tensor) -> Tensor:
        with recording(model.net, layer) as seen:
            model(images)
        return read(seen.maps(layer))

    return Objective(score, 1, model.input_size, model.mean.device)


def _of_own_maps(
    model: Classifier,
    layer: str | Sequence[str],
    channel: int | Sequence[int],
    read: Callable[[Tensor], Tensor],
) -> Objective:
    """What can be read off each image's own map, out of its own layer: (h, w) -> scalar."""
    expect_classifier(model)
    layers, channels = _listed(layer), expect_wholes("channels", _listed(channel))
    for name in layers:
        find_layer(model.net, name)

    def score(images: Tensor) -> Tensor:
        with recording(model.net, *dict.fromkeys(layers)) as seen:
            model(images)
        N, scores = len(images), []
        expect_whole("the number of images", N, 1)
        for i, (name, number) in enumerate(zip(_for_each(layers, N), _for_each(channels, N), strict=True)):
            maps = seen.maps(name)
            if number not in range(maps.shape[1]):
                raise LabError(f"no channel {number} in {name!r}; try 0 to {maps.shape[1] - 1}")
            scores.append(read(maps[i, number]))
        return torch.stack(scores)

    return Objective(score, max(len(layers), len(channels)), model.input_size, model.mean.device)


def _listed(given: Any) -> list[Any]:
    """One or several, in whichever way they were given, as a list."""
    if isinstance(given, Tensor):
        expect_tensor("targets", given, "…", of="numbers")
    plain = given.tolist() if isinstance(given, Tensor) else given
    return [plain] if isinstance(plain, str) or not isinstance(plain, Iterable) else list(plain)


def _for_each(chosen: list[Any], count: int) -> list[Any]:
    if len(chosen) not in (1, count):
        raise LabError(f"expected one target, or one for each of {count} images, got {len(chosen)}")
    return chosen * count if len(chosen) == 1 else chosen
