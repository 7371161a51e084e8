"""Gradient ascent as a loop whose parts can be exchanged: right as it stands, and wrong in many ways."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from labkit.checks.exercise import Mistake
from labkit.exercises.slopes import Score, gradient_by_autograd
from labkit.methods.ascent import GREY

Part = Callable[..., Tensor]


def unit(gradient: Tensor) -> Tensor:
    return gradient / gradient.abs().mean().clamp(min=1e-12)


def loop(
    *,
    counted: Callable[[int], Iterable[int]] = lambda steps: range(1, steps + 1), direction: Part = unit,
    is_regularised: Callable[..., bool] = lambda step, steps, every: step % every == 0,
    begin: Part = lambda start: start, follow: Part = lambda image, start: image,
    order: str = "step regularise clamp", finish: Part = lambda image, regularise, steps, every: image,
) -> Callable[..., Tensor]:  # fmt: skip
    """The function that 06.5 asks for, of its parts.

    counted:        steps -> the numbers of the steps
    is_regularised: (step, steps, every) -> whether this one is
    direction:      gradient -> what is multiplied by the rate
    begin, follow:  where the path begins, and where each gradient is taken
    order:          of what is done in a step; "drop" regularises, but does not keep the result
    finish:         what is done after the last step
    """

    def run(objective: Score, start: Tensor, steps: int, rate: float, regularise: Part, every: int) -> Tensor:
        image = begin(start)
        for step in counted(steps):
            for part in order.split():
                if part == "step":
                    image = image + rate * direction(gradient_by_autograd(objective, follow(image, start)))
                elif part == "clamp":
                    image = image.clamp(0, 1)
                elif is_regularised(step, steps, every):
                    image = regularise(image) if part == "regularise" else drop(image, regularise(image))
        return finish(image, regularise, steps, every)

    return run


def drop(image: Tensor, _regularised: Tensor) -> Tensor:
    return image


def added_up(
    objective: Score, start: Tensor, steps: int, rate: float, regularise: Part, every: int
) -> Tensor:
    """A wrong answer: gradients add up, as in .grad where nothing sets it to zero."""
    image, total = start, torch.zeros_like(start)
    for step in range(1, steps + 1):
        total = total + gradient_by_autograd(objective, image)
        image = image + rate * unit(total)
        image = (regularise(image) if step % every == 0 else image).clamp(0, 1)
    return image


def into_the_start(
    objective: Score, start: Tensor, steps: int, rate: float, regularise: Part, every: int
) -> Tensor:
    """A wrong answer: the right image, and written into the caller's tensor."""
    return start.copy_(loop()(objective, start, steps, rate, regularise, every))


def grey(start: Tensor) -> Tensor:
    return torch.full_like(start, GREY)


OTHER_STEPS = (
    Mistake(
        "downhill all the way",
        "the score falls from step to step: you subtract the gradient. Gradient *ascent* adds it.",
        loop(direction=lambda gradient: -unit(gradient)),
    ),
    Mistake(
        "not normalised",
        "you step by rate · gradient as it came. Divide it by the mean of its absolute values.",
        loop(direction=lambda gradient: gradient),
    ),
    Mistake(
        "divided by its length",
        "you divide by the gradient's length, so the step is far too short. "
        "Divide by the mean of the absolute values.",
        loop(direction=lambda gradient: gradient / gradient.norm()),
    ),
    Mistake(
        "divided by its largest value",
        "you divide by the gradient's largest value, so the step is too short. "
        "Divide by the mean of the absolute values.",
        loop(direction=lambda gradient: gradient / gradient.abs().amax()),
    ),
    Mistake(
        "root mean square",
        "you divide by the root of the mean square. Divide by the mean of the absolute values.",
        loop(direction=lambda gradient: gradient / gradient.square().mean().sqrt()),
    ),
    Mistake(
        "the mean of signed values",
        "you divide by the mean of the gradient, in which plus and minus cancel: .abs() first, then .mean().",
        loop(direction=lambda gradient: gradient / gradient.mean()),
    ),
    Mistake(
        "by its sign",
        "you step by the gradient's sign, so all values move alike. Divide by the mean of the absolute values.",
        loop(direction=torch.sign),
    ),
)
