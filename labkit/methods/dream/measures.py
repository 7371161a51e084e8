"""What a dream makes more of: all that a layer puts out, or what it has in common with a guide."""

from torch import Tensor

from labkit.errors import LabError
from labkit.methods.activations import record
from labkit.models import Classifier
from labkit.objectives import Objective, of_layer


def activation_norm(model: Classifier, layer: str) -> Objective:
    """Half the squared norm of a layer's activations, whose gradient there is the activations themselves.

    Raises: LabError for an unknown layer; when it is called, for a layer without maps
    """
    return of_layer(model, layer, lambda maps: maps.square().sum(dim=(1, 2, 3)) / 2)


def guide_match(model: Classifier, layer: str, guide: Tensor) -> Objective:
    """How well each position's features agree with those of the guide's positions that suit it best.

    Σ over positions of max over the guide's positions of the dot product of their features.

    guide:  (1, 3, H, W) in 0..1, of any size
    Raises: LabError as `activation_norm`, and for more than one guide
    Source: Google's notebook "dream.ipynb" of 2015, which has the idea; the code is ours
    """
    maps = record(model, guide, layer)
    if len(maps) > 1:
        raise LabError(f"expected one guide (1, 3, H, W), got {len(maps)} images; try guide[:1]")
    wanted = maps[0].flatten(1)  # (C, m)
    return of_layer(model, layer, lambda maps: best_match(maps.flatten(2), wanted))


def best_match(features: Tensor, wanted: Tensor) -> Tensor:
    """Σ over n of max over m of the dot products: (N, C, n) and (C, m) -> (N,)."""
    return (features.mT @ wanted).amax(dim=2).sum(dim=1)
