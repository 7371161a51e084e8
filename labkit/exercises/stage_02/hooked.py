"""Wrong ways to record what goes into the last layer: a hook with one part exchanged."""

from contextlib import suppress

from torch import nn


def _last_linear(model):
    return [module for module in model.modules() if isinstance(module, nn.Linear)][-1]


def hooked(model, images, *, find=_last_linear, output=False, whole=False, remove="finally", returns=False):
    layer, seen = find(model), []

    def keep(_module, inputs, out):
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


def swallowed(model, images):
    with suppress(RuntimeError):
        return hooked(model, images)
