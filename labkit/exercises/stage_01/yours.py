"""What the student's functions of stage 01 stand in for: filters found, learned, and laid out."""

from collections.abc import Callable

from torch import Tensor

from labkit.checks.stand_in import StandIn
from labkit.methods import filters, sheets

Function = Callable[..., Tensor]


def _normalize_contrast(theirs: Function, own: Function) -> Function:
    return lambda patches, *, epsilon=0.01: theirs(patches, epsilon)


def _zca_whiten(theirs: Function, own: Function) -> Function:
    return lambda patches, *, epsilon=0.1: theirs(patches, epsilon)


def _tile(theirs: Function, own: Function) -> Function:
    def tile(images: Tensor, *, columns: int, gap: int = 1, background: float = 0.0) -> Tensor:
        if background:  # theirs knows black alone
            return own(images, columns=columns, gap=gap, background=background)
        return theirs(images, columns, gap)

    return tile


YOURS = (
    StandIn("01.1", "first_layer_filters", filters, "first_convolution"),
    StandIn("01.2", "scale_filters", sheets, "rescale"),
    StandIn("01.3", "tile_filters", sheets, "tile", _tile),
    StandIn("01.4", "normalize_contrast", filters, "normalize_contrast", _normalize_contrast),
    StandIn("01.5", "zca_whiten", filters, "zca_whiten", _zca_whiten),
    StandIn("01.6", "kmeans_round", filters, "kmeans_round"),
)
