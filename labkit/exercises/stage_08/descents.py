"""Projected steps against the labels as a loop whose parts can be exchanged."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.exercises.slopes import gradient_by_autograd
from labkit.exercises.stage_08.attacks import into_box, loss_gradient

Part = Callable[..., Tensor]


def pgd(
    *,
    begin: Part = lambda start, images: start, at: Part = lambda moved, images, start: moved,
    step_from: Part = lambda moved, images, start: moved,
    direction: Part = torch.sign, gradient: Part = loss_gradient,
    project: Part = lambda moved, last, images, start, epsilon: into_box(moved, images, epsilon),
    clip: Part = lambda moved: moved.clamp(0, 1), finish: Part = lambda moved, images, epsilon: moved,
    size: Callable[[float, float, int], float] = lambda step_size, epsilon, steps: step_size,
    count: Callable[[int], int] = lambda steps: steps,
) -> Part:  # fmt: skip
    """The function that 08.4 asks for. Each argument is one part of it.

    begin, at, step_from: where the path begins, where each gradient is taken, and what the step is added to
    direction, gradient, size: slope -> what is stepped along, of what the slope is, and how long a step is
    project, clip, finish: after each step, likewise, and after the last one;  count: how many steps
    """

    def attack(
        model: nn.Module, images: Tensor, labels: Tensor,
        epsilon: float, step_size: float, steps: int, start: Tensor,
    ) -> Tensor:  # fmt: skip
        moved = begin(start, images)
        for _ in range(count(steps)):
            last, slope = moved, gradient(model, at(moved, images, start), labels)
            moved = step_from(moved, images, start) + size(step_size, epsilon, steps) * direction(slope)
            moved = clip(project(moved, last, images, start, epsilon))
        return finish(moved, images, epsilon)

    return attack


def free(moved: Tensor, last: Tensor, images: Tensor, start: Tensor, epsilon: float) -> Tensor:
    """No projection."""
    return moved


def added_up(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    step_size: float,
    steps: int,
    start: Tensor,
) -> Tensor:
    """A wrong answer: gradients add up, as in .grad where nothing sets it to zero."""
    moved, total = start, torch.zeros_like(start)
    for _ in range(steps):
        total = total + loss_gradient(model, moved, labels)
        moved = into_box(moved + step_size * total.sign(), images, epsilon).clamp(0, 1)
    return moved


def of_probabilities(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return gradient_by_autograd(lambda leaf: F.cross_entropy(model(leaf).softmax(dim=1), labels), images)


def of_own_guesses(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        guesses = model(images).argmax(dim=1)
    return loss_gradient(model, images, guesses)


def onto_sphere(moved: Tensor, last: Tensor, images: Tensor, start: Tensor, epsilon: float) -> Tensor:
    change = moved - images
    length: Tensor = change.norm().clamp(min=1e-12)
    return images + epsilon * change / length


def projected_first(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    step_size: float,
    steps: int,
    start: Tensor,
) -> Tensor:
    """A wrong answer: each step is taken after the projection, so the last one is not projected."""
    moved = start
    for _ in range(steps):
        slope = loss_gradient(model, moved, labels)
        moved = into_box(moved, images, epsilon).clamp(0, 1) + step_size * slope.sign()
    return moved
