"""Looking at what a layer puts out while a network runs."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from labkit.arguments import shown
from labkit.checkpoints import is_recomputing
from labkit.errors import LabError, nearest
from labkit.running import OnlyLooks, expect_network


class Recording(dict[str, Tensor]):
    """Layer name -> the layer's latest output, filled whenever the network runs."""

    def __missing__(self, layer: str) -> Tensor:
        raise LabError(
            f"nothing recorded for layer {layer!r}: recorded are {sorted(self) or 'no layers'}; "
            "run the network inside the with block, and name the layer there"
        )

    def maps(self, layer: str) -> Tensor:
        """The layer's output where it is one of maps, (N, C, H, W).

        Raises: LabError where it is not, such as behind a linear layer
        """
        if self[layer].ndim != 4:
            got = tuple(self[layer].shape)
            raise LabError(f"expected {layer!r} to put out maps (N, C, H, W), got {got}; try a convolution")
        return self[layer]


def find_layer(module: nn.Module, layer: str) -> nn.Module:
    """The submodule of that name.

    Raises: LabError that offers the names nearest to it
    """
    expect_network(module)
    modules: dict[str, nn.Module] = dict(module.named_modules())
    if not isinstance(layer, str) or layer not in modules or layer == "":
        known = [name for name in modules if name]
        raise LabError(
            f"no layer {shown(layer)} in {type(module).__name__}; try one of {nearest(str(layer), known)}"
        )
    return modules[layer]


def expect_layers(layers: Any) -> list[str]:
    """Layers as a list of names. Raises: LabError for none, and for a name alone"""
    if (
        isinstance(layers, str)
        or not isinstance(layers, Iterable)
        or not (named := list(layers))
        or not all(isinstance(name, str) for name in named)
    ):
        raise LabError(f"expected layers such as ['conv1'], got {shown(layers)}; try [{str(layers)[:40]!r}]")
    return named


@contextmanager
def recording(module: nn.Module, *layers: str, skip_others: bool = False) -> Iterator[Recording]:
    """Record what the named layers put out, for as long as the with block lasts.

        with recording(model.net, "blocks.3") as seen:
            model(images)
        seen["blocks.3"]  # (N, C, H, W)

    The hooks come off when the block ends, also by an exception; what was seen stays. Outputs are
    copies, so an in-place layer that follows cannot change them, and they stay in the autograd graph.
    A layer that runs several times (a shared ReLU) shows its last output; what checkpointing computes once more on
    the way back does not count.

    skip_others: leave out layers whose output is not a tensor, for those who walk through all layers
    Raises: LabError for an unknown layer, and for one whose output is not a tensor
    """
    seen = Recording()

    def keep(layer: str, _module: nn.Module, _inputs: Any, output: object) -> None:
        if is_recomputing():
            return
        if isinstance(output, Tensor):
            seen[layer] = output.clone(memory_format=torch.contiguous_format)
        elif not skip_others:
            got = type(output).__name__
            raise LabError(f"layer {layer!r} puts out a {got}, expected one tensor; try a layer inside it")

    with ExitStack() as hooks:
        for found, layer in [(find_layer(module, layer), layer) for layer in layers]:
            hooks.callback(found.register_forward_hook(OnlyLooks(keep, layer)).remove)
        yield seen
