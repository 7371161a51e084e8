"""02.1 What goes into the last linear layer, caught by a hook."""

from collections.abc import Callable
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake, each
from labkit.checks.expect import expect_close, expect_shape
from labkit.exercises.passes import changed, passes_through
from labkit.exercises.stage_02.hooked import hooked, swallowed


class _ByName(nn.Module):
    """A network whose parts are not defined in the order in which they run."""

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.pool = nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1)
        self.stem, self.head = nn.Conv2d(3, 6, 3), nn.Linear(6, 4)
        self.act = nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.drop(self.pool(self.act(self.stem(x))).flatten(1)))
        return logits


def _classifiers(generator: torch.Generator) -> Cases:
    pooled = (nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
    nets = {
        "three linear layers, as in AlexNet": nn.Sequential(
            *pooled, nn.Linear(20, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 4)
        ),
        "one linear layer, as in ResNet": _ByName(),
        "a head in a block of its own": nn.Sequential(
            nn.Sequential(*pooled), nn.Sequential(nn.Linear(20, 6), nn.Tanh(), nn.Linear(6, 3))
        ),
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
    with passes_through(case.net) as seen:
        found = f(case.net, case.images)
    left, raised = _hooks_on(case.net), False
    try:
        f(case.net, case.images[:, :2])  # two colours: the first convolution raises
    except RuntimeError:
        raised = True
    except Exception:  # its own, such as an IndexError where nothing was recorded
        raised = False
    after = _hooks_on(case.net) - left
    told = {"hooks left": left, "hooks left after an error": after, "raised": raised}
    return {"features": found, "passes changed": changed(case.net, seen), **told}


def _judge_features(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    features, net = answer["features"], deepcopy(case.net)
    name = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)][-1]
    net.set_submodule(name, nn.Identity())  # without its last layer, a network puts out its features
    expected = net(case.images)
    expect_shape("features", features, tuple(expected.shape))
    expect_close("features", features, expected, why="what goes into the last nn.Linear, one row per image")
    if left := int(answer["hooks left"]):
        raise CheckFailed(f"hooks: {left} still on the network, expected none", mistake="hook left on")
    if left := int(answer["hooks left after an error"]):
        raise CheckFailed(
            f"hooks: {left} left on the network when its forward pass raises, expected none",
            mistake="hook left on after an error",
        )
    if count := int(answer["passes changed"]):
        raise CheckFailed(
            f"the network: with your hook on, {count} of its passes put out something else than without it",
            mistake="hook that returns a value",
        )
    if not answer["raised"]:
        raise CheckFailed(
            "error: the network raises one at an image of two colours; expected it to come out of your function",
            mistake="error swallowed",
        )


EXERCISE = Exercise(
    id="02.1",
    title="Features of the last layer, with a hook",
    points=3,
    minutes=15,
    core=True,
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
    alone=each("images"),
    mistakes=(
        Mistake(
            "logits",
            "you return what the last linear layer puts out: the logits, one for each class. Features are "
            "what goes in: a pre-hook's inputs.",
            lambda model, images: hooked(model, images, output=True),
        ),
        Mistake(
            "first linear layer",
            "you watch the first nn.Linear. AlexNet has three of them: take the last, [-1].",
            lambda model, images: hooked(
                model, images, find=lambda m: next(x for x in m.modules() if isinstance(x, nn.Linear))
            ),
        ),
        Mistake(
            "tuple of inputs",
            "a hook gets all of a layer's inputs as a tuple, here of one: take inputs[0].",
            lambda model, images: hooked(model, images, whole=True),
        ),
        Mistake(
            "hook left on",
            "your hook stays on the network, and runs (and keeps memory) at every call from now on. Keep the "
            "handle that registering returns (each, if you hang on several), and call handle.remove().",
            lambda model, images: hooked(model, images, remove="never"),
        ),
        Mistake(
            "hook left on after an error",
            "handle.remove() is skipped when the model raises, for instance on an image of a wrong shape. Put "
            "it into finally: after try:.",
            lambda model, images: hooked(model, images, remove="end"),
        ),
        Mistake(
            "error swallowed",
            "when the model raises, your function says nothing. Let the error through and only tidy up: finally: "
            "without except, and no return inside finally.",
            swallowed,
        ),
        Mistake(
            "hook off too early",
            "nothing stands where you look for it: the hook was off again, or not yet on, when the model ran; or the "
            "model has not run, or the hook keeps nothing. First register, then run, then remove.",
            lambda model, images: hooked(model, images, remove="at once"),
        ),
        Mistake(
            "hook that returns a value",
            "your hook returns a value, and what a hook returns takes the place of what the layer is given or puts "
            "out. A hook that only looks returns nothing.",
            lambda model, images: hooked(model, images, returns=True),
        ),
        Mistake(
            "last module of any kind",
            "you watch the last of all modules. Modules come in the order of their definition, and the last need not "
            "be the linear layer: look for an nn.Linear.",
            lambda model, images: hooked(model, images, find=lambda m: [*m.modules()][-1]),
        ),
        Mistake(
            "last but one",
            "you watch the last but one nn.Linear. The task asks for what goes into the last: [-1].",
            lambda model, images: hooked(
                model, images, find=lambda m: [x for x in m.modules() if isinstance(x, nn.Linear)][-2]
            ),
        ),
        Mistake(
            "one network's names",
            "what you ask for is not there. The last layer has another name in each network (fc, classifier, head): "
            "search model.modules() for the last nn.Linear, and no name is needed.",
            lambda model, images: hooked(model, images, find=lambda m: m.classifier),
        ),
        Mistake(
            "all children but the last",
            "you run all children but the last. That is what the model does only where it is a plain row of layers: "
            "run the model itself, with a hook.",
            lambda model, images: nn.Sequential(*[*model.children()][:-1])(images),
        ),
    ),
)
