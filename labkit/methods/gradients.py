"""Gradients with respect to pixels: of a neuron, of a logit, plain or by another rule for the ReLUs.

A score's gradient says how fast the score moves with each pixel. Deconvnet and guided backprop are the same
backward pass with another rule at every ReLU: clearer pictures, which no longer are gradients.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from labkit.backward import gradient_of
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.models import Classifier
from labkit.objectives import Targets, logit, neuron
from labkit.relus import RULES, expect_reached, relu_rule

__all__ = [
    "RULES",
    "deconvnet",
    "guided_backprop",
    "input_gradient",
    "neuron",
    "relu_rule",
    "saliency",
]


@in_usual_numbers
def input_gradient(objective: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
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
            want = f"one score per image, ({len(images)},), or a scalar"
            raise LabError(f"expected {want}, got {got}; try lambda images: model(images)[:, 105]")
        return gradient_of(scores, leaf)


@in_usual_numbers
def saliency(model: Classifier, images: Tensor, targets: Targets) -> Tensor:
    """How much each pixel moves a logit, up or down: the largest over the colours.

    images:  (N, 3, H, W) in 0..1
    targets: one category for all images, by index or by name, or one for each of them
    Returns: (N, H, W), none negative
    Raises:  LabError for bad images or targets, and for a network in training mode
    Source:  Simonyan et al. 2014, arXiv:1312.6034, section 3.1
    """
    return _target_gradient(model, images, targets).abs().amax(dim=1)


@in_usual_numbers
def guided_backprop(model: Classifier, images: Tensor, targets: Targets) -> Tensor:
    """A logit's gradient along positive paths through open ReLUs. Arguments as for `saliency`.

    Returns: (N, 3, H, W)
    Raises:  LabError as `saliency`, and where no ReLU is seen, so that the rule would change nothing; a warning says
             of how many other nonlinearities it is true
    Source:  Springenberg et al. 2015, arXiv:1412.6806
    """
    return _by_rule("guided", model, images, targets)


@in_usual_numbers
def deconvnet(model: Classifier, images: Tensor, targets: Targets) -> Tensor:
    """A logit's gradient along positive paths, through ReLUs open or not. All else as `guided_backprop`.

    Without max pooling in the network nothing of the photo is left in it: every photo has the same map.

    Source: Zeiler & Fergus 2014, arXiv:1311.2901
    """
    return _by_rule("deconvnet", model, images, targets)


def _by_rule(rule: str, model: Classifier, images: Tensor, targets: Targets) -> Tensor:
    with relu_rule(rule) as relus:
        gradient = _target_gradient(model, images, targets)
    expect_reached(relus, rule)
    return gradient


def _target_gradient(model: Classifier, images: Tensor, targets: Targets) -> Tensor:
    expect_images(images)
    return input_gradient(logit(model, targets), images)
