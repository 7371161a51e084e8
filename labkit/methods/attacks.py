"""What an attack is given: networks, images, labels, and how large the change may be."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from labkit.arguments import expect_number, expect_tensor, expect_whole
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.models import expect_eval
from labkit.running import expect_network
from labkit.units import expect_share

Networks = nn.Module | Sequence[nn.Module]  # several are attacked at once, by the sum of their losses


def networks_of(model: Networks) -> list[nn.Module]:
    """One network, or several, as a list."""
    return [model] if isinstance(model, nn.Module) or not isinstance(model, Sequence) else list(model)


def expect_attack(
    model: Networks, images: Tensor, size: float, steps: int = 1, step_size: float | None = None
) -> None:
    """Require what every attack needs: networks in eval mode, images, a size of the change in 0..1. Raises: LabError"""
    expect_images(images)
    if not networks_of(model):
        raise LabError("expected a network, or several, got an empty list; try [model, other]")
    for network in networks_of(model):
        expect_network(network)
        expect_eval(network)
    expect_number("the size of the change", size, mend="8 / 255")
    if not 0 <= size <= 1:
        mend = f"{size:g} / 255, if that is meant in levels" if 1 < size < 256 else "8 / 255"
        raise LabError(f"expected a size in 0..1 for the change, got {size}; try {mend}")
    expect_whole("steps", steps, 1, mend="steps=10")
    if step_size is not None:
        expect_number("step_size", step_size, 0, above=True)
        expect_share("step_size", step_size, levels=True)


def expect_labels(labels: Tensor, logits: Tensor) -> None:
    """Require a label for each row of logits (N, K). Raises: LabError"""
    N, categories = logits.shape
    expect_tensor("labels", labels, "N", of=torch.int64, N=N, mend="bank.labels")
    if bad := [label for label in labels.tolist() if label not in range(categories)]:
        mend = "the photos with a label: bank.images[bank.labels >= 0]"
        raise LabError(f"expected labels in 0..{categories - 1}, got {bad[0]}; try {mend}")
