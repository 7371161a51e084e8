"""01.1 The first convolution of any network, found by walking through it."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.methods import filters as reference


def _networks(generator: torch.Generator) -> Cases:
    """Networks that hide their first convolution in different places, with weights of their own."""
    stem = nn.Sequential(OrderedDict(project=nn.Conv2d(3, 6, 7, stride=2), norm=nn.BatchNorm2d(6)))
    networks: dict[str, nn.Module] = {
        "a plain stack": nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Conv2d(8, 3, 3)),
        "a stem inside a block": nn.Sequential(OrderedDict(stem=stem, head=nn.Conv2d(6, 4, 1))),
        "colours normalised first": nn.Sequential(
            nn.BatchNorm2d(3), nn.Conv2d(3, 4, (3, 5)), nn.Conv2d(4, 3, 3), nn.Conv2d(3, 9, 3)
        ),
    }
    networks["a single convolution"] = nn.Conv2d(3, 4, 3)
    for net in networks.values():
        for parameter in net.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
    return networks


def _judge_first_layer(net: nn.Module, answer: dict[str, Tensor]) -> None:
    expect_close(
        "filters", answer["filters"], reference.first_convolution(net), why="the weights as they are"
    )
    if answer["attached"]:
        raise CheckFailed(
            "filters: expected plain numbers, got a tensor that still requires grad", mistake="still attached"
        )


def _first_parameter(net: nn.Module) -> Tensor:
    return next(net.parameters()).detach()


def _last_convolution(net: nn.Module) -> Tensor:
    return _convolutions(net.modules())[-1].weight.detach()


def _features_0(net: Any) -> Tensor:
    weight: Tensor = net.features[0].weight
    return weight.detach()


def _convolutions(modules: Iterable[nn.Module]) -> list[nn.Conv2d]:
    return [module for module in modules if isinstance(module, nn.Conv2d)]


def _frozen(net: nn.Module) -> Tensor:
    weight = _convolutions(net.modules())[0].weight
    weight.requires_grad = False
    return weight


EXERCISE = Exercise(
    id="01.1",
    title="The first convolution of any network",
    points=1,
    minutes=6,
    core=True,
    hints=(
        "net.modules() walks through all modules, also those inside blocks, in the order of their definition.",
        "isinstance(module, nn.Conv2d) tells a convolution; return at the first one.",
        "return module.weight.detach()",
    ),
    cases=_networks,
    answer=lambda f, net: {"filters": (found := f(net)), "attached": getattr(found, "requires_grad", False)},
    judge=_judge_first_layer,
    mistakes=(
        Mistake(
            "first parameter",
            "you return the network's first parameter, whatever it belongs to. Here a batch norm comes "
            "first, and its weights are no filters: look for an nn.Conv2d.",
            _first_parameter,
        ),
        Mistake(
            "last convolution",
            "you return the last convolution: the loop goes on after the first one. Return, or break.",
            _last_convolution,
        ),
        Mistake(
            "one network's names",
            "what you ask for is not there. Names differ from network to network (features[0] in AlexNet, conv1 in "
            "ResNet), and not every module has weights: search net.modules() for an nn.Conv2d.",
            _features_0,
        ),
        Mistake(
            "colours last",
            "you moved the colours to the end, as matplotlib wants them. Keep (K, 3, h, w) here; "
            "the drawing turns them later.",
            lambda net: reference.first_convolution(net).permute(0, 2, 3, 1),
        ),
        Mistake(
            "still attached",
            "these are still the network's own parameters: what you do to them, autograd records. "
            "Add .detach() for numbers to look at.",
            lambda net: _convolutions(net.modules())[0].weight,
        ),
        Mistake(
            "frozen",
            "you set requires_grad = False on the network's own weights, so it could not be trained any more. "
            ".detach() gives you plain numbers and leaves the network as it is.",
            _frozen,
        ),
        Mistake(
            "blocks not entered",
            "net.children() and net[0] do not look inside blocks, and here the first convolution is inside one. "
            "net.modules() walks through everything.",
            lambda net: _convolutions(net.children())[0].weight.detach(),
        ),
        Mistake(
            "largest convolution",
            "you return the convolution with the most filters or weights. The task asks for the first.",
            lambda net: max(_convolutions(net.modules()), key=lambda c: c.weight.numel()).weight.detach(),
        ),
        Mistake(
            "all convolutions",
            "you return the weights of every convolution. Return at the first one.",
            lambda net: [c.weight.detach() for c in _convolutions(net.modules())],
        ),
        Mistake(
            "the layer itself",
            "you return the layer. Its filters are layer.weight.",
            lambda net: _convolutions(net.modules())[0],
        ),
    ),
)
