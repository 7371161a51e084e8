"""06.4 The pixels that contribute least to the score become grey."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.exercises.drawing import draw_photos
from labkit.exercises.stage_06.clipping import (
    clip,
    judge_clipped,
    norm,
    of_the_batch,
    threshold_mistakes,
)
from labkit.methods.ascent import GREY


def _contribution_cases(generator: torch.Generator) -> Cases:
    def case(images: Tensor, percent: float) -> SimpleNamespace:
        gradient = torch.randn(images.shape, generator=generator)
        gradient *= torch.linspace(1, 0.5, len(images)).view(-1, 1, 1, 1)
        return SimpleNamespace(images=images, gradient=gradient, percent=percent)

    colourful = torch.rand(4, 3, 8, 11, generator=generator)
    return {
        "four images, the lowest 30 %": case(colourful, 30),
        "two photos, the lowest 90 %": case(draw_photos(generator, 2, 11), 90),
    }


def _judge_contribution(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    products = (case.images.double() - GREY) * case.gradient.double()
    sizes = (products[:, 0] + products[:, 1] + products[:, 2]).abs()
    why = "the pixels whose turning grey would move the objective least, up or down, become grey"
    judge_clipped("clipped", answer["clipped"], case.images, sizes, case.percent, why)


def _clip_by(
    sizes: Callable[[Tensor, Tensor], Tensor], how: Callable[..., Any] = clip, **options: Any
) -> Callable[[Tensor, Tensor, float], Tensor]:
    """A wrong answer made of a wrong contribution, (images, gradient) -> (N, H, W), or as in `clip`."""
    return lambda images, gradient, percent: how(lambda given: sizes(given, gradient), **options)(
        images, percent
    )


def _contribution(images: Tensor, gradient: Tensor) -> Tensor:
    return ((images - GREY) * gradient).sum(dim=1).abs()


EXERCISE = Exercise(
    id="06.4",
    title="Clip pixels of small contribution",
    points=2,
    minutes=10,
    hints=(
        "How far would the objective move if a pixel became grey? To first order by the gradient times the way that "
        "the pixel goes, 0.5 - image; up or down does not matter here, so image - 0.5 does as well.",
        "A pixel becomes grey in all its colours at once, so their three moves add, signs and all.",
        "contribution = ((images - 0.5) * gradient).sum(dim=1).abs(), and the rest is as in 06.3.",
    ),
    cases=_contribution_cases,
    answer=lambda f, case: {"clipped": f(case.images, case.gradient, case.percent)},
    judge=_judge_contribution,
    alone=each("images", "gradient"),
    mistakes=(
        Mistake(
            "sizes added",
            "you took the size of each colour before adding. A pixel turns grey in all colours at once, and what red "
            "would gain blue may lose: add first, .abs() last.",
            _clip_by(lambda images, gradient: ((images - GREY) * gradient).abs().sum(dim=1)),
        ),
        Mistake(
            "sign kept",
            "you left out .abs(), so the pixels that go first are those that work against the objective most. They are "
            "not small; gradient ascent itself takes care of them.",
            _clip_by(lambda images, gradient: ((images - GREY) * gradient).sum(dim=1)),
        ),
        Mistake(
            "gradient alone",
            "you looked at the gradient alone. A pixel that is grey already contributes nothing, however steep: "
            "multiply by image - 0.5.",
            _clip_by(lambda images, gradient: gradient.norm(dim=1)),
        ),
        Mistake(
            "against black",
            "you multiplied the gradient by the image itself: that is what would happen if the pixel became black. "
            "It becomes grey: image - 0.5.",
            _clip_by(lambda images, gradient: (images * gradient).sum(dim=1).abs()),
        ),
        Mistake(
            "gradient's sizes added",
            "you added up the sizes of the gradient. A pixel that is nearly grey contributes nearly nothing, however "
            "steep it is: multiply by image - 0.5, then add.",
            _clip_by(lambda images, gradient: gradient.abs().sum(dim=1)),
        ),
        Mistake(
            "gradient's colours added",
            "you added up the gradient of the three colours, without the way that each of them goes: "
            "multiply by image - 0.5, then add.",
            _clip_by(lambda images, gradient: gradient.sum(dim=1).abs()),
        ),
        Mistake(
            "length of the products",
            "you took the norm of the three products, in which signs are lost. The colours turn grey together, and "
            "what red would gain blue may lose: add them, .abs() last.",
            _clip_by(lambda images, gradient: ((images - GREY) * gradient).norm(dim=1)),
        ),
        Mistake(
            "the products clipped",
            "you clip images · gradient and return that. The contribution only says which pixels go: it is the images "
            "in which they become grey.",
            lambda images, gradient, percent: clip(norm)(images * gradient, percent),
        ),
        Mistake(
            "the largest product",
            "you took the largest of the three products. The colours turn grey together: add all three, .abs() last.",
            _clip_by(lambda images, gradient: ((images - GREY) * gradient).abs().amax(dim=1)),
        ),
        Mistake(
            "added before multiplied",
            "you added the colours first and multiplied the sums. Each colour has a slope of its own: multiply, "
            "then add.",
            _clip_by(lambda images, gradient: ((images - GREY).sum(dim=1) * gradient.sum(dim=1)).abs()),
        ),
        Mistake(
            "lengths multiplied",
            "you multiplied two lengths, in which all signs are lost. Multiply colour by colour, then add.",
            _clip_by(lambda images, gradient: norm(images) * gradient.norm(dim=1)),
        ),
        Mistake(
            "sizes of the gradient",
            "you took .abs() of the gradient before multiplying, so its signs are lost. Multiply, add, and .abs() "
            "last.",
            _clip_by(lambda images, gradient: ((images - GREY) * gradient.abs()).sum(dim=1).abs()),
        ),
        Mistake(
            "each colour apart",
            "you clip the three colours of a pixel apart from each other. All three turn grey or none: one number "
            "per pixel.",
            _clip_by(lambda images, gradient: ((images - GREY) * gradient).abs()),
        ),
        Mistake(
            "one threshold for the batch",
            "you took one threshold over the whole batch. Take the quantile in each image: flatten(1), dim=1.",
            _clip_by(_contribution, threshold_of=of_the_batch),
        ),
        *threshold_mistakes(
            lambda clipping=clip, **options: _clip_by(_contribution, how=clipping, **options)
        ),
        Mistake(
            "the large ones",
            "you clipped the pixels of large contribution. Those carry the picture: the small ones go.",
            _clip_by(
                _contribution, threshold_of=lambda flat, share: flat.quantile(share, dim=-1), above=True
            ),
        ),
        Mistake(
            "clipped to black",
            "you set the pixels to 0, which is black. Nothing is grey, 0.5.",
            _clip_by(_contribution, to=0.0),
        ),
        Mistake(
            "norm again",
            "you clip by norm, as in 06.3. Here a pixel is measured by what it does for the objective: "
            "the gradient has to come in.",
            _clip_by(lambda images, gradient: norm(images)),
        ),
    ),
)
