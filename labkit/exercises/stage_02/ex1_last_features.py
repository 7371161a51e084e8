"""02.1 What goes into the last linear layer, caught by a hook."""

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_shape


class _ByName(nn.Module):
    """A network whose parts are not defined in the order in which they run."""

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.pool = nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1)
        self.stem, self.head = nn.Conv2d(3, 6, 3), nn.Linear(6, 4)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(self.pool(self.act(self.stem(x))).flatten(1)))


def _classifiers(generator: torch.Generator) -> Cases:
    pooled = (nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
    nets = {
        "three linear layers, as in AlexNet": nn.Sequential(
            *pooled, nn.Linear(20, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 4)
        ),
        "one linear layer, as in ResNet": _ByName(),
    }
    for net in nets.values():
        for parameter in net.eval().requires_grad_(False).parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
    photos = images.photos(size=16).images
    pick = torch.randperm(len(photos), generator=generator)[:4]
    return {name: SimpleNamespace(net=net, images=photos[pick]) for name, net in nets.items()}


def _hooks_on(net: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in net.modules())


def _answer_features(f: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
    found = f(case.net, case.images)
    left = _hooks_on(case.net)
    with suppress(Exception):
        f(case.net, case.images[:, :2])  # two colours: the first convolution raises
    return {"features": found, "hooks left": left, "hooks left after an error": _hooks_on(case.net) - left}


def _judge_features(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    features, net = answer["features"], deepcopy(case.net)
    name = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)][-1]
    net.set_submodule(name, nn.Identity())  # without its last layer, a network puts out its features
    expected = net(case.images)
    expect_shape("features", features, tuple(expected.shape))
    expect_close("features", features, expected, why="what goes into the last nn.Linear, one row an image")
    if left := int(answer["hooks left"]):
        raise CheckFailed(f"hooks: {left} still on the network, expected none", mistake="hook left on")
    if left := int(answer["hooks left after an error"]):
        raise CheckFailed(
            f"hooks: {left} left on the network when its forward pass raises, expected none",
            mistake="hook left on after an error",
        )


def _hooked(model, images, *, pick=-1, output=False, whole=False, remove="finally"):
    layer = [m for m in model.modules() if isinstance(m, nn.Linear)][pick]
    seen = []
    hook = layer.register_forward_hook(
        lambda _m, ins, out: seen.append(out if output else ins if whole else ins[0])
    )
    try:
        model(images)
        if remove == "end":
            hook.remove()
    finally:
        if remove == "finally":
            hook.remove()
    return seen[0]


EXERCISE = Exercise(
    id="02.1",
    title="Features of the last layer, with a hook",
    points=3,
    minutes=15,
    hints=(
        "[m for m in model.modules() if isinstance(m, nn.Linear)][-1] is the last linear layer, whatever its name.",
        "layer.register_forward_pre_hook(f) calls f(module, inputs) just before the layer runs, and returns a "
        "handle with .remove(). inputs is a tuple.",
        "try: model(images) finally: handle.remove() takes the hook off in any event.",
        "seen = []; handle = layer.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0])); "
        "then run the model, remove the handle, return seen[0]",
    ),
    cases=_classifiers,
    answer=_answer_features,
    judge=_judge_features,
    mistakes=(
        Mistake(
            "logits",
            "you return what the last linear layer puts out: the logits, one for each class. Features are "
            "what goes in: a pre-hook's inputs.",
            lambda model, images: _hooked(model, images, output=True),
        ),
        Mistake(
            "first linear layer",
            "you watch the first nn.Linear. AlexNet has three of them: take the last, [-1].",
            lambda model, images: _hooked(model, images, pick=0),
        ),
        Mistake(
            "tuple of inputs",
            "a hook gets all of a layer's inputs as a tuple, here of one: take inputs[0].",
            lambda model, images: _hooked(model, images, whole=True),
        ),
        Mistake(
            "hook left on",
            "your hook stays on the network, and runs (and keeps memory) at every call from now on. Keep the "
            "handle that registering returns, and call handle.remove().",
            lambda model, images: _hooked(model, images, remove="never"),
        ),
        Mistake(
            "hook left on after an error",
            "handle.remove() is skipped when the model raises, for instance on an image of a wrong shape. Put "
            "it into finally: after try:.",
            lambda model, images: _hooked(model, images, remove="end"),
        ),
    ),
)
