"""Projected steps against the labels as a loop whose parts can be exchanged."""

import torch

from labkit.exercises.stage_08.attacks import into_box, loss_gradient


def pgd(
    *,
    begin=lambda start, images: start,
    at=lambda moved, images, start: moved,
    direction=torch.sign,
    gradient=loss_gradient,
    project=lambda moved, last, images, start, epsilon: into_box(moved, images, epsilon),
    clip=lambda moved: moved.clamp(0, 1),
    finish=lambda moved, images, epsilon: moved,
    size=lambda step_size, epsilon: step_size,
    more=0,
):
    """The function that 08.4 asks for. Each argument is one part of it.

    begin, at: where the path begins, and where each gradient is taken
    direction, gradient, size: slope -> what is stepped along, of what the slope is, and how long a step is
    project, clip, finish: after each step, likewise, and after the last one;  more: steps more than asked for
    """

    def attack(model, images, labels, epsilon, step_size, steps, start):
        moved = begin(start, images)
        for _ in range(steps + more):
            last, slope = moved, gradient(model, at(moved, images, start), labels)
            moved = moved + size(step_size, epsilon) * direction(slope)
            moved = clip(project(moved, last, images, start, epsilon))
        return finish(moved, images, epsilon)

    return attack


def free(moved, last, images, start, epsilon):
    """No projection."""
    return moved


def added_up(model, images, labels, epsilon, step_size, steps, start):
    """A wrong answer: gradients add up, as in .grad where nothing sets it to zero."""
    moved, total = start, torch.zeros_like(start)
    for _ in range(steps):
        total = total + loss_gradient(model, moved, labels)
        moved = into_box(moved + step_size * total.sign(), images, epsilon).clamp(0, 1)
    return moved
