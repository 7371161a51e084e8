"""How far a step goes along the gradient."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.arguments import expect_number, expect_tensor

Rule = Callable[[Tensor], torch.optim.Optimizer]


def mean_size(gradient: Tensor) -> Tensor:
    """Each image's mean absolute value, never quite 0: (N, …) -> (N, 1, …), which broadcasts."""
    size = gradient.abs().flatten(1).mean(dim=1).clamp(min=torch.finfo(gradient.dtype).tiny)
    return size.view(-1, *[1] * (gradient.ndim - 1))


def normalised(gradient: Tensor) -> Tensor:
    """Divided by its mean absolute value, each image by its own. (N, …) -> (N, …)"""
    expect_tensor("gradient", gradient, "N n …")
    return gradient / mean_size(gradient)


def adam(rate: float = 0.05) -> Rule:
    """Steps by Adam, which suits numbers of unequal reach (Kingma & Ba 2015, arXiv:1412.6980)."""
    expect_number("rate", rate, 0, above=True)
    return lambda numbers: torch.optim.Adam([numbers], lr=rate, maximize=True)


def normalised_step(numbers: Tensor, gradient: Tensor, rate: float) -> Tensor:
    """The numbers after a step along the normalised gradient, each image's by its own."""
    return numbers + rate * gradient / mean_size(gradient)


@dataclass(frozen=True)
class NormalisedSteps:
    """The rule of `normalised_steps`: numbers -> optimizer."""

    rate: float

    def __call__(self, numbers: Tensor) -> torch.optim.Optimizer:
        return _Normalised([numbers], {"lr": self.rate})


def normalised_steps(rate: float = 0.01) -> NormalisedSteps:
    """Steps along the normalised gradient: each value moves by `rate` on average."""
    expect_number("rate", rate, 0, above=True)
    return NormalisedSteps(rate)


class _Normalised(torch.optim.Optimizer):
    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure is called
        for group in self.param_groups:
            for numbers in group["params"]:
                numbers.copy_(normalised_step(numbers, numbers.grad, group["lr"]))


ADAM = adam()
