"""The gradient that is taken in tiles."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def local_gradient(generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """The gradient of a tiny network's squared activations: image -> gradient. Its borders are padded with 0.

    A gradient depends on pixels up to 4 away: two convolutions of 3 × 3 up, and two down.
    """
    first, second = (torch.randn(shape, generator=generator) / 3 for shape in ((5, 3, 3, 3), (4, 5, 3, 3)))

    def gradient_of(image: Tensor) -> Tensor:
        leaf = image.detach().clone().requires_grad_()
        maps = F.conv2d(F.relu(F.conv2d(leaf - 0.4, first, padding=1)), second, padding=1)
        return torch.autograd.grad(maps.square().sum() / 2, leaf)[0]

    return gradient_of
