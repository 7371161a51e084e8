"""What a network puts out while somebody's function runs it: a hook that returns a value changes it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

Pass = tuple[Tensor, Tensor]  # what went into a network, and what came out


@contextmanager
def passes_through(net: nn.Module) -> Iterator[list[Pass]]:
    """Inside, every pass through the network itself is noted; nothing hangs on the network for that."""
    seen: list[Pass] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if module is net:
            seen.append((inputs[0].detach().clone(), output.detach().clone()))

    handle = register_module_forward_hook(note)
    try:
        yield seen
    finally:
        handle.remove()


def changed(net: nn.Module, seen: list[Pass]) -> int:
    """How many passes have not put out what the network puts out by itself."""
    with torch.no_grad():
        return sum(not torch.allclose(net(image), output, atol=1e-4, rtol=1e-4) for image, output in seen)
