"""What a function leaves behind in what it was given: nothing, unless its exercise allows it."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from labkit.checks.parts import parts

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_TOLD = {  # what is looked at -> what has happened where it differs
    "values": "other values are in it; work on a copy, x.clone(), since x[…] = …, += and clamp_ write into x itself",
    "requires_grad": "its requires_grad is another; work on a copy: x.clone().requires_grad_(), or x.detach()",
    "training": "it is in another mode; leave out .train() and .eval(), or set it back",
    "hooks": "hooks have been left on it, or taken off; take off your own with handle.remove()",
    "settings": "an attribute of it is another, such as inplace, momentum or eps; leave it, or set it back",
    "parts": "it is made of other parts; put back what you replace, or work on copy.deepcopy",
}


class Untouched:
    """A case as it is now, to be compared with what it is later.

    Looked at are tensors and networks, wherever they are in the case, by the name that they have there.
    """

    def __init__(self, case: Any):
        self._case, self._before = case, dict(_facts("the input", case))
        self._generators = {name: value.get_state() for name, value in _generators(case)}

    def trouble(self) -> str:
        """What has been touched since, in a sentence; empty where nothing has."""
        after = dict(_facts("the input", self._case))
        for place in [*self._before, *after]:
            if not _equal(self._before.get(place), after.get(place)):
                name, kind = place
                return f"{name}, which you were given: expected as it came, but afterwards {_TOLD[kind]}"
        return ""

    def wind_back(self) -> None:
        """Random generators of the case stand where they stood, so that it can be asked again."""
        for name, generator in _generators(self._case):
            generator.set_state(self._generators[name])


def _facts(name: str, value: Any) -> Iterator[tuple[tuple[str, str], Any]]:
    """((name, what is looked at), how it is) of everything in a value that can be touched."""
    if isinstance(value, Tensor):
        yield (name, "values"), value.detach().clone()
        yield (name, "requires_grad"), value.requires_grad
    elif isinstance(value, nn.Module):
        yield from _facts_of_network(name, value)
    else:
        for inner, part in parts(value):
            yield from _facts(inner if name == "the input" else f"{name}.{inner}", part)


def _facts_of_network(name: str, network: nn.Module) -> Iterator[tuple[tuple[str, str], Any]]:
    for inner, module in network.named_modules():
        place = (inner or "the network") if name == "the input" else f"{name}.{inner}".rstrip(".")
        yield (place, "parts"), [*module._modules, *map(id, module._modules.values()), *module._parameters]
        yield (place, "training"), module.training
        yield (place, "settings"), _settings(module)
        yield (place, "hooks"), [list(getattr(module, kind)) for kind in _HOOKS]
        tensors = {**module._parameters, **module._buffers}
        for own, tensor in tensors.items():
            if tensor is not None:
                yield from _facts(f"{place}.{own}", tensor)


def _settings(module: nn.Module) -> dict[str, Any]:
    """What a layer of PyTorch is set to, in plain values: inplace, momentum, eps, stride."""
    if not type(module).__module__.startswith("torch.nn"):
        return {}  # what somebody's own network counts or notes is its own affair
    own = vars(module).items()
    return {name: value for name, value in own if name[0] != "_" and name != "training" and _plain(value)}


def _plain(value: Any) -> bool:
    inner = value if isinstance(value, tuple) else (value,)
    return all(part is None or isinstance(part, bool | int | float | str) for part in inner)


def _generators(value: Any, name: str = "") -> Iterator[tuple[str, torch.Generator]]:
    if isinstance(value, torch.Generator):
        yield name, value
    for inner, part in parts(value):
        yield from _generators(part, f"{name}.{inner}")


def _equal(before: Any, after: Any) -> bool:
    if isinstance(before, Tensor) and isinstance(after, Tensor):
        same_kind = before.shape == after.shape and before.dtype == after.dtype
        return same_kind and bool(((before == after) | (before.isnan() & after.isnan())).all())
    return type(before) is type(after) and before == after
