"""04.1 How many pixels a unit sees, through a chain of layers."""

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.checks.values import several
from labkit.exercises.drawing import draw_whole_number
from labkit.exercises.stage_04.chains import chain, down_on_the_way_up, written_over


def _chains(generator: torch.Generator) -> Cases:
    def layer(stride: int, dilation: int) -> tuple[int, ...]:
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
        "size": "a kernel adds (kernel - 1) · dilation steps, and a step is all strides below, multiplied",
        "stride": "the strides of all layers, multiplied",
        "start": "padding moves the first unit to the left, by steps of its own layer",
    }
    for (name, why), expected in zip(reasons.items(), _chain_by_force(layers), strict=True):
        expect_close(name, answer[name], torch.tensor(expected), why=f"{why}; layers {list(layers)}")


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
            chain(step=lambda stride, own: 1),
        ),
        Mistake(
            "own stride too early",
            "you count a layer's own stride before its kernel. The kernel steps over the layer's *input*: use the "
            "stride carried so far, then multiply.",
            chain(
                step=lambda stride, own: stride * own,
                padded=lambda padding, stride, own, dilation: -padding * stride * own,
            ),
        ),
        Mistake(
            "kernel instead of kernel - 1",
            "you add the whole kernel. A window of 3 spans 2 steps between its ends: kernel - 1.",
            chain(spanned=lambda kernel, dilation: dilation * kernel),
        ),
        Mistake(
            "dilation forgotten",
            "you leave dilation out: a dilated kernel spans dilation · (kernel - 1) steps of its input.",
            chain(spanned=lambda kernel, dilation: kernel - 1),
        ),
        Mistake(
            "padding counted in pixels",
            "you subtract the padding as if it were pixels. Padding is in steps of the layer's input, and such a "
            "step is `stride` pixels.",
            chain(padded=lambda padding, stride, own, dilation: -padding),
        ),
        Mistake(
            "start on the wrong side",
            "your start is positive. Padding lies *before* the first pixel, so unit 0 begins at a negative place.",
            chain(padded=lambda padding, stride, own, dilation: padding * stride),
        ),
        Mistake(
            "padding left out",
            "your start stays 0. Each layer's padding moves it to the left: start -= padding * stride.",
            chain(padded=lambda padding, stride, own, dilation: 0),
        ),
        Mistake(
            "padding moved by its own stride too",
            "you count the layer's own stride in its padding. Padding is in steps of the layer's *input*: multiply by "
            "the "
            "stride carried so far, before it grows.",
            chain(padded=lambda padding, stride, own, dilation: -padding * stride * own),
        ),
        Mistake(
            "padding dilated",
            "you multiply the padding by the dilation. Dilation spreads the kernel alone.",
            chain(padded=lambda padding, stride, own, dilation: -padding * stride * dilation),
        ),
        Mistake(
            "begins at 0",
            "your size begins at 0. Before any layer a unit is one pixel: size 1.",
            chain(first=0),
        ),
        Mistake(
            "dilation · kernel - 1",
            "you add dilation · kernel - 1. Dilation spreads the steps between the places: dilation · (kernel - 1).",
            chain(spanned=lambda kernel, dilation: dilation * kernel - 1),
        ),
        Mistake(
            "strides added",
            "you add the strides. A step of 2 over steps of 3 is 6 pixels: multiply.",
            chain(next_stride=lambda stride, own: stride + own),
        ),
        Mistake(
            "last stride alone",
            "your stride is that of the last layer alone. All strides, multiplied: stride *= step.",
            lambda layers: (chain()(layers)[0], layers[-1][1], chain()(layers)[2]),
        ),
        Mistake(
            "the formula for the way down",
            "(size - 1) · stride + kernel is for walking down, from the top layer to the image. On the way up the size "
            "grows by dilation · (kernel - 1) · the stride carried so far.",
            down_on_the_way_up,
        ),
        Mistake(
            "the loop writes over the stride",
            "your loop's own `stride` writes over the one that you carry. Call the layer's own something else, such as "
            "step, and end each round with stride *= step.",
            written_over,
        ),
        Mistake(
            "last layer alone",
            "only the last layer counts: each round begins anew. Set size, stride and start before the loop.",
            lambda layers: chain()(layers[-1:]),
        ),
        Mistake(
            "first layer alone",
            "only the first layer counts: the return stands inside the loop.",
            chain(until=1),
        ),
        Mistake(
            "from the top downwards",
            "you walk from the last layer to the first. The list begins at the image: walk it as it is.",
            chain(order=reversed),
        ),
        Mistake(
            "stride first",
            "you return stride, size, start. The order is size, stride, start.",
            chain(last=lambda size, stride, start: (stride, size, start)),
        ),
        Mistake(
            "stride last",
            "you return size, start, stride. The order is size, stride, start.",
            chain(last=lambda size, stride, start: (size, start, stride)),
        ),
    ),
)
