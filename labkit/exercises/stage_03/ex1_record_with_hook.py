"""03.1 A layer's output, recorded by a hook that comes off again."""

from collections import OrderedDict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake, each
from labkit.checks.expect import expect_close
from labkit.exercises.passes import changed, passes_through
from labkit.exercises.stage_03.hooked import hooked, one_after_another, swallowed, switched_off
from labkit.exercises.stage_03.networks import BreakDown, Crossed


def chain(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


def _hook_cases(generator: torch.Generator) -> Cases:
    """Networks that write into their own maps, hide the layer in a block, run crosswise, or fail behind it."""

    def case(layer: str, net: nn.Module, way: tuple[str, ...], *, breaks: bool = False) -> SimpleNamespace:
        for parameter in net.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        images = torch.rand(2, 3, 8, 9, generator=generator)
        return SimpleNamespace(net=net, layer=layer, images=images, way=way, breaks=breaks)

    block = chain(conv=nn.Conv2d(4, 5, 3), relu=nn.ReLU6(inplace=True))
    return {
        "a block, and layers behind it": case(
            "block", chain(stem=nn.Conv2d(3, 4, 3), block=block, head=nn.Conv2d(5, 2, 1)), ("stem", "block")
        ),
        "an in-place ReLU follows": case(
            "conv",
            chain(conv=nn.Conv2d(3, 6, 3), relu=nn.ReLU(inplace=True), last=nn.Conv2d(6, 4, 3)),
            ("conv",),
        ),
        "layers that run in another order": case("block", Crossed(), ("stem", "block")),
        "a layer inside a block": case(
            "features.2", chain(features=nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 3)),
                                head=nn.Conv2d(3, 2, 1)),
            ("features.0", "features.1", "features.2"),
        ),
        "the network breaks down behind the layer": case(
            "conv", chain(conv=nn.Conv2d(3, 4, 3), broken=BreakDown()), ("conv",), breaks=True
        ),
    }  # fmt: skip


def _record(function: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
    """The maps, where there can be any, and what the function left on the network."""
    raised = False
    try:
        with passes_through(case.net) as seen:
            maps = function(case.net, case.images, case.layer)
    except RuntimeError as error:
        if not case.breaks or "on purpose" not in str(error):
            raise
        maps, raised = torch.zeros(0), True
    hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in case.net.modules())
    attached = bool(getattr(maps, "requires_grad", False))
    other = changed(case.net, seen)
    return {
        "maps": maps, "hooks": hooks, "attached": attached, "raised": raised, "passes changed": other
    }  # fmt: skip


def _judge_record(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    if not case.breaks:
        x = case.images
        for name in case.way:
            x = case.net.get_submodule(name)(x)
        expect_close(
            "maps", answer["maps"], x.detach(), why="what the layer itself puts out, before the next one runs"
        )
    if answer["hooks"] != 0:
        raise CheckFailed(
            f"hooks: {int(answer['hooks'])} still on the network after your function, expected none; "
            "the next one who runs it runs your hook too"
        )
    if answer["attached"]:
        raise CheckFailed(
            "maps: expected plain numbers, got a tensor that still requires grad", mistake="still attached"
        )
    if count := int(answer["passes changed"]):
        raise CheckFailed(
            f"the network: with your hook on, {count} of its passes put out something else than without it",
            mistake="hook that returns a value",
        )
    if case.breaks and not answer["raised"]:
        raise CheckFailed(
            "error: the network raises one half-way; expected it to come out of your function",
            mistake="error swallowed",
        )


EXERCISE = Exercise(
    id="03.1",
    title="A hook that takes a copy and comes off",
    points=2,
    minutes=12,
    core=True,
    hints=(
        "layer.register_forward_hook(f) calls f(module, inputs, output) whenever the layer runs, and returns a handle.",
        "An in-place ReLU behind the layer writes into the tensor that your hook got: keep output.detach().clone().",
        "handle.remove() has to run also when net(images) fails: try: … finally: …",
        "With seen = {}: handle = net.get_submodule(layer).register_forward_hook("
        "lambda m, i, o: seen.update(maps=o.detach().clone())), then net(images) between try: and "
        'finally: handle.remove(), then return seen["maps"]',
    ),
    cases=_hook_cases,
    answer=_record,
    judge=_judge_record,
    alone=lambda case: [] if case.breaks else each("images")(case),
    mistakes=(
        Mistake(
            "no copy taken",
            "you kept the layer's output itself, and the in-place ReLU behind it has since overwritten it: the "
            "values below zero are gone. Keep output.clone().",
            lambda *a: hooked(*a, keep=lambda output: output.detach()),
        ),
        Mistake(
            "hook stays on",
            "the hook is still on the network. register_forward_hook returns a handle: call its remove().",
            lambda *a: hooked(*a, remove="never"),
        ),
        Mistake(
            "hook stays on after a failure",
            "your hook comes off only if all goes well. When net(images) fails, the line behind it never runs: "
            "put remove() in a finally block.",
            lambda *a: hooked(*a, remove="at the end"),
        ),
        Mistake(
            "input instead of output",
            "you kept what goes into the layer. A hook gets (module, inputs, output): take the third.",
            lambda *a: hooked(*a, inputs=True),
        ),
        Mistake(
            "still attached",
            "the maps still hang on the autograd graph and keep all of it in memory. Add .detach(), or run the "
            "network under torch.no_grad().",
            lambda *a: hooked(*a, keep=lambda output: output.clone()),
        ),
        Mistake(
            "names without a dot only",
            "a name such as features.2 is a layer inside a block, which getattr does not find: "
            "net.get_submodule(name) does.",
            lambda *a: hooked(*a, find=getattr),
        ),
        Mistake(
            "outermost layers only",
            "named_children holds the outermost layers only. Layers inside a block have names with a dot: "
            "net.get_submodule(name), or dict(net.named_modules())[name].",
            lambda *a: hooked(*a, find=lambda net, name: dict(net.named_children())[name]),
        ),
        Mistake(
            "layers one after another",
            "you run the layers one after another. What they are fed with is written in the network's forward, and "
            "need not be the order of their definition: hang a hook on the layer and run the network itself.",
            one_after_another,
        ),
        Mistake(
            "hook off too early",
            "nothing stands where you look for it: the hook was off again, or not yet on, when the network ran; or the "
            "network has not run, or the hook keeps nothing. First register, then run, then remove.",
            lambda *a: hooked(*a, remove="at once"),
        ),
        Mistake(
            "hook that returns a value",
            "your hook returns a value, and what a hook returns takes the place of what the layer puts out. A hook "
            "that only looks returns nothing.",
            lambda *a: hooked(*a, returns=lambda output: output.sign()),
        ),
        Mistake(
            "output of the network",
            "you return what the whole network puts out. The task asks for the output of one layer: its hook's third "
            "argument.",
            lambda net, images, layer: net(images).detach(),
        ),
        Mistake(
            "error swallowed",
            "when the network fails, your function says nothing. Let the error through and only tidy up: finally: "
            "without except, and no return inside finally.",
            swallowed,
        ),
        Mistake(
            "in-place switched off",
            "you switched the in-place layers off and left them so. Leave the network as it is and take a copy: "
            "output.detach().clone().",
            switched_off,
        ),
    ),
)
