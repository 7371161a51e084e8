"""Wrong ways to record what goes into the last layer: a hook with one part exchanged."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from torch import Tensor, nn


def _last_linear(model: nn.Module) -> nn.Module:
    return [module for module in model.modules() if isinstance(module, nn.Linear)][-1]


def hooked(
    model: nn.Module,
    images: Tensor,
    *,
    find: Callable[[Any], nn.Module] = _last_linear,
    output: bool = False,
    whole: bool = False,
    remove: str = "finally",
    returns: bool = False,
) -> Any:
    layer, seen = find(model), list[Any]()

    def keep(_module: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> Tensor | None:
        seen.append(out if output else inputs if whole else inputs[0])
        return out.sign() if returns else None

    hook = layer.register_forward_hook(keep)
    if remove == "at once":
        hook.remove()
    try:
        model(images)
        if remove == "end":
            hook.remove()
    finally:
        if remove == "finally":
            hook.remove()
    return seen[0]


def swallowed(model: nn.Module, images: Tensor) -> Any:
    with suppress(RuntimeError):
        return hooked(model, images)
    return None
