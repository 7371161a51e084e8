"""The way back: from scores to how fast they move with the images."""

import torch
from torch import Tensor

from labkit.errors import LabError


def gradient_of(scores: Tensor, images: Tensor) -> Tensor:
    """The gradient of all scores' sum with respect to the images.

    scores: of any shape, computed from the images where gradients were on
    Raises: LabError for scores that do not depend on the images, and for a network whose checkpointed parts (those
            that are computed once more on the way back) give no gradient
    """
    try:
        found = (
            torch.autograd.grad(scores.sum(), images, allow_unused=True) if scores.requires_grad else [None]
        )
    except RuntimeError as error:
        if "use_reentrant" not in str(error):
            raise
        raise LabError(
            "expected a network that gives gradients, got one checkpointed with use_reentrant=True; "
            "try use_reentrant=False, or the network without checkpointing"
        ) from error
    if found[0] is None:
        raise LabError(
            "expected scores that depend on the images, got none; try without detach or argmax, and without "
            "use_reentrant=True in checkpointing"
        )
    return found[0]
