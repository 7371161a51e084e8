"""What the student's functions of stage 08 stand in for: attacks, and the projection that they share."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from labkit.checks.stand_in import StandIn
from labkit.methods import adversarial

Function = Callable[..., Any]


def _fgsm(theirs: Function, own: Function) -> Function:
    def fgsm(model: adversarial.Networks, images: Tensor, labels: Tensor, *, epsilon: float) -> Tensor:
        if not isinstance(model, nn.Module):  # theirs knows one network
            return own(model, images, labels, epsilon=epsilon)
        return theirs(model, images, labels, epsilon).detach()

    return fgsm


def _project(theirs: Function, own: Function) -> Function:
    return lambda images, originals, *, epsilon: theirs(images, originals, epsilon).detach()


def _fool(theirs: Function, own: Function) -> Function:
    def fool(
        model: Any,
        image: Tensor,
        target: int | str,
        *,
        steps: int = 40,
        step_size: float = 0.001,
        **more: Any,
    ) -> Any:
        if any(more.values()):  # theirs knows neither confidence nor files
            return own(model, image, target, steps=steps, step_size=step_size, **more)
        wanted = model.index_of(target)
        moved, taken = theirs(model, image, wanted, step_size, steps)
        with torch.no_grad():
            logits = model(moved)[0]
        probability = logits.softmax(0)[wanted].item()
        return adversarial.Fooled(moved.detach(), int(taken), int(logits.argmax()) == wanted, probability)

    return fool


YOURS = (
    StandIn("08.1", "fool", adversarial, "fool", _fool),
    StandIn("08.2", "fgsm", adversarial, "fgsm", _fgsm),
    StandIn("08.3", "project", adversarial, "project", _project),
)
