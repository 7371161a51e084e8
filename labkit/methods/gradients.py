"""Gradients with respect to pixels: of a neuron, of a logit, plain or by another rule for the ReLUs.

A score's gradient says how fast the score moves with each pixel. Deconvnet and guided backprop are the same
backward pass with another rule at every ReLU: clearer pictures, which no longer are gradients.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from labkit.errors import LabError
from labkit.hooks import find_layer, recording
from labkit.images import expect_images
from labkit.models import Classifier
from labkit.relus import RULES, relu_rule

__all__ = [
    "RULES",
    "deconvnet",
    "guided_backprop",
    "input_gradient",
    "neuron",
    "relu_rule",
    "saliency",
]

Objective = Callable[[Tensor], Tensor]
Targets = int | str | Sequence[int | str] | Tensor


def input_gradient(objective: Objective, images: Tensor) -> Tensor:
    """How fast an objective moves with each pixel.

    objective: images (N, C, H, W) -> scores (N,), each from its own image, or one scalar
    images:    any floats; neither requires_grad nor the caller's no_grad or inference mode matters
    Returns:   like images, detached: each score's gradient with respect to its own image
    Raises:    LabError for other scores, and for scores that do not depend on the images
    """
    if not isinstance(images, Tensor) or not images.is_floating_point():
        raise LabError(f"expected images as floats, got {getattr(images, 'dtype', type(images).__name__)}")
    with torch.inference_mode(False), torch.enable_grad():
        leaf = images.clone().detach().requires_grad_()
        scores = objective(leaf)
        got = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        if got not in ((), (len(images),)):
            want = f"one score an image, ({len(images)},), or a scalar"
            raise LabError(f"expected {want}, got {got}; try lambda images: model(images)[:, 105]")
        used = scores.requires_grad
        gradient = torch.autograd.grad(scores.sum(), leaf, allow_unused=True)[0] if used else None
    if gradient is None:
        raise LabError("expected scores that depend on the images, got none; try without detach or argmax")
    return gradient


def neuron(model: Classifier, layer: str, *, channel: int, row: int, column: int) -> Objective:
    """The objective that is one neuron's output: images -> (N,).

    Raises: LabError for an unknown layer; when it is called, for one that puts out no map, or too small a map
    """
    find_layer(model.net, layer)

    def output(images: Tensor) -> Tensor:
        with recording(model.net, layer) as seen:
            model(images)
        maps = seen.maps(layer)
        place = {"channel": channel, "row": row, "column": column}
        for (name, index), size in zip(place.items(), maps.shape[1:], strict=True):
            if index not in range(size):
                raise LabError(f"no {name} {index} in {layer!r}; try 0 to {size - 1}")
        return maps[:, channel, row, column]

    return output


def saliency(model: Classifier, images: Tensor, targets: Targets) -> Tensor:
    """How much each pixel moves a logit, up or down: the largest over the colours.

    images:  (N, 3, H, W) in 0..1
    targets: one category for all images, by index or by name, or one for each of them
    Returns: (N, H, W), none negative
    Raises:  LabError for bad images or targets, and for a network in training mode
    Source:  Simonyan et al. 2014, arXiv:1312.6034, section 3.1
    """
    return input_gradient(_logit(model, images, targets), images).abs().amax(dim=1)


def guided_backprop(model: Classifier, images: Tensor, targets: Targets) -> Tensor:
    """A logit's gradient along positive paths through open ReLUs. Arguments as for `saliency`.

    Returns: (N, 3, H, W)
    Raises:  LabError as `saliency`, and where no ReLU is seen, so that the rule would change nothing
    Source:  Springenberg et al. 2014, arXiv:1412.6806
    """
    return _by_rule("guided", model, images, targets)


def deconvnet(model: Classifier, images: Tensor, targets: Targets) -> Tensor:
    """A logit's gradient along positive paths, through ReLUs open or not. All else as `guided_backprop`.

    Without max pooling in the network nothing of the photo is left in it: every photo has the same map.

    Source: Zeiler & Fergus 2013, arXiv:1311.2901
    """
    return _by_rule("deconvnet", model, images, targets)


def _by_rule(rule: str, model: Classifier, images: Tensor, targets: Targets) -> Tensor:
    with relu_rule(rule) as relus:
        gradient = input_gradient(_logit(model, images, targets), images)
    if not relus.count:
        raise LabError(f"expected ReLUs for the {rule} rule, saw none in this network; try saliency")
    return gradient


def _logit(model: Classifier, images: Tensor, targets: Targets) -> Objective:
    """The objective that is the target's logit, one an image."""
    expect_images(images)
    if model.training:
        raise LabError("expected a network in eval mode, got one in training mode; try model.eval()")

    def logit(images: Tensor) -> Tensor:
        logits = model(images)
        if not isinstance(logits, Tensor) or logits.ndim != 2:
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise LabError(f"expected logits (N, categories), got {got}; try input_gradient, with a score")
        chosen = _indices(model, targets, *logits.shape)
        return logits.gather(1, chosen.to(logits.device)[:, None])[:, 0]

    return logit


def _indices(model: Classifier, targets: Targets, count: int, categories: int) -> Tensor:
    """(count,) int64 from any way to name targets."""
    if isinstance(targets, Tensor):
        targets = targets.tolist()
    each = [targets] * count if isinstance(targets, int | float | str) else targets
    chosen = [model.index_of(target) if isinstance(target, str) else target for target in each]
    if len(chosen) != count:
        raise LabError(f"expected one target, or one for each of {count} images, got {len(chosen)}")
    if bad := [target for target in chosen if target not in range(categories)]:
        raise LabError(f"expected targets in 0..{categories - 1}, got {bad[0]}; try model.index_of('koala')")
    return torch.tensor(chosen, dtype=torch.int64)
