"""Does an adversarial image survive? Through files, other sizes, a mirror; beside a change just as large.

Each treatment takes images and gives images, (N, 3, H, W) in 0..1, and works on ordinary photos as well:
what it does to them is the control.
"""

import io
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from labkit.arguments import expect_alike, expect_tensor, expect_whole, seeded
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.methods.attacks import expect_attack, expect_labels
from labkit.models import logits_of

Treatment = Callable[[Tensor], Tensor]


def png(images: Tensor) -> Tensor:
    """Saved as PNG and loaded again: 8 bits per colour, rounded, and otherwise as it was."""
    return _through_a_file(images, format="PNG")


def jpeg(images: Tensor, *, quality: int) -> Tensor:
    """Saved as JPEG of that quality, 1 to 95, and loaded again."""
    quality = expect_whole("quality", quality, 1, 95)
    return _through_a_file(images, format="JPEG", quality=quality)


def _through_a_file(images: Tensor, **options: Any) -> Tensor:
    expect_images(images)
    loaded = []
    for pixels in (images.detach().cpu() * 255).round().byte().permute(0, 2, 3, 1).numpy():
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, **options)
        loaded.append(torch.from_numpy(np.asarray(Image.open(file), dtype=np.float32) / 255))
    return torch.stack(loaded).permute(0, 3, 1, 2).contiguous().to(images)


def resized(images: Tensor, *, size: int) -> Tensor:
    """Scaled to size × size pixels, and back."""
    expect_tensor("images", images, "N C H W", of="floats of 32 or 64 bits")
    size = expect_whole("size", size, 1)
    small = F.interpolate(images, size=(size, size), mode="bicubic", antialias=True)
    return F.interpolate(small, size=images.shape[2:], mode="bicubic", antialias=True).clamp(0, 1)


def shifted(images: Tensor, *, pixels: int) -> Tensor:
    """Moved to the right, the left edge repeated."""
    expect_tensor("images", images, "N C H W")
    expect_whole("pixels", pixels, 0)
    return F.pad(images, (pixels, 0, 0, 0), mode="replicate")[..., : images.shape[3]]


def mirrored(images: Tensor) -> Tensor:
    """Left and right exchanged."""
    expect_tensor("images", images, "N C H W", of="numbers")
    return images.flip(3)


@in_usual_numbers
def first_guess(model: nn.Module, images: Tensor) -> Tensor:
    """The category that the network puts first, one per image: (N,) int64."""
    with torch.no_grad():
        return logits_of(model, images).argmax(dim=1)


def reads_as(model: nn.Module, images: Tensor, categories: Tensor) -> Tensor:
    """Whether the network puts that category first, one per image: (N,) bool. categories: (N,) int64"""
    guessed = first_guess(model, images)
    expect_tensor("categories", categories, "N", of="whole numbers", N=len(guessed))
    return guessed == categories.to(images.device)


def readings(model: nn.Module, images: Tensor, treatments: Mapping[str, Treatment]) -> dict[str, Tensor]:
    """The category that the network puts first after each treatment: name -> (N,) int64.

    treatments: name -> images to images
    """
    return {name: first_guess(model, treat(images)) for name, treat in treatments.items()}


def outcome(model: nn.Module, originals: Tensor, changed: Tensor, targets: Tensor) -> dict[str, float]:
    """What a network makes of changed images: the shares of them read as the target, and as the original.

    originals, changed: (N, 3, H, W);  targets: (N,) int64
    Returns: "target" and "as before", each in 0..1; the rest is read as something else again
    """
    before, after = first_guess(model, originals), first_guess(model, changed)
    for name, given in {"changed": after, "targets": targets}.items():
        expect_tensor(name, given, "N", of="whole numbers", N=len(before))
    read = {"target": after == targets.to(after.device), "as before": after == before}
    return {name: share.float().mean().item() for name, share in read.items()}


@in_usual_numbers
def elsewhere(originals: Tensor, changed: Tensor, *, seed: int = 0) -> Tensor:
    """The control of an attack: the very same changes, at random places of the image.

    Every norm of the change is what it was, but where 0..1 cuts it off.

    originals, changed: (N, 3, H, W);  Returns: (N, 3, H, W) in 0..1
    """
    expect_alike("originals", originals, "changed", changed, "N …")
    generator = seeded(seed)
    differences = (changed - originals).flatten(1)
    order = torch.stack([torch.randperm(differences.shape[1], generator=generator) for _ in differences])
    moved = differences.gather(1, order.to(differences.device)).view_as(originals)
    return (originals + moved).clamp(0, 1)


@in_usual_numbers
@torch.enable_grad()
def foolbox_pgd(
    model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int, step_size: float
) -> Tensor:
    """The yardstick: projected gradient descent as the library foolbox has it, started at the images.

    Raises: LabError where foolbox cannot be imported
    Source: Rauber et al. 2020, "Foolbox Native", doi:10.21105/joss.02607
    """
    expect_attack(model, images, epsilon, steps, step_size)
    with torch.no_grad():
        expect_labels(labels, logits_of(model, images))
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # one of its packages looks for git when imported
    try:
        import foolbox
        from foolbox.models.pytorch import PyTorchModel
    except Exception as error:  # whatever an import of a package's packages can raise
        raise LabError(
            f"cannot import foolbox ({error}); try pip install foolbox, or go on without it"
        ) from error
    attack = foolbox.attacks.LinfPGD(abs_stepsize=step_size, steps=steps, random_start=False)
    wrapped = PyTorchModel(model, bounds=(0, 1), device=images.device)
    images, labels = images.detach(), labels.clone()
    return attack.run(wrapped, images, foolbox.criteria.Misclassification(labels), epsilon=epsilon)
