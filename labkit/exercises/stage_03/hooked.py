"""Wrong ways to record a layer's output: a hook with one part exchanged, and ways without one."""

from collections.abc import Callable
from contextlib import suppress

from torch import Tensor, nn


def hooked(
    net: nn.Module,
    images: Tensor,
    layer: str,
    *,
    keep: Callable[[Tensor], Tensor] = lambda output: output.detach().clone(),
    find: Callable[[nn.Module, str], nn.Module] = nn.Module.get_submodule,
    inputs: bool = False,
    remove: str = "in any event",
    returns: Callable[[Tensor], Tensor | None] = lambda output: None,
) -> Tensor:
    """What a layer puts out. remove: when the hook comes off: "in any event", "at the end", "at once", "never"."""
    seen: dict[str, Tensor] = {}
    handle = find(net, layer).register_forward_hook(
        lambda module, given, output: (
            seen.update(maps=keep(given[0] if inputs else output)) or returns(output)
        )
    )
    if remove == "at once":
        handle.remove()
    try:
        net(images)
        if remove == "at the end":
            handle.remove()
    finally:
        if remove == "in any event":
            handle.remove()
    return seen["maps"]


def one_after_another(net: nn.Module, images: Tensor, layer: str) -> Tensor | None:
    """All layers in the order of their definition, each fed with the output of the one before."""
    for name, module in net.named_children():
        images = module(images)
        if layer == name:
            return images.detach().clone()
        if layer.startswith(name + "."):
            return one_after_another(module, images, layer.removeprefix(name + "."))
    return None


def swallowed(net: nn.Module, images: Tensor, layer: str) -> Tensor | None:
    """Right, but an error of the network is kept quiet."""
    with suppress(RuntimeError):
        return hooked(net, images, layer)
    return None


def switched_off(net: nn.Module, images: Tensor, layer: str) -> Tensor:
    """Right, but in-place layers work in place no more."""
    for module in net.modules():
        if hasattr(module, "inplace"):
            setattr(module, "inplace", False)  # noqa: B010 (a module has no attribute of that type)
    return hooked(net, images, layer)
