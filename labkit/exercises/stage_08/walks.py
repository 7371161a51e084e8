"""Steps along a logit's gradient until the network is fooled, as they stand and as they go wrong.

Two exercises walk: 08.1 with the image as it is, 08.5 with the image as a file holds it.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.checks.exercise import Mistake
from labkit.exercises.stage_08.files import rounded

Part = Callable[..., Tensor]
Attack = Callable[..., Any]  # (model, image, target, step_size, steps) -> what the exercise asks for


def unit(gradient: Tensor) -> Tensor:
    return gradient / gradient.square().mean().sqrt()


def target_logit(logits: Tensor, target: int) -> Tensor:
    return logits[0, target]


def slope(model: nn.Module, at: Tensor, target: int, score: Part = target_logit) -> Tensor:
    leaf = at.clone().requires_grad_()
    return torch.autograd.grad(score(model(leaf), target), leaf)[0]


def is_fooled(model: nn.Module, image: Tensor, target: int) -> bool:
    with torch.no_grad():
        return int(model(image).argmax()) == target


def walk(
    *,
    direction: Part = unit,
    score: Part = target_logit,
    at: Part = lambda image, start: image,
    looks: Callable[[int], bool] = lambda taken: True,
    more: int = 0,
    clip: Part = lambda image: image.clamp(0, 1),
    give: Callable[..., Any] = lambda image, start, taken: (image, taken),
) -> Attack:
    """The function that 08.1 asks for. Each argument is one part of it.

    direction, score: gradient -> what is multiplied by step_size, and of what the gradient is taken
    at:    where the gradient is taken;  looks: (steps taken) -> whether it looks before the next
    more:  how many steps more than asked for;  clip: after each step;  give: what is returned
    """

    def attack(model: nn.Module, image: Tensor, target: int, step_size: float, steps: int) -> Any:
        start, taken = image, 0
        while taken < steps + more:
            if looks(taken) and is_fooled(model, image, target):
                break
            image = clip(image + step_size * direction(slope(model, at(image, start), target, score)))
            taken += 1
        return give(image, start, taken)

    return attack


def added_up(
    model: nn.Module, image: Tensor, target: int, step_size: float, steps: int
) -> tuple[Tensor, int]:
    """A wrong answer: gradients add up, as in .grad where nothing sets it to zero."""
    taken, total = 0, torch.zeros_like(image)
    while taken < steps and not is_fooled(model, image, target):
        total = total + slope(model, image, target)
        image = (image + step_size * unit(total)).clamp(0, 1)
        taken += 1
    return image, taken


def filed(
    *,
    direction: Part = unit,
    score: Part = target_logit,
    at: Part = lambda moved, shown, start: shown,
    show: Part = rounded,
    keep: Part = lambda moved: moved,
    give: Part = lambda moved, shown: shown,
    looks: Callable[[int], bool] = lambda taken: True,
    more: int = 0,
    clip: Part = lambda image: image.clamp(0, 1),
) -> Attack:
    """The function that 08.5 asks for, likewise. show: moved -> what is looked at;  keep: -> what goes on."""

    def attack(model: nn.Module, image: Tensor, target: int, step_size: float, steps: int) -> Tensor:
        moved = image
        for taken in range(steps + more):
            shown = show(moved)
            if looks(taken) and is_fooled(model, shown, target):
                break
            gradient = slope(model, at(moved, shown, image), target, score)
            moved = clip(keep(moved) + step_size * direction(gradient))
        return give(moved, show(moved))

    return attack


_STEPS: dict[
    str, tuple[str, dict[str, Callable[..., Any]]]
] = {  # a mistake -> its lesson, and its part of a walk
    "not normalised": (
        "you step along the gradient as it is, and its size means nothing here. Divide it by the root of "
        "its mean square, so that every step has the same size.",
        {"direction": lambda g: g},
    ),
    "divided by its length": (
        "you divide by the gradient's length, gradient.norm(), so the step is as many times too small as "
        "the root of the number of values. Divide by the root *mean* square.",
        {"direction": lambda g: g / g.norm()},
    ),
    "mean of absolute values": (
        "you divide by the mean of the absolute values, as in stage 06. Here the step is measured by its root "
        "mean square: gradient.square().mean().sqrt().",
        {"direction": lambda g: g / g.abs().mean()},
    ),
    "divided by its largest value": (
        "you divide by the gradient's largest value, so the step is too small. "
        "Divide by gradient.square().mean().sqrt().",
        {"direction": lambda g: g / g.abs().amax()},
    ),
    "root forgotten": (
        "you divide by the mean square, without its root: gradient.square().mean().sqrt().",
        {"direction": lambda g: g / g.square().mean()},
    ),
    "sign of the gradient": (
        "you step along the sign, as FGSM does, so pixels that hardly matter change as much as those that do. "
        "Here the gradient itself is the direction.",
        {"direction": torch.sign},
    ),
    "downhill": (
        "you lower the target's logit: it goes away from the target. Add the step.",
        {"direction": lambda g: -unit(g)},
    ),
    "softmax first": (
        "you raise the target's probability (or its logarithm, or lower its loss: the direction is the same). That "
        "also pushes the others down. Raise the logit alone, before softmax.",
        {"score": lambda logits, target: logits.softmax(1)[0, target]},
    ),
    "the loss raised": (
        "you raise the loss of the target, which leads away from it. Raise the target's logit.",
        {"score": lambda logits, target: F.cross_entropy(logits, torch.tensor([target]))},
    ),
    "all logits": (
        "you raise the sum of all logits. Raise the target's alone: model(leaf)[0, target].",
        {"score": lambda logits, target: logits.sum()},
    ),
}


def step_mistakes(walking: Callable[..., Attack]) -> tuple[Mistake, ...]:
    """What can be wrong with a step, whichever of the two functions walks."""
    return tuple(Mistake(name, lesson, walking(**parts)) for name, (lesson, parts) in _STEPS.items())
