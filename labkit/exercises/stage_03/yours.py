"""What the student's functions of stage 03 stand in for: maps recorded, made grey, and compared."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from labkit.checks.stand_in import StandIn
from labkit.images import expect_images
from labkit.methods import activations, evidence
from labkit.models import Classifier

Function = Callable[..., Any]
ORANGE, STRENGTH = (1.0, 0.35, 0.0), 0.75  # as activations.overlay has them


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


YOURS = (
    StandIn("03.1", "record_layer", activations, "record", _record),
    StandIn("03.2", "grey_maps", activations, "to_grey", _to_grey),
    StandIn("03.5", "selectivity", evidence, "selectivity"),
)
