"""Transfer learning at its smallest: one linear layer on frozen features, beside a network trained from nothing.

The layer, a *linear probe*, is trained by proximal gradient steps: down the slope of the loss and of the L2 penalty,
then all weights a fixed amount towards 0 for the L1 penalty, which leaves many of them at exactly 0.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.arguments import expect_number, expect_tensor, expect_whole, seeded
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.models import logits_of

GREY = 0.5  # the middle of 0..1


@in_usual_numbers
def objective(
    weights: Tensor, features: Tensor, labels: Tensor, *, l1: float = 0.0, l2: float = 0.0
) -> Tensor:
    """What a probe's training makes small: mean cross-entropy + l2/2 · Σ weight² + l1 · Σ |weight|.

    weights: (D, C), no bias;  features: (N, D);  labels: (N,) int64 in 0..C-1
    """
    _expect_step(weights, features, labels)
    expect_number("l1", l1, 0)
    expect_number("l2", l2, 0)
    loss = F.cross_entropy(features @ weights, labels)
    return loss + l2 / 2 * weights.square().sum() + l1 * weights.abs().sum()


@in_usual_numbers
def probe_step(
    weights: Tensor, features: Tensor, labels: Tensor, rate: float, l1: float, l2: float
) -> Tensor:
    """The weights after one proximal gradient step on the objective.

    Returns: (D, C); a weight within rate · l1 of 0 after the step down is exactly 0
    Source:  Daubechies et al. 2004, arXiv:math/0307152, for the shrinking by L1
    """
    _expect_step(weights, features, labels)
    for name, number in {"rate": rate, "l1": l1, "l2": l2}.items():
        expect_number(name, number, 0)
    guesses = (features @ weights).softmax(dim=1)  # (N, C)
    slope = features.T @ (guesses - F.one_hot(labels, weights.shape[1])) / len(features)  # (D, C)
    down = weights - rate * (slope + l2 * weights)
    return down.sign() * (down.abs() - rate * l1).clamp(min=0)


@dataclass(frozen=True)
class Probe:
    """A trained linear layer, with what its features are centred and scaled by.

    weights: (D, C);  middle: (D,) mean of the training features;  scale: () root mean square around it
    """

    weights: Tensor
    middle: Tensor
    scale: Tensor

    @in_usual_numbers
    def logits(self, features: Tensor) -> Tensor:
        """(N, D) -> (N, C)"""
        D, kind = len(self.middle), self.middle.dtype
        expect_tensor("features", features, "N D", of=kind, D=D)
        return (features - self.middle) / self.scale @ self.weights

    def accuracy(self, features: Tensor, labels: Tensor) -> float:
        """The share of examples whose largest logit is their label's."""
        return _share_right(self.logits(features), labels)

    def surviving(self) -> int:
        """How many features still count: those with a weight that is not 0."""
        return int((self.weights != 0).any(dim=1).sum())


@in_usual_numbers
def train(features: Tensor, labels: Tensor, *, l1: float = 0.0, l2: float = 0.0, steps: int = 300) -> Probe:
    """A linear probe after so many steps from zero, each of a size that cannot overshoot, with Nesterov's momentum.

    features: (N, D), frozen: the network that made them is not changed
    labels:   (N,) int64 in 0..C-1
    l1, l2:   strengths of the penalties, as in `objective`
    Raises:   LabError for labels that do not fit the features, a negative strength, or fewer steps than 1
    Source:   Beck & Teboulle 2009, "A fast iterative shrinkage-thresholding algorithm"
    """
    _expect_labelled(features, labels)
    for name, strength in {"l1": l1, "l2": l2}.items():
        expect_number(name, strength, 0)
    expect_whole("steps", steps, 1)
    middle = features.mean(dim=0)
    scale = (features - middle).square().mean().sqrt().clamp(min=1e-12)
    inputs = (features - middle) / scale
    steepest = torch.linalg.matrix_norm(inputs, 2).item() ** 2 / (2 * len(inputs)) + l2  # of all curvatures
    weights = ahead = inputs.new_zeros(inputs.shape[1], int(labels.max()) + 1)
    for step in range(steps):
        before = weights
        weights = probe_step(ahead, inputs, labels, 1 / max(steepest, 1e-12), l1, l2)
        ahead = weights + step / (step + 3) * (weights - before)
    return Probe(weights, middle, scale)


def _expect_step(weights: Tensor, features: Tensor, labels: Tensor) -> None:
    _expect_labelled(features, labels)
    D, C = features.shape[1], int(labels.max()) + 1
    found = expect_tensor("weights", weights, "D C", of=features.dtype, D=D)["C"]
    expect_whole("the number of columns of weights", found, C)


def _expect_labelled(features: Tensor, labels: Tensor) -> None:
    N = expect_tensor("features", features, "N D", of="floats of 32 or 64 bits", finite=True)["N"]
    expect_tensor("labels", labels, "N", of="whole numbers", N=N, mend="a label for each image")
    if labels.dtype != torch.int64 or labels.min() < 0:
        raise LabError(
            f"expected labels as int64 of 0 or more, got {labels.dtype} from {labels.min().item()}"
        )


@in_usual_numbers
@torch.enable_grad()
def from_scratch(
    images: Tensor, labels: Tensor, *, size: int = 32, steps: int = 150, seed: int = 0
) -> nn.Module:
    """What transfer is compared with: a small network, all of it trained, on these images alone.

    Three convolutions of stride 2, the mean over all positions, one linear layer; Adam on 30 images a step, at random.

    images:  (N, 3, H, W) in 0..1, made size × size first
    labels:  (N,) int64 in 0..C-1
    Returns: a network, images (N, 3, H, W) -> logits (N, C)
    """
    expect_whole("size", size, 16)
    expect_whole("steps", steps, 1)
    expect_images(images)
    _expect_labelled(images.flatten(1), labels)
    generator = seeded(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _small_network(size, int(labels.max()) + 1).to(images)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    small = F.interpolate(images.detach(), size=(size, size), mode="area")
    for _ in range(steps):
        some = torch.randint(len(small), (30,), generator=generator).to(images.device)
        optimizer.zero_grad()
        F.cross_entropy(net(small[some]), labels[some]).backward()
        optimizer.step()
    return net.eval().requires_grad_(False)


class _Small(nn.Module):
    """Images of any size, averaged down and with grey at 0."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        return F.interpolate(images, size=(self.size, self.size), mode="area") - GREY


def _small_network(size: int, categories: int) -> nn.Sequential:
    widths = (3, 16, 32, 64)
    layers: list[nn.Module] = [_Small(size)]
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 5 if before == 3 else 3, stride=2, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], categories))


@in_usual_numbers
def network_accuracy(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of images whose largest logit is their label's."""
    with torch.no_grad():
        return _share_right(logits_of(net, images), labels)


def _share_right(logits: Tensor, labels: Tensor) -> float:
    expect_tensor("labels", labels, "N", of="numbers", N=len(logits))
    return (logits.argmax(dim=1) == labels).double().mean().item()
