"""What the student's functions of stage 08 stand in for: attacks, and the projection that they share."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from labkit.checks.stand_in import StandIn
from labkit.methods import adversarial

Function = Callable[..., Tensor]


def _fgsm(theirs: Function, own: Function) -> Function:
    def fgsm(model: adversarial.Networks, images: Tensor, labels: Tensor, *, epsilon: float) -> Tensor:
        if not isinstance(model, nn.Module):  # theirs knows one network
            return own(model, images, labels, epsilon=epsilon)
        return theirs(model, images, labels, epsilon).detach()

    return fgsm


def _project(theirs: Function, own: Function) -> Function:
    return lambda images, originals, *, epsilon: theirs(images, originals, epsilon).detach()


def _fool(
    theirs: Callable[..., Any], own: Callable[..., adversarial.Fooled]
) -> Callable[..., adversarial.Fooled]:
    def fool(
        model: Any,
        image: Tensor,
        target: int | str,
        *,
        steps: int = 40,
        step_size: float = 0.001,
        **more: Any,
    ) -> adversarial.Fooled:
        if any(more.values()):  # theirs knows neither confidence nor files
            return own(model, image, target, steps=steps, step_size=step_size, **more)
        wanted = model.index_of(target)
        moved, taken = theirs(model, image, wanted, step_size, steps)
        with torch.no_grad():
            logits = model(moved)[0]
        probability = logits.softmax(0)[wanted].item()
        return adversarial.Fooled(moved.detach(), int(taken), int(logits.argmax()) == wanted, probability)

    return fool


def _pgd(theirs: Function, own: Function) -> Function:
    def pgd(
        model: adversarial.Networks,
        images: Tensor,
        labels: Tensor,
        *,
        epsilon: float,
        steps: int = 10,
        step_size: float | None = None,
        targeted: bool = False,
        seed: int | None = 0,
    ) -> Tensor:
        if targeted or not isinstance(model, nn.Module):  # theirs goes against the labels, of one network
            more = {"steps": steps, "step_size": step_size, "targeted": targeted, "seed": seed}
            return own(model, images, labels, epsilon=epsilon, **more)
        length = 2.5 * epsilon / steps if step_size is None else step_size
        start = adversarial.random_start(images, epsilon, seed)
        return theirs(model, images, labels, epsilon, length, steps, start).detach()

    return pgd


class _Passes:
    """How often a gradient has come back from a network, and whether nothing was asked of it since."""

    def __init__(self) -> None:
        self.back, self.is_last = 0, False

    def forward(self, _model: nn.Module, _inputs: object, logits: Tensor) -> None:
        self.is_last = False
        if logits.requires_grad:
            logits.register_hook(self._came_back)

    def _came_back(self, _gradient: Tensor) -> None:
        self.back, self.is_last = self.back + 1, True


def _fool_by_file(theirs: Function, own: Function) -> Function:
    def fool(
        model: Any,
        image: Tensor,
        target: int | str,
        *,
        steps: int = 40,
        step_size: float = 0.001,
        confidence: float = 0.0,
        eight_bit: bool = False,
    ) -> Any:
        if not eight_bit or confidence:  # theirs plans for a file, and stops at the first success
            more = {"confidence": confidence, "eight_bit": eight_bit}
            return own(model, image, target, steps=steps, step_size=step_size, **more)
        wanted, passes = model.index_of(target), _Passes()
        hook = model.register_forward_hook(passes.forward)
        try:
            shown = theirs(model, image, wanted, step_size, steps).detach()
        finally:
            hook.remove()
        with torch.no_grad():
            logits = model(shown)[0]
        succeeded = int(logits.argmax()) == wanted
        taken = passes.back - (passes.is_last and succeeded)  # of a last gradient nothing came
        return adversarial.Fooled(shown, min(taken, steps), succeeded, logits.softmax(0)[wanted].item())

    return fool


YOURS = (
    StandIn("08.1", "fool", adversarial, "fool", _fool, results=2),
    StandIn("08.2", "fgsm", adversarial, "fgsm", _fgsm),
    StandIn("08.3", "project", adversarial, "project", _project),
    StandIn("08.4", "pgd", adversarial, "pgd", _pgd),
    StandIn("08.5", "fool_by_file", adversarial, "fool", _fool_by_file),
)
