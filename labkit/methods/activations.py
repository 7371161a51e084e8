"""Activations: what a layer's channels put out for an image, as grey maps, in numbers, and over the photo.

One channel is one map: a small grey picture of where in the image it found what it looks for. A map is
easily read for more than it says; labkit.methods.evidence weighs a claim such as "this one finds faces".
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.arguments import expect_number, expect_size, expect_tensor, expect_whole, is_index, shown
from labkit.errors import LabError
from labkit.hooks import expect_layers, recording
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.methods.patches import peaks
from labkit.models import Classifier
from labkit.modes import expect_eval
from labkit.running import expect_network, run
from labkit.units import expect_share


@in_usual_numbers
def record(model: nn.Module, images: Tensor, layer: str) -> Tensor:
    """What a layer puts out for each image: one map per channel.

    model:   a Classifier, whose layers are named as in model.net, or any network
    images:  (N, 3, H, W) in 0..1
    Returns: (N, C, h, w), a detached copy
    Raises:  LabError for an unknown layer, one whose output is no map, and images out of shape or range
    """
    expect_images(images)
    with torch.no_grad(), recording(_net(model), layer) as seen:
        run(model, images)
    return seen.maps(layer).contiguous()


@in_usual_numbers
def rectified_layers(model: nn.Module, images: Tensor) -> dict[str, tuple[int, int, int]]:
    """The layers whose maps never go below zero, from the image upwards, each with its (C, h, w).

    Found by looking, so a ReLU may be a module, a call or part of a block; of equal outputs the innermost is named.
    """
    expect_images(images)
    found: dict[str, tuple[int, int, int]] = {}
    net = _net(model)
    with torch.no_grad(), recording(net, *_names(net), skip_others=True) as seen:
        run(model, images)
    before: Tensor | None = None
    for name, output in seen.items():
        if (
            output.ndim == 4
            and output.shape[-1] > 1
            and output.min() >= 0
            and (before is None or not torch.equal(output, before))
        ):
            found[name], before = tuple(output.shape[1:]), output  # type: ignore[assignment]
    return found


def _names(net: nn.Module) -> list[str]:
    return [name for name, _ in net.named_modules() if name]


def _net(model: nn.Module) -> nn.Module:
    """The bare network, which must be in eval mode."""
    expect_network(model)
    expect_eval(model)
    return model.net if isinstance(model, Classifier) else model


def to_grey(maps: Tensor, *, shared: bool = False) -> Tensor:
    """Maps for the screen: black is 0 or less, white the map's own largest value, or that of all of them.

    maps:   (..., h, w);  shared: one white for all maps, so that a faint one looks faint
    Returns: the same shape in 0..1; a map that never fires is black
    """
    expect_tensor("maps", maps, "… h w", of="numbers")
    fired = maps.clamp(min=0)
    white = fired.amax() if shared else fired.amax(dim=(-2, -1), keepdim=True)
    return fired / white.where(white > 0, 1)


def sparsity(maps: Tensor) -> Tensor:
    """The share of all positions in all images at which a channel does not fire.

    maps: (N, C, h, w), where firing is being above 0;  Returns: (C,) in 0..1
    """
    expect_maps(maps)
    return (maps <= 0).float().mean(dim=(0, 2, 3))


def never_fires(maps: Tensor) -> Tensor:
    """Which channels fire nowhere, in none of the images.

    maps: (N, C, h, w);  Returns: (C,) bool
    """
    expect_maps(maps)
    return maps.amax(dim=(0, 2, 3)) <= 0


def silence(maps: Tensor) -> tuple[Tensor, Tensor]:
    """How sparse each channel is, and which never fire: `sparsity` and `never_fires`, each (C,)."""
    return sparsity(maps), never_fires(maps)


@in_usual_numbers
def silence_by_layer(
    model: nn.Module, images: Tensor, layers: Sequence[str], *, batch: int = 5
) -> dict[str, tuple[float, int]]:
    """For each layer, the share of silent positions in all channels and images, and how many channels never fire.

    batch: images that run at once, so that the maps of all layers fit in memory
    """
    batch = expect_whole("batch", batch, 1)
    layers = expect_layers(layers)
    expect_images(images)
    share = dict.fromkeys(layers, 0.0)
    fired: dict[str, Tensor] = {}
    for some in images.split(batch):
        with torch.no_grad(), recording(_net(model), *layers) as seen:
            run(model, some)
        for layer in layers:
            silent, never = silence(seen.maps(layer))
            share[layer] += float(silent.mean()) * len(some) / len(images)
            fired[layer] = ~never | fired.get(layer, torch.tensor(False))
    return {layer: (share[layer], int((~fired[layer]).sum())) for layer in layers}


def upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps as large as the image, each cell's value at the middle of the pixels that it stands for.

    maps: (N, C, h, w);  size: (H, W);  Returns: (N, C, H, W)
    """
    size = expect_size("size", size)
    expect_tensor("maps", maps, "N C h w")
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def overlay(
    image: Tensor,
    channel: Tensor,
    *,
    colour: tuple[float, float, float] = (1.0, 0.35, 0.0),
    strength: float = 0.75,
) -> Tensor:
    """One channel laid over its image: (1 - a)·image + a·colour, where a follows the map.

    image:    (3, H, W) in 0..1;  channel: (h, w), scaled so that its largest value has a = strength
    Returns:  (3, H, W) in 0..1
    """
    expect_tensor("image", image, "3 H W")
    expect_tensor("channel", channel, "h w")
    expect_number("strength", strength, 0, 1)
    if not isinstance(colour, tuple | list) or len(colour) != 3:
        raise LabError(f"expected a colour (red, green, blue) in 0..1, got {shown(colour)}; try (1, 0.35, 0)")
    for shade in colour:
        expect_number("each shade of colour", shade)
        expect_share("each shade of colour", shade, levels=True)
    a = strength * upsample(to_grey(channel)[None, None], (image.shape[-2], image.shape[-1]))[0]  # (1, H, W)
    return (1 - a) * image + a * image.new_tensor(colour).view(3, 1, 1)


@in_usual_numbers
def peak_places(maps: Tensor, channel: int) -> tuple[Tensor, Tensor]:
    """How strongly one channel answers to each image, and where.

    maps:    (N, C, h, w)
    Returns: values (N,), and places (N, 2), row and column in 0..1 of the image's height and width
    Raises:  LabError if there is no such channel
    """
    expect_maps(maps)
    C, h, w = maps.shape[1:]
    if not is_index(channel, C):
        raise LabError(f"no channel {channel}; the layer has {C}, try 0 to {C - 1}")
    values, rows, columns = (found[:, 0] for found in peaks(maps[:, [int(channel)]]))
    return values, torch.stack([(rows + 0.5) / h, (columns + 0.5) / w], dim=1)


def expect_maps(maps: Tensor) -> None:
    """Require maps (N, C, h, w), none of them empty. Raises: LabError"""
    expect_tensor("maps", maps, "N C h w", of="numbers", mend="activations.record")
