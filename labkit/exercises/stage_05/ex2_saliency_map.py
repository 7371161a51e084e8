"""05.2 A gradient of three colours made into one map of sizes."""

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_between, expect_close, expect_shape


def _gradients(generator: torch.Generator) -> Cases:
    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    return {
        "two gradients": draw(2, 3, 6, 5),
        "all below zero": -draw(1, 3, 4, 4).abs() - 0.1,
        "small ones": draw(1, 3, 4, 7) * 0.01,
    }


def _judge_saliency(gradient: Tensor, answer: dict[str, Tensor]) -> None:
    saliency = answer["saliency"]
    N, _, H, W = gradient.shape
    expect_shape("saliency", saliency, (N, H, W))
    expect_between("saliency", saliency, 0, torch.inf, why="a size is not negative", slack=0)
    red, green, blue = gradient.abs().unbind(1)
    expect_close(
        "saliency",
        saliency,
        torch.maximum(torch.maximum(red, green), blue),
        why="the largest size among a pixel's three colours",
        atol=1e-6,
    )


EXERCISE = Exercise(
    id="05.2",
    title="From a gradient to a saliency map",
    points=1,
    minutes=5,
    core=True,
    hints=(
        "Two steps, and their order matters: sizes first, then the largest over the colours.",
        "gradient.abs() are the sizes; the colours are dim=1.",
        "gradient.abs().amax(dim=1)",
    ),
    cases=_gradients,
    answer=lambda f, gradient: {"saliency": f(gradient)},
    judge=_judge_saliency,
    alone=each(),
    mistakes=(
        Mistake(
            "sign kept",
            "you took the largest gradient and not the largest size. A pixel that lowers the score matters as "
            "much as one that raises it: .abs() first.",
            lambda g: g.amax(dim=1),
        ),
        Mistake(
            "size taken last",
            "you took the largest colour first and its size after: -3 lost against 1 before abs could save it. "
            ".abs() first.",
            lambda g: g.amax(dim=1).abs(),
        ),
        Mistake(
            "root mean square",
            "you took the root of the mean of the squares. The map is the largest of the three sizes.",
            lambda g: g.square().mean(dim=1).sqrt(),
        ),
        Mistake(
            "the smallest",
            "you took the smallest of the three sizes: amin for amax.",
            lambda g: g.abs().amin(dim=1),
        ),
        Mistake(
            "mean over colours",
            "you averaged over the colours. The map is their maximum: one colour that matters is enough.",
            lambda g: g.abs().mean(dim=1),
        ),
        Mistake(
            "colours cancel",
            "you averaged the signed gradients, so red and green that pull in opposite directions cancel. "
            ".abs() first, then the maximum.",
            lambda g: g.mean(dim=1).abs(),
        ),
        Mistake(
            "sum over colours",
            "you added the three colours up. The map is their maximum: amax(dim=1) in place of sum(dim=1).",
            lambda g: g.abs().sum(dim=1),
        ),
        Mistake(
            "length of the colours",
            "you took the length of the three colours as a vector, the root of the sum of their squares. "
            "The map is the largest of the three.",
            lambda g: g.norm(dim=1),
        ),
        Mistake(
            "only what raises the score",
            "you dropped the gradients below 0. A pixel that lowers the score matters as much as one that raises it: "
            ".abs() in place of a clamp or ReLU.",
            lambda g: g.clamp(min=0).amax(dim=1),
        ),
        Mistake(
            "which colour",
            "you return which colour is the largest, 0, 1 or 2, and not how large it is: amax, or .max(dim=1).values.",
            lambda g: g.abs().argmax(dim=1),
        ),
        Mistake(
            "along the batch",
            "you took the maximum along dim=0, which runs over the photos. The colours are dim=1.",
            lambda g: g.abs().amax(dim=0),
        ),
        Mistake(
            "along a row",
            "you took the maximum along the last dimension, which runs along a row of pixels. The colours are dim=1.",
            lambda g: g.abs().amax(dim=-1),
        ),
        Mistake(
            "one number per photo",
            "you took the maximum over a photo's pixels as well. Each pixel gets a number of its own: dim=1 alone.",
            lambda g: g.abs().amax(dim=(1, 2, 3)),
        ),
        Mistake(
            "one number for all",
            "you took the maximum of all values at once. Each pixel gets a number of its own: give amax its dim=1.",
            lambda g: g.abs().amax(),
        ),
        Mistake(
            "one colour",
            "you look at the first colour only. Each pixel has three: the largest of them counts.",
            lambda g: g[:, 0].abs(),
        ),
        Mistake(
            "dimension kept",
            "the colour dimension is still there, with size 1. Leave out keepdim: (N, H, W).",
            lambda g: g.abs().amax(dim=1, keepdim=True),
        ),
        Mistake(
            "scaled for display",
            "you divided each map by its largest value. That is for drawing; "
            "here it loses how much one photo's pixels matter against another's.",
            lambda g: g.abs().amax(dim=1) / g.abs().amax(dim=(1, 2, 3), keepdim=True)[:, 0],
        ),
        Mistake(
            "scaled by the batch",
            "you divided by the largest value of the whole batch, so a photo's map depends on the photos beside it. "
            "Return the sizes as they are.",
            lambda g: g.abs().amax(dim=1) / g.abs().amax(),
        ),
    ),
)
