"""Files of weights, in the three ways in which they come, each under the names that the network has for them."""

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

BLUE_FIRST = "features.0.weight"  # Caffe reads images as blue, green, red


def of_torchvision(path: Path, _net: nn.Module) -> dict[str, Tensor]:
    """A state dict of torchvision's, some of which are older than the names they need.

    DenseNet's file says norm.1 where the layer is norm1; GoogLeNet's has heads that are used in training only.
    """
    state = torch.load(path, map_location="cpu", weights_only=True)
    modern = {re.sub(r"(denselayer\d+\.\w+)\.([12]\.)", r"\1\2", key): state[key] for key in state}
    return {key: value for key, value in modern.items() if not key.startswith(("aux1.", "aux2."))}


def in_order(path: Path, net: nn.Module) -> dict[str, Tensor]:
    """A state dict with names of its own, in the network's order."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    return dict(zip(net.state_dict(), state.values(), strict=True))


class OnlyArrays(pickle.Unpickler):
    """Reads a pickle of numpy arrays and plain containers; it calls nothing else, whatever the file asks for."""

    _ALLOWED = (
        ("numpy.core.multiarray", "_reconstruct", np.empty(0).__reduce__()[0]),  # its module's name has moved
        ("numpy", "ndarray", np.ndarray),
        ("numpy", "dtype", np.dtype),
    )

    def find_class(self, module: str, name: str) -> Any:
        for allowed_module, allowed_name, found in self._ALLOWED:
            if (module, name) == (allowed_module, allowed_name):
                return found
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, where only arrays are expected")


def of_caffe_squeezenet(path: Path, net: nn.Module) -> dict[str, Tensor]:
    """SqueezeNet as Caffe has it: layer -> [kernel (h, w, in, out), bias (out,)], colours from blue to red."""
    with path.open("rb") as file:
        layers = OnlyArrays(file).load()
    fires = [name for name, module in net.named_modules() if type(module).__name__ == "Fire"]
    places = {f"fire{number}": fire for number, fire in enumerate(fires, start=2)}
    places |= {"conv1": "features.0", "conv10": "classifier.1"}
    state = {}
    for layer, (kernel, bias) in layers.items():
        block, _, part = layer.partition("/")  # "fire2/squeeze1x1", and only "conv1"
        place = ".".join(filter(None, [places[block], {"squeeze1x1": "squeeze"}.get(part, part)]))
        state[f"{place}.weight"] = torch.from_numpy(kernel).permute(3, 2, 0, 1)
        state[f"{place}.bias"] = torch.from_numpy(bias).flatten()
    return state | {BLUE_FIRST: state[BLUE_FIRST].flip(1)}
