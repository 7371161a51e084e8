"""Networks to attack, the gradients that attacks follow, and the box that they keep to."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.checks.expect import expect_between, expect_finite, expect_shape
from labkit.exercises.drawing import convnet, draw_classifier
from labkit.exercises.slopes import gradient_by_autograd
from labkit.models import Classifier


def responsive_classifier(generator: torch.Generator, photos: Tensor, *, categories: int = 5) -> Classifier:
    """A tiny network that no photo leaves cold: each gradient is other than zero somewhere."""
    first = torch.zeros(len(photos), dtype=torch.int64)
    while True:
        model = draw_classifier(generator, convnet(categories), categories)
        if (label_gradient(model, photos, first).flatten(1).abs().amax(dim=1) > 0).all():
            return model


def loss_gradient(model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> Tensor:
    """The gradient of the mean cross-entropy. (N, 3, H, W), (N,) -> (N, 3, H, W)"""
    return gradient_by_autograd(lambda leaf: F.cross_entropy(model(leaf), labels), images)


def label_gradient(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The gradient of each image's logit of its label. (N, 3, H, W), (N,) -> (N, 3, H, W)"""
    return gradient_by_autograd(lambda leaf: model(leaf)[range(len(leaf)), labels], images)


def margin_of(model: nn.Module, image: Tensor, target: int) -> float:
    """How far the target's logit is above the largest of the others."""
    with torch.no_grad():
        logits = model(image)[0]
    others = torch.cat([logits[:target], logits[target + 1 :]])
    return float(logits[target] - others.max())


def climb(model: nn.Module, image: Tensor, target: int, *, step_size: float, steps: int) -> list[Tensor]:
    """The image after 0, 1, 2, … normalised steps on the target's logit."""
    path = [image]
    for _ in range(steps):
        path.append(logit_step(model, path[-1], target, step_size))
    return path


def logit_step(model: nn.Module, image: Tensor, target: int, step_size: float) -> Tensor:
    """One normalised step up the target's logit, clipped. (1, 3, H, W) -> (1, 3, H, W)"""
    gradient = label_gradient(model, image, torch.tensor([target]))
    return (image + step_size * gradient / gradient.square().mean().sqrt()).clamp(0, 1)


def raise_logit(model: Classifier, target: int, by: float) -> None:
    """Moves where the target wins, and no gradient."""
    [*model.parameters()][-1].data[target] += by  # the last layer's bias


def into_box(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    """The nearest images that no value takes further than epsilon from the originals; they may leave 0..1."""
    return images.maximum(originals - epsilon).minimum(originals + epsilon)


def expect_in_ball(name: str, got: Tensor, originals: Tensor, epsilon: float) -> None:
    """Require images that keep to epsilon and to 0..1."""
    expect_shape(name, got, tuple(originals.shape))
    expect_finite(name, got)
    expect_between(
        f"{name} - images",
        got.double() - originals.double(),
        -epsilon,
        epsilon,
        why="no value may change by more than epsilon",
    )
    expect_between(name, got, 0, 1, why="outside 0..1 it is no image")
