"""Does a map say anything about the network? Controls and a measure for maps of pixels.

A map that stays the same when the weights are shuffled, or that an edge detector draws as well, explains
the photo and not the network (Adebayo et al. 2018, arXiv:1810.03292).
"""

from collections.abc import Sequence
from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.arguments import expect_alike, expect_tensor, expect_whole, seeded
from labkit.hooks import expect_layers, find_layer
from labkit.kernel import in_usual_numbers
from labkit.models import Classifier, expect_classifier


def rank_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Spearman's rank correlation of two maps: 1 the same order, -1 the reverse, 0 unrelated.

    first, second: (N, …) alike in shape; equal values share the mean of their ranks
    Returns: (N,), NaN where a map is flat
    """
    expect_alike("first", first, "second", second, "N n …", of="numbers")
    pairs = [
        torch.stack([_ranks(a), _ranks(b)]) for a, b in zip(first.flatten(1), second.flatten(1), strict=True)
    ]
    return torch.stack([torch.corrcoef(pair)[0, 1] for pair in pairs])


def _ranks(values: Tensor) -> Tensor:
    _, place, counts = values.unique(return_inverse=True, return_counts=True)
    ranks: Tensor = (counts.cumsum(0) - (counts - 1) / 2).double()[place]
    return ranks


@in_usual_numbers
def edges(images: Tensor) -> Tensor:
    """How steep each pixel is, by Sobel's filter: a map that knows no network.

    images: (N, 3, H, W);  Returns: (N, H, W), the largest over the colours, zero along the border
    """
    expect_tensor("images", images, "N 3 H W")
    expect_whole("the smaller side of images", min(images.shape[2:]), 3)
    smooth, slope = images.new_tensor([1, 2, 1]), images.new_tensor([-1, 0, 1])
    across = (smooth[:, None] * slope).expand(3, 1, 3, 3)
    dx, dy = (F.conv2d(images, kernel, groups=3) for kernel in (across, across.mT))
    return F.pad(torch.hypot(dx, dy).amax(dim=1), (1, 1, 1, 1))


def down_to(net: nn.Module, layer: str) -> list[str]:
    """All convolutions and linear maps from the output down to a layer, those inside it included.

    Raises: LabError for an unknown layer
    """
    inside = find_layer(net, layer)
    modules = list(net.named_modules())
    start = next(i for i, (_, module) in enumerate(modules) if module is inside)
    return [name for name, module in modules[start:] if isinstance(module, nn.Conv2d | nn.Linear)]


@in_usual_numbers
def shuffle_weights(model: Classifier, layers: Sequence[str], *, seed: int = 0) -> Classifier:
    """A copy whose convolutions and linear maps in these layers have their weights at random places.

    Shuffled and not redrawn as in Adebayo et al. 2018, so that every layer keeps the sizes of its weights.

    layers: names in model.net, each with all that is inside it
    Raises: LabError for an unknown layer
    """
    expect_classifier(model)
    copy = deepcopy(model)
    generator = seeded(seed)
    for layer in expect_layers(layers):
        for module in find_layer(copy.net, layer).modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                weight = module.weight.data
                order = torch.randperm(weight.numel(), generator=generator).to(weight.device)
                weight.copy_(weight.flatten()[order].reshape(weight.shape))
    return copy
