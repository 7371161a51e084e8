"""04.1 How many pixels a unit sees, through a chain of layers."""

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.checks.values import several
from labkit.exercises.drawing import draw_whole_number


def _chains(generator: torch.Generator) -> Cases:
    def layer(stride, dilation):
        return (draw_whole_number(generator, 2, 4), stride, draw_whole_number(generator, 1, 2), dilation)

    return {
        "AlexNet's first two layers": ((11, 4, 2, 1), (3, 2, 0, 1)),
        "strides between convolutions": (layer(1, 1), layer(2, 1), layer(3, 1), layer(1, 1)),
        "dilation behind a stride": (layer(2, 1), layer(1, 3), layer(2, 2), layer(1, 2)),
        "one 1 × 1 convolution": ((1, 1, 0, 1),),
    }


def _chain_by_force(layers: tuple[tuple[int, ...], ...]) -> tuple[int, int, int]:
    """Size, stride and start from the gradients of two neighbouring units of a real chain, in one dimension."""
    pixels = torch.zeros(1, 1, 400, dtype=torch.float64, requires_grad=True)
    row = pixels
    for kernel, stride, padding, dilation in layers:
        weight = torch.ones(1, 1, kernel, dtype=torch.float64)
        row = torch.conv1d(row, weight, stride=stride, padding=padding, dilation=dilation)
    unit = row.shape[2] // 2
    seen = []
    for neighbour in (unit, unit + 1):
        (gradient,) = torch.autograd.grad(row[0, 0, neighbour], pixels, retain_graph=True)
        seen.append(gradient[0, 0].nonzero()[:, 0])
    stride = int(seen[1][0] - seen[0][0])
    return int(seen[0][-1] - seen[0][0]) + 1, stride, int(seen[0][0]) - unit * stride


def _judge_chain(layers: tuple[tuple[int, ...], ...], answer: dict[str, Tensor]) -> None:
    reasons = {
        "size": "a kernel adds (kernel - 1) · dilation steps, and a step is as many pixels as all strides below it",
        "stride": "the strides of all layers, multiplied",
        "start": "padding moves the first unit to the left, by steps of its own layer",
    }
    for (name, why), expected in zip(reasons.items(), _chain_by_force(layers), strict=True):
        expect_close(name, answer[name], torch.tensor(expected), why=f"{why}; layers {list(layers)}")


def _chain(layers, *, size=1, minus=1, scaled=True, early=False, dilated=True, moved=True, sign=-1):
    jump, start = 1, 0
    for kernel, stride, padding, dilation in layers:
        jump = jump * stride if early else jump
        size += (dilation if dilated else 1) * (kernel - minus) * (jump if scaled else 1)
        start += sign * padding * (jump if moved else 1)
        jump = jump if early else jump * stride
    return size, jump, start


EXERCISE = Exercise(
    id="04.1",
    title="How far a unit sees",
    points=2,
    minutes=12,
    hints=(
        "Walk upwards from the image, and carry three numbers along. Before any layer a unit is a pixel: "
        "size 1, stride 1, start 0.",
        "One step in a layer's input is `stride` pixels, where stride is what you carry so far, not the layer's "
        "own. A kernel spans dilation · (kernel - 1) such steps.",
        "size += dilation * (kernel - 1) * stride; start -= padding * stride; and only then stride *= step.",
    ),
    cases=_chains,
    answer=lambda f, layers: several(("size", "stride", "start"), f(layers)),
    judge=_judge_chain,
    mistakes=(
        Mistake(
            "strides below forgotten",
            "you add (kernel - 1) pixels a layer, as if there were no stride below it. One step of the kernel is "
            "as many pixels as the strides below, multiplied.",
            lambda layers: _chain(layers, scaled=False),
        ),
        Mistake(
            "own stride too early",
            "you count a layer's own stride before its kernel. The kernel steps over the layer's *input*: use the "
            "stride carried so far, then multiply.",
            lambda layers: _chain(layers, early=True),
        ),
        Mistake(
            "kernel instead of kernel - 1",
            "you add the whole kernel. A window of 3 spans 2 steps between its ends: kernel - 1.",
            lambda layers: _chain(layers, minus=0),
        ),
        Mistake(
            "dilation forgotten",
            "you leave dilation out: a dilated kernel spans dilation · (kernel - 1) steps of its input.",
            lambda layers: _chain(layers, dilated=False),
        ),
        Mistake(
            "padding counted in pixels",
            "you subtract the padding as if it were pixels. Padding is in steps of the layer's input, and such a "
            "step is `stride` pixels.",
            lambda layers: _chain(layers, moved=False),
        ),
        Mistake(
            "start on the wrong side",
            "your start is positive. Padding lies *before* the first pixel, so unit 0 begins at a negative place.",
            lambda layers: _chain(layers, sign=1),
        ),
    ),
)
