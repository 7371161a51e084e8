"""06.4 The pixels that contribute least to the score become grey."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.exercises.drawing import draw_photos
from labkit.exercises.stage_06.clipping import clip, judge_clipped, norm
from labkit.methods.ascent import GREY


def _contribution_cases(generator: torch.Generator) -> Cases:
    def case(count, size, percent):
        gradient = torch.randn(count, 3, size, size, generator=generator)
        return SimpleNamespace(images=draw_photos(generator, count, size), gradient=gradient, percent=percent)

    return {"two photos, the lowest 90 %": case(2, 12, 90), "a photo, the lowest 40 %": case(1, 10, 40)}


def _judge_contribution(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    products = (case.images.double() - GREY) * case.gradient.double()
    sizes = (products[:, 0] + products[:, 1] + products[:, 2]).abs()
    why = "the pixels whose turning grey would move the objective least, up or down, become grey"
    judge_clipped("clipped", answer["clipped"], case.images, sizes, case.percent, why)


def _clip_by(sizes):
    """A wrong answer made of a wrong contribution, (images, gradient) -> (N, H, W)."""
    return lambda images, gradient, percent: clip(lambda given: sizes(given, gradient))(images, percent)


EXERCISE = Exercise(
    id="06.4",
    title="Clip pixels of small contribution",
    points=2,
    minutes=10,
    hints=(
        "How far would the objective move if a pixel became grey? By the gradient times the way it would go: "
        "gradient · (image - 0.5), to first order.",
        "A pixel becomes grey in all its colours at once, so their three moves add, signs and all.",
        "contribution = ((images - 0.5) * gradient).sum(dim=1).abs(), and the rest is as in 06.3.",
    ),
    cases=_contribution_cases,
    answer=lambda f, case: {"clipped": f(case.images, case.gradient, case.percent)},
    judge=_judge_contribution,
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
            "norm again",
            "you clip by norm, as in 06.3. Here a pixel is measured by what it does for the objective: "
            "the gradient has to come in.",
            _clip_by(lambda images, gradient: norm(images)),
        ),
    ),
)
