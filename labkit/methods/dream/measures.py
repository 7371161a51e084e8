"""What a dream makes more of: all that a layer puts out, or what it has in common with a guide."""

from torch import Tensor

from labkit.arguments import expect_tensor
from labkit.errors import LabError
from labkit.hooks import find_layer, recording
from labkit.kernel import in_usual_numbers
from labkit.methods.activations import record
from labkit.models import Classifier, expect_classifier
from labkit.objectives import Objective, of_layer


def activation_norm(model: Classifier, layer: str) -> Objective:
    """Half the squared norm of a layer's activations, whose gradient there is the activations themselves.

    Raises: LabError for an unknown layer; when it is called, for a layer without maps
    """
    expect_classifier(model)
    find_layer(model.net, layer)
    return Objective(
        lambda images: half_squared_norm(model, images, layer), 1, model.input_size, model.mean.device
    )


def half_squared_norm(model: Classifier, images: Tensor, layer: str) -> Tensor:
    """Half the sum of a layer's squared activations, of each image: (N, 3, H, W) -> (N,)."""
    with recording(model.net, layer) as seen:
        model(images)
    return seen.maps(layer).square().sum(dim=(1, 2, 3)) / 2


def guide_match(model: Classifier, layer: str, guide: Tensor) -> Objective:
    """How well each position's features agree with those of the guide's positions that suit it best.

    Σ over positions of max over the guide's positions of the dot product of their features.

    guide:  (1, 3, H, W) in 0..1, of any size
    Raises: LabError as `activation_norm`, and for more than one guide
    Source: Google's notebook "dream.ipynb" of 2015, which has the idea; the code is ours
    """
    expect_classifier(model)
    maps = record(model, guide, layer)
    if len(maps) > 1:
        raise LabError(f"expected one guide (1, 3, H, W), got {len(maps)} images; try guide[:1]")
    return of_layer(model, layer, lambda seen: best_match(seen, maps[0]))


@in_usual_numbers
def best_match(maps: Tensor, guide: Tensor) -> Tensor:
    """Σ over positions of max over the guide's of the dot products: (N, C, h, w) and (C, H, W) -> (N,)."""
    C = expect_tensor("maps", maps, "N C h w")["C"]
    expect_tensor("guide", guide, "C H W", of=maps.dtype, C=C)
    return (maps.flatten(2).mT @ guide.flatten(1)).amax(dim=2).sum(dim=1)
