"""Adversarial examples: changes that hardly an eye sees, made for a network, that turn its answer over.

Every attack is one loop: gradient, step, project, clip. A step goes against the label or towards a target.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_alike, expect_number, expect_tensor, expect_whole, seeded
from labkit.backward import gradient_of
from labkit.errors import LabError
from labkit.images import to_8_bit
from labkit.kernel import in_usual_numbers
from labkit.methods.attacks import Networks, expect_attack, expect_labels, networks_of
from labkit.models import Classifier, expect_classifier, logits_of
from labkit.units import expect_share

__all__ = ["Fooled", "Networks", "fgsm", "fool", "pgd", "project", "rms"]


@in_usual_numbers
def fgsm(model: Networks, images: Tensor, labels: Tensor, *, epsilon: float) -> Tensor:
    """Take one step against the labels, to the edge of an epsilon box.

    model:   a network, or several, such as [model, other]: then against all of them at once
    images:  (N, 3, H, W) in 0..1, not normalised;  labels: (N,) int64
    epsilon: largest change of a value, in the same units (8/255 is hard to see)
    Returns: (N, 3, H, W) in 0..1, detached
    Raises:  LabError if images leave 0..1, for labels that are none, and for a network in training mode
    Source:  Goodfellow et al. 2015, arXiv:1412.6572
    """
    expect_attack(model, images, epsilon)
    step = epsilon * _loss_gradient(model, images, labels).sign()
    return project(images + step, images, epsilon=epsilon)


@in_usual_numbers
def pgd(
    model: Networks,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    steps: int = 10,
    step_size: float | None = None,
    targeted: bool = False,
    seed: int | None = 0,
) -> Tensor:
    """Take many small steps against the labels, each projected back onto the epsilon box.

    model:     a network, or several, as for `fgsm`
    images:    (N, 3, H, W) in 0..1;  labels: (N,) int64
    epsilon:   largest change of a value
    step_size: how far a value moves in a step; 2.5 · epsilon / steps unless given
    targeted:  labels are the classes to reach, and the steps go towards them
    seed:      of the random start in the box; None starts at the images themselves
    Returns:   (N, 3, H, W) in 0..1, detached
    Raises:    LabError as `fgsm`
    Source:    Madry et al. 2018, arXiv:1706.06083
    """
    expect_attack(model, images, epsilon, steps, step_size)
    step = (-1 if targeted else 1) * (2.5 * epsilon / steps if step_size is None else step_size)
    moved = random_start(images, epsilon, seed)
    for _ in range(steps):
        moved = project(moved + step * _loss_gradient(model, moved, labels).sign(), images, epsilon=epsilon)
    return moved


def random_start(images: Tensor, epsilon: float, seed: int | None) -> Tensor:
    """Images drawn in the box of epsilon around the images; without a seed the images themselves."""
    if seed is None:
        return images.detach()
    noise = torch.rand(images.shape, generator=seeded(seed)).to(images)
    return project(images + epsilon * (2 * noise - 1), images, epsilon=epsilon)


def project(images: Tensor, originals: Tensor, *, epsilon: float) -> Tensor:
    """The nearest images that differ from the originals by at most epsilon in any value, and lie in 0..1.

    images, originals: alike in shape;  Returns: like images, detached
    """
    expect_alike("images", images, "originals", originals, "N …")
    expect_number("epsilon", epsilon, 0)
    expect_share("epsilon", epsilon, levels=True)
    low, high = originals - epsilon, originals + epsilon
    return images.maximum(low).minimum(high).clamp(0, 1).detach()


@dataclass(frozen=True)
class Fooled:
    """What came of an attack on one image.

    image:     (1, 3, H, W) in 0..1;  steps: how many were taken;  probability: the target's
    succeeded: whether the network, shown this very image, puts the target first, as sure as was asked for
    """

    image: Tensor
    steps: int
    succeeded: bool
    probability: float


@in_usual_numbers
def fool(
    model: Classifier,
    image: Tensor,
    target: int | str,
    *,
    steps: int = 40,
    step_size: float = 0.001,
    confidence: float = 0.0,
    eight_bit: bool = False,
) -> Fooled:
    """Raise the target's logit by normalised gradient steps, until the network puts the target first.

    image:      (1, 3, H, W) in 0..1: a photo, or grey, or noise (Nguyen et al. 2015, arXiv:1412.1897)
    target:     by index or by name;  step_size: the root mean square of a step
    confidence: goes on until the target's probability is at least that
    eight_bit:  plans for a file: what is shown to the network, and returned, has values k/255
    Returns:    Fooled; after all steps without success, the last image
    Raises:     LabError for a bad image or target, and for a network in training mode
    Source:     Szegedy et al. 2014, arXiv:1312.6199, by plain steps as in the lecture in place of L-BFGS
    """
    _expect_fooling(model, image, steps, step_size, confidence)
    wanted, moved, taken = model.index_of(target), image.detach(), 0
    while True:
        shown = to_8_bit(moved) if eight_bit else moved
        first, probability, gradient = _look(model, shown, wanted)
        succeeded = first == wanted and probability >= confidence
        if succeeded or taken >= steps:
            return Fooled(shown, taken, succeeded, probability)
        moved, taken = _stepped(moved, gradient, step_size), taken + 1


def _look(model: Classifier, image: Tensor, wanted: int) -> tuple[int, float, Tensor]:
    """What the network puts first, the wanted category's probability, and the gradient of its logit."""
    with torch.inference_mode(False), torch.enable_grad():
        leaf = image.clone().requires_grad_()
        logits = logits_of(model, leaf)
        gradient = gradient_of(logits[0, wanted], leaf)
    return int(logits.argmax()), logits.detach().softmax(1)[0, wanted].item(), gradient


def _stepped(image: Tensor, gradient: Tensor, step_size: float) -> Tensor:
    """The image after a step up of that root mean square, in 0..1.

    It begins at what was not rounded to 8 bits: most steps are smaller than half a level, and would be undone.
    """
    return (image + step_size * gradient / rms(gradient).clamp(min=1e-30)).clamp(0, 1)


def rms(difference: Tensor) -> Tensor:
    """The root mean square of each image's values: (N, …) -> (N, 1, …), which broadcasts."""
    expect_tensor("difference", difference, "N …")
    return difference.square().mean(dim=tuple(range(1, difference.ndim)), keepdim=True).sqrt()


def _loss_gradient(model: Networks, images: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy's gradient, each image's own; summed over several networks, so that none is forgotten.

    A network that is fooled for sure has no slope left, and leaves the step to the others. The mean of their
    logits would stop as soon as the loudest network is fooled.
    """
    with torch.inference_mode(False), torch.enable_grad():
        leaf = images.clone().detach().requires_grad_()
        losses = []
        for network in networks_of(model):
            logits = logits_of(network, leaf)
            expect_labels(labels, logits)
            losses.append(F.cross_entropy(logits, labels.to(logits.device).clone(), reduction="sum"))
        return gradient_of(torch.stack(losses), leaf)


def _expect_fooling(
    model: Classifier, image: Tensor, steps: int, step_size: float, confidence: float
) -> None:
    expect_classifier(model)
    expect_attack(model, image, step_size)
    expect_whole("steps", steps, 0)
    expect_number("confidence", confidence, 0, 1)
    if len(image) != 1:
        raise LabError(f"expected one image (1, 3, H, W), got {tuple(image.shape)}; try images[i : i + 1]")
