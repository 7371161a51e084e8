"""What cases are drawn from: photos of a size, tiny networks with weights of their own, whole numbers."""

from functools import cache

import torch
from torch import Tensor, nn

from labkit import images
from labkit.models import Classifier


def draw_photos(generator: torch.Generator, count: int, size: int, *, contrast: float = 1.0) -> Tensor:
    """(count, 3, size, size) in 0..1, no photo twice; with contrast above 1 a part is pure black and white."""
    bank = _small_photos(size)
    small = bank[torch.randperm(len(bank), generator=generator)[:count]]
    return small if contrast == 1 else (0.5 + contrast * (small - 0.5)).clamp(0, 1)


@cache
def _small_photos(size: int) -> Tensor:
    return images.fit(images.photos().images, size)  # of the size that the notebook has loaded already


def draw_photo(generator: torch.Generator, height: int, width: int) -> Tensor:
    """(1, 3, height, width) in 0..1, cut out of one of the photos."""
    return draw_photos(generator, 1, max(height, width))[:, :, :height, :width].contiguous()


@cache
def coarse_photo(name: str) -> Tensor:
    """(1, 3, 56, 56) in 0..1, every eighth pixel of the photo of that name."""
    return images.photos(size=448)[name][:, :, ::8, ::8].clone()


def draw_whole_number(generator: torch.Generator, low: int, high: int) -> int:
    """A whole number in low..high."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def convnet(categories: int = 5, *, padding: int = 0) -> nn.Sequential:
    """Two convolutions and a linear layer over 2 × 2 cells, which sees where in the image things are."""
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3, padding=padding), nn.ReLU(), nn.Conv2d(6, 6, 3, stride=2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, categories)),
    )


def give_weights(generator: torch.Generator, net: nn.Module, *, gain: float = 2.0) -> nn.Module:
    """The network itself with weights of its own, loud enough that categories differ (He et al. 2015)."""
    for parameter in net.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 100
        parameter.data = torch.randn(parameter.shape, generator=generator) * (gain / fan_in) ** 0.5
    return net


def draw_classifier(generator: torch.Generator, net: nn.Module, categories: int) -> Classifier:
    """A network that takes images in 0..1, with weights of its own. It matters that it normalises: its net does not."""
    names = [f"category {i}" for i in range(categories)]
    net = give_weights(generator, net)
    return Classifier(net, name="tiny", categories=names, mean=(0.45, 0.5, 0.4), std=(0.25, 0.3, 0.2))
