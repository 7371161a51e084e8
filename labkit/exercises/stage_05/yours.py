"""What the student's functions of stage 05 stand in for: gradients, the ReLUs' rules, and the measure of doubt."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from labkit.checks.stand_in import StandIn
from labkit.methods import gradients, sanity
from labkit.models import Classifier
from labkit.objectives import Targets
from labkit.relus import rules

Function = Callable[..., Tensor]
PIXELS = 2_500  # a table of each with each then takes 50 MB


def _target_gradient(theirs: Function, own: Function) -> Function:
    def target_gradient(model: Classifier, images: Tensor, targets: Targets) -> Tensor:
        if not isinstance(targets, Tensor):  # theirs knows one index for each image
            return own(model, images, targets)
        return theirs(model, images, targets).detach()

    return target_gradient


def _saliency(theirs: Function, own: Function) -> Function:
    return lambda model, images, targets: theirs(gradients._target_gradient(model, images, targets))


def _guided_backprop(theirs: Function, own: Function) -> Function:
    def guided_backprop(model: Classifier, images: Tensor, targets: Targets) -> Tensor:
        kinds = {type(module) for module in model.modules() if "ReLU" in type(module).__name__}
        if kinds != {nn.ReLU} or not isinstance(targets, int | Tensor):  # theirs hangs hooks on nn.ReLU alone
            return own(model, images, targets)
        wanted = [targets] * len(images) if isinstance(targets, int) else targets.tolist()
        return torch.cat(
            [theirs(model, image, k).detach() for image, k in zip(images.split(1), wanted, strict=True)]
        )

    return guided_backprop


def _handed_down(theirs: Function, own: Function) -> Function:
    def handed_down(grad: Tensor, kept: Tensor, rule: str) -> Tensor:
        x = torch.where(kept > 0, 1.0, -1.0).to(grad)  # of the input the rules ask the sign alone
        return theirs(grad, x, rule).to(grad)

    return handed_down


def _rank_correlation(theirs: Function, own: Function) -> Function:
    def rank_correlation(first: Tensor, second: Tensor) -> Tensor:
        if first[0].numel() > PIXELS:  # theirs may compare each pixel with each
            return own(first, second)
        return torch.stack([torch.as_tensor(theirs(a, b)) for a, b in zip(first, second, strict=True)])

    return rank_correlation


YOURS = (
    StandIn("05.1", "logit_gradient", gradients, "_target_gradient", _target_gradient),
    StandIn("05.2", "saliency_map", gradients, "saliency", _saliency),
    StandIn("05.3", "relu_backward", rules, "handed_down", _handed_down),
    StandIn("05.4", "guided_backprop", gradients, "guided_backprop", _guided_backprop),
    StandIn("05.5", "rank_correlation", sanity, "rank_correlation", _rank_correlation),
)
