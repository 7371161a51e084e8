"""03.1 A layer's output, recorded by a hook that comes off again."""

from collections import OrderedDict
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close


class _BreakDown(nn.Module):
    def forward(self, x):
        raise RuntimeError("this network breaks down half-way, on purpose: does your hook still come off?")


def _hook_cases(generator: torch.Generator) -> Cases:
    """Networks that write into their own maps, hide the layer in a block, or fail behind it."""

    def case(layer, modules, *, breaks=False):
        net = nn.Sequential(OrderedDict(modules))
        for parameter in net.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        return SimpleNamespace(
            net=net, layer=layer, images=torch.rand(2, 3, 8, 8, generator=generator), breaks=breaks
        )

    block = nn.Sequential(OrderedDict(conv=nn.Conv2d(4, 5, 3), relu=nn.ReLU6(inplace=True)))
    return {
        "a block, and layers behind it": case(
            "block", [("stem", nn.Conv2d(3, 4, 3)), ("block", block), ("head", nn.Conv2d(5, 2, 1))]
        ),
        "an in-place ReLU follows": case(
            "conv",
            [("conv", nn.Conv2d(3, 6, 3)), ("relu", nn.ReLU(inplace=True)), ("last", nn.Conv2d(6, 4, 3))],
        ),
        "the network breaks down behind the layer": case(
            "conv", [("conv", nn.Conv2d(3, 4, 3)), ("broken", _BreakDown())], breaks=True
        ),
    }


def _record(function, case) -> dict:
    """The maps, where there can be any, and what the function left on the network."""
    try:
        maps = function(case.net, case.images, case.layer)
    except RuntimeError as error:
        if not case.breaks or "on purpose" not in str(error):
            raise
        maps = torch.zeros(0)
    hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in case.net.modules())
    return {"maps": maps, "hooks": hooks, "attached": bool(getattr(maps, "requires_grad", False))}


def _judge_record(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    if not case.breaks:
        x = case.images
        for name, module in case.net.named_children():
            x = module(x)
            if name == case.layer:
                break
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


def _hooked(
    net, batch, layer, *, keep=lambda output: output.detach().clone(), inputs=False, remove=True, safe=True
):
    seen: dict[str, Tensor] = {}
    handle = net.get_submodule(layer).register_forward_hook(
        lambda module, given, output: seen.update(maps=keep(given[0] if inputs else output))
    )
    try:
        net(batch)
    except RuntimeError:
        if safe and remove:
            handle.remove()
        raise
    if remove:
        handle.remove()
    return seen["maps"]


EXERCISE = Exercise(
    id="03.1",
    title="A hook that takes a copy and comes off",
    points=2,
    minutes=12,
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
    mistakes=(
        Mistake(
            "no copy taken",
            "you kept the layer's output itself, and the in-place ReLU behind it has since overwritten it: the "
            "values below zero are gone. Keep output.clone().",
            lambda *a: _hooked(*a, keep=lambda output: output.detach()),
        ),
        Mistake(
            "hook stays on",
            "the hook is still on the network. register_forward_hook returns a handle: call its remove().",
            lambda *a: _hooked(*a, remove=False),
        ),
        Mistake(
            "hook stays on after a failure",
            "your hook comes off only if all goes well. When net(images) fails, the line behind it never runs: "
            "put remove() in a finally block.",
            lambda *a: _hooked(*a, safe=False),
        ),
        Mistake(
            "input instead of output",
            "you kept what goes into the layer. A hook gets (module, inputs, output): take the third.",
            lambda *a: _hooked(*a, inputs=True),
        ),
        Mistake(
            "still attached",
            "the maps still hang on the autograd graph and keep all of it in memory. Add .detach(), or run the "
            "network under torch.no_grad().",
            lambda *a: _hooked(*a, keep=lambda output: output.clone()),
        ),
    ),
)
