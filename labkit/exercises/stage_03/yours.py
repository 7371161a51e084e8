"""What the student's functions of stage 03 stand in for: maps recorded, made grey, counted, laid over and compared."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from labkit.checks.stand_in import StandIn
from labkit.images import expect_images
from labkit.methods import activations, evidence
from labkit.models import Classifier

Function = Callable[..., Tensor]
NUMBERS = 20_000_000  # in a batch of maps: more take a loop in Python too long


def _record(theirs: Function, own: Function) -> Function:
    def record(model: nn.Module, images: Tensor, layer: str) -> Tensor:
        expect_images(images)
        return theirs(model, images, f"net.{layer}" if isinstance(model, Classifier) else layer)

    return record


def _to_grey(theirs: Function, own: Function) -> Function:
    def to_grey(maps: Tensor, *, shared: bool = False) -> Tensor:
        return theirs(
            maps.flatten(0, -3) if maps.ndim > 3 else maps.view(-1, *maps.shape[-2:]), shared
        ).view_as(maps)

    return to_grey


def _silence(
    theirs: Callable[..., tuple[Tensor, Tensor]], own: Callable[..., tuple[Tensor, Tensor]]
) -> Callable[..., tuple[Tensor, Tensor]]:
    def silence(maps: Tensor) -> tuple[Tensor, Tensor]:
        if maps.ndim != 4 or maps.numel() > NUMBERS:
            return own(maps)
        silent, never = theirs(maps)
        return silent.float(), never.bool()

    return silence


def _overlay(theirs: Function, own: Function) -> Function:
    def overlay(
        image: Tensor,
        channel: Tensor,
        *,
        colour: tuple[float, float, float] = (1.0, 0.35, 0.0),
        strength: float = 0.75,
    ) -> Tensor:
        laid = theirs(
            image, channel.clamp(min=0), image.new_tensor(colour)
        )  # at full strength, of maps from 0 on
        return torch.lerp(image, laid.to(image), strength)

    return overlay


YOURS = (
    StandIn("03.1", "record_layer", activations, "record", _record),
    StandIn("03.2", "grey_maps", activations, "to_grey", _to_grey),
    StandIn("03.3", "count_silence", activations, "silence", _silence, results=2),
    StandIn("03.4", "lay_over", activations, "overlay", _overlay),
    StandIn("03.5", "selectivity", evidence, "selectivity"),
)
