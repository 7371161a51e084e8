"""Steps of a linear probe: for the judge slopes by nudging and L1 by definition, and steps with one part exchanged."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.exercises.slopes import gradient_by_autograd


def slope_by_nudging(case: SimpleNamespace, *, step: float = 1e-5) -> Tensor:
    """How fast the mean loss and the L2 penalty rise with each weight, each moved up and down a little.

    Returns: (D, C) float64
    """
    weights, features = case.weights.double(), case.features.double()
    nudges = step * torch.eye(weights.numel(), dtype=torch.float64).view(-1, *weights.shape)

    def smooth_part(nudged: Tensor) -> Tensor:  # (M, D, C) -> (M,)
        logits = features @ nudged  # (M, N, C)
        right = logits[:, torch.arange(len(case.labels)), case.labels]
        losses: Tensor = (logits.logsumexp(-1) - right).mean(-1)
        losses += case.l2 * nudged.square().sum(dim=(1, 2)) / 2
        return losses

    return ((smooth_part(weights + nudges) - smooth_part(weights - nudges)) / (2 * step)).view_as(weights)


def nearest_with_l1(down: Tensor, pull: float) -> Tensor:
    """For each value v the u that makes (u - v)² / 2 + pull · |u| smallest: one of v - pull, v + pull and 0."""
    tries = torch.stack([down - pull, down + pull, torch.zeros_like(down)])
    costs = (tries - down).square() / 2 + pull * tries.abs()
    return tries.gather(0, costs.argmin(dim=0, keepdim=True))[0]


def cross_entropy(weights: Tensor, features: Tensor, labels: Tensor, reduction: str = "mean") -> Tensor:
    """The loss of a probe without bias."""
    return F.cross_entropy(features @ weights, labels, reduction=reduction)


def squared_error(weights: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """Mean over the examples of the squared distance from the one-hot label."""
    wanted = F.one_hot(labels, weights.shape[1])
    return (features @ weights - wanted).square().sum(dim=1).mean()


def sigmoids(weights: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """Each category by itself, yes or no."""
    wanted = F.one_hot(labels, weights.shape[1]).float()
    return F.binary_cross_entropy_with_logits(features @ weights, wanted, reduction="sum") / len(labels)


def softmax_twice(weights: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """The loss of probabilities that are taken for logits."""
    return F.cross_entropy((features @ weights).softmax(dim=1), labels)


def half_squares(weights: Tensor, l2: float) -> Tensor:
    """The L2 penalty as it is asked for."""
    return l2 / 2 * weights.square().sum()


def shrink(down: Tensor, weights: Tensor, pull: float) -> Tensor:
    """Every weight nearer to 0 by `pull`, and not beyond."""
    return down.sign() * (down.abs() - pull).clamp(min=0)


def step_with(
    *,
    loss: Callable[..., Tensor] = cross_entropy,
    penalty: Callable[[Tensor, float], Tensor | float] = half_squares,
    shrink: Callable[[Tensor, Tensor, float], Tensor] = shrink,
    pull: Callable[[float, float, float], float] | None = None,
    move: Callable[[Tensor, Tensor, float], Tensor] | None = None,
) -> Callable[..., Tensor]:
    """A wrong answer: the right step with one part exchanged.

    loss:    (weights, features, labels) -> number;  penalty: (weights, l2) -> number
    move:    (weights, slope, rate) -> weights after the first half
    shrink:  (weights after the first half, weights as they came, pull) -> weights
    pull:    (rate, l1, l2) -> how far L1 moves a weight
    """
    pull = pull or (lambda rate, l1, l2: rate * l1)
    move = move or (lambda weights, slope, rate: weights - rate * slope)

    def wrong(weights: Tensor, features: Tensor, labels: Tensor, rate: float, l1: float, l2: float) -> Tensor:
        slope = gradient_by_autograd(lambda w: loss(w, features, labels) + penalty(w, l2), weights)
        return shrink(move(weights, slope, rate), weights, pull(rate, l1, l2))

    return wrong


def decay_afterwards(
    weights: Tensor, features: Tensor, labels: Tensor, rate: float, l1: float, l2: float
) -> Tensor:
    """L2's pull taken at the weights that come out of everything else."""
    return step_with(penalty=lambda w, l2: 0)(weights, features, labels, rate, l1, l2) * (1 - rate * l2)


def shrunk_first(
    weights: Tensor, features: Tensor, labels: Tensor, rate: float, l1: float, l2: float
) -> Tensor:
    """L1 first, and the step down from there."""
    return step_with(pull=lambda *_: 0)(shrink(weights, weights, rate * l1), features, labels, rate, l1, l2)
