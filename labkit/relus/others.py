"""What a rule for ReLUs does not reach: nonlinearities of another kind, and ReLUs that no mode gets to see."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import reduce
from operator import or_
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.modules.module import register_module_forward_pre_hook

from labkit.running import OnlyLooks

_NAMES = (
    "celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid",
    "maximum", "minimum", "mish", "prelu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink",
    "softsign", "tanh", "tanhshrink", "threshold", "clamp", "clip", "clamp_min", "clamp_max", "abs",
)  # fmt: skip
OTHERS: dict[Any, str] = {
    getattr(place, name): kind
    for kind in _NAMES
    for name in (kind, f"{kind}_")
    for place in (F, torch, Tensor)
    if hasattr(place, name)
}
_IN_SCRIPTS = {
    "aten::relu": "relu",
    "aten::relu_": "relu",
    "aten::relu6": "relu6",
    "aten::relu6_": "relu6",
} | {f"aten::{kind}{end}": kind for kind in _NAMES for end in ("", "_")}
_OUT_OF_SIGHT = "relu out of sight"
_SCRIPT = "TorchScript function"
_SEEN = "labkit: counted"


def hidden_makers(args: Any) -> Iterator[str]:
    """What made a call's tensors out of a mode's sight, each maker once: an autograd function, a TorchScript function.

    args: a call's arguments. What ran without a graph has left no trace
    """
    for tensor in args:
        node: Any = tensor.grad_fn if isinstance(tensor, Tensor) else None
        if node is None or _SEEN in node.metadata:
            continue
        kind = _kind_of(node)
        if kind:
            node.metadata[_SEEN] = True
            yield kind


def _kind_of(node: Any) -> str:
    name = type(node).__name__
    if name == "ReluBackward0":
        return _OUT_OF_SIGHT
    if name == "CppFunction":
        return _SCRIPT
    is_somebodys = isinstance(node, torch.autograd.function.BackwardCFunction) and not _is_known(type(node))
    return f"autograd function {name.removesuffix('Backward')}" if is_somebodys else ""


def _is_known(node: Any) -> bool:
    function = getattr(node, "_forward_cls", node)
    module: str = function.__module__
    return module.startswith(("labkit.", "torch."))


@contextmanager
def watching_scripts(count: Callable[[Counter[str]], None]) -> Iterator[None]:
    """Tell of the nonlinearities in each TorchScript module that runs inside the with block."""

    def look(module: torch.nn.Module, _inputs: Any) -> None:
        if isinstance(module, torch.jit.ScriptModule):
            count(in_script(module))

    hook = register_module_forward_pre_hook(OnlyLooks(look))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using `torch.compile.* when there are global hooks")
            yield
    finally:
        hook.remove()


def together(seen: Counter[str], scripts: Counter[str]) -> Counter[str]:
    """What was seen from outside, and what TorchScript modules hold, each once."""
    inside = sum(count for kind, count in scripts.items() if kind.startswith("relu"))
    hidden = {_OUT_OF_SIGHT: inside, _SCRIPT: sum(scripts.values())}
    return (seen - Counter(hidden)) + scripts


def in_script(module: torch.jit.ScriptModule) -> Counter[str]:
    """How many nonlinearities of each kind a TorchScript module holds."""
    return _in_nodes(module.inlined_graph.nodes())


def _in_nodes(nodes: Iterable[Any]) -> Counter[str]:
    found = Counter[str]()
    for node in nodes:
        if node.kind() in _IN_SCRIPTS:
            found[f"{_IN_SCRIPTS[node.kind()]} in TorchScript"] += 1
        branches = (_in_nodes(block.nodes()) for block in node.blocks())
        found += reduce(or_, branches, Counter[str]())  # of an if's branches one runs
    return found
