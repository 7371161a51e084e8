"""05.2 A gradient of three colours made into one map of sizes."""

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape


def _gradients(generator: torch.Generator) -> Cases:
    def draw(*shape):
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
    hints=(
        "Two steps, and their order matters: sizes first, then the largest over the colours.",
        "gradient.abs() are the sizes; the colours are dim=1.",
        "gradient.abs().amax(dim=1)",
    ),
    cases=_gradients,
    answer=lambda f, gradient: {"saliency": f(gradient)},
    judge=_judge_saliency,
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
            "mean over colours",
            "you averaged over the colours. The map is their maximum: one colour that matters is enough.",
            lambda g: g.abs().mean(dim=1),
        ),
        Mistake(
            "colours cancel",
            "you averaged the signed gradients, so red and green that pull in opposite ways cancel. "
            ".abs() first, then the maximum.",
            lambda g: g.mean(dim=1).abs(),
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
    ),
)
