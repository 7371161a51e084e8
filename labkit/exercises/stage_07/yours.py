"""What the student's functions of stage 07 stand in for: a dream's gradient, its tiles and octaves, its guide."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from labkit.checks.stand_in import StandIn
from labkit.hooks import recording
from labkit.methods.dream import growth, measures, tiling
from labkit.models import Classifier

Function = Callable[..., Tensor]


def _half_squared_norm(theirs: Function, own: Function) -> Function:
    def half_squared_norm(model: Classifier, images: Tensor, layer: str) -> Tensor:
        """The score, with the gradient that theirs takes; it is read off the same run of the network."""
        if len(images) != 1 or not images.requires_grad:
            return own(model, images, layer)
        photo = images.detach()
        with recording(model.net, layer) as seen:
            gradient = theirs(model, photo, layer).detach()
        score = seen.maps(layer).detach().square().sum(dim=(1, 2, 3)) / 2
        return score + ((images - photo) * gradient).sum(dim=(1, 2, 3))

    return half_squared_norm


class _OctaveBegins(BaseException):
    """Theirs has come to an octave that is not dreamt yet. No Exception, so that theirs does not catch it."""

    def __init__(self, image: Tensor):
        super().__init__()
        self.image = image


def _octave_start(theirs: Function, own: Function) -> Function:
    def octave_start(photo: Tensor, ends: Sequence[Tensor], *, octaves: int, scale: float) -> Tensor:
        """Theirs from its beginning, given what was dreamt already, up to where it asks for more."""
        before = iter(ends)

        def dream_at(image: Tensor) -> Tensor:
            for end in before:
                return end.clone()
            raise _OctaveBegins(image.detach())

        if len(photo) != 1:
            return own(photo, ends, octaves=octaves, scale=scale)
        try:
            theirs(photo, dream_at, octaves, scale)
        except _OctaveBegins as begun:
            return begun.image
        raise RuntimeError(f"{octaves} octaves asked for, and no octave {len(ends) + 1} dreamt")

    return octave_start


def _in_tiles(theirs: Function, own: Function) -> Function:
    def in_tiles(gradient_of: Function, images: Tensor, *, tile: int, margin: int) -> Tensor:
        sides = {side: tiling.tile_side(side, tile) for side in images.shape[2:]}
        step = max((own_step for side, own_step in sides.items() if side > tile), default=tile)
        alike = all(side <= step or own_step == step for side, own_step in sides.items())
        if len(images) != 1 or not alike:  # theirs knows one image, and tiles as high as wide
            return own(gradient_of, images, tile=tile, margin=margin)
        return theirs(gradient_of, images, step, margin)

    return in_tiles


def _best_match(theirs: Function, own: Function) -> Function:
    return lambda maps, guide: torch.stack([theirs(one, guide) for one in maps])


YOURS = (
    StandIn("07.1", "dream_gradient", measures, "half_squared_norm", _half_squared_norm),
    StandIn("07.2", "dream_in_octaves", growth, "octave_start", _octave_start),
    StandIn("07.3", "tiled_gradient", tiling, "in_tiles", _in_tiles),
    StandIn("07.4", "guided_score", measures, "best_match", _best_match),
)
