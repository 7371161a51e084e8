"""06.2 A normalised step taken on a shifted image, and shifted back."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.exercises.drawing import convnet, give_weights
from labkit.exercises.slopes import gradient_by_autograd, gradient_by_nudging
from labkit.exercises.stage_06.first_logit import first_logit


def _jitter_cases(generator: torch.Generator) -> Cases:
    def case(height, width, rate, down, right):
        net = give_weights(generator, convnet(4, padding=1), gain=4).requires_grad_(False)
        image = torch.rand(1, 3, height, width, generator=generator)
        return SimpleNamespace(model=net, image=image, rate=rate, down=down, right=right)

    return {
        "rolled down 3, right 1": case(9, 11, 0.01, 3, 1),
        "rolled up 2, right 4": case(10, 8, 0.05, -2, 4),
        "not rolled": case(8, 8, 0.02, 0, 0),
    }


def _judge_jitter(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    objective, image = first_logit(case.model.double()), case.image.double()
    shift = (case.down, case.right)
    gradient = gradient_by_nudging(lambda batch: objective(batch.roll(shift, dims=(2, 3))), image)
    stepped = answer["stepped"]
    expect_shape("stepped", stepped, tuple(image.shape))
    expect_finite("stepped", stepped)
    moved = (stepped.double() - image).abs().mean().item()
    if not abs(moved - case.rate) <= 0.01 * case.rate:
        raise CheckFailed(
            f"stepped: values moved by {moved:.4g} on average, expected the rate, {case.rate:g}; "
            "divide the gradient by the mean of its absolute values"
        )
    expect_close(
        "stepped",
        stepped,
        image + case.rate * gradient / gradient.abs().mean(),
        why="the step of the image rolled, laid back where the image was",
    )


def _jittered(*, there=lambda d, r: (d, r), back=lambda d, r: (-d, -r), norm=lambda g: g.abs().mean()):
    """A wrong answer made of wrong shifts, or of a wrong size to divide by."""

    def wrong(objective, image, rate, down, right):
        rolled = image.roll(there(down, right), dims=(2, 3))
        gradient = gradient_by_autograd(objective, rolled)
        stepped = rolled + rate * gradient / norm(gradient)
        return stepped.roll(back(down, right), dims=(2, 3))

    return wrong


EXERCISE = Exercise(
    id="06.2",
    title="A normalised step, jittered",
    points=2,
    minutes=10,
    hints=(
        "Four lines: roll the image, take the gradient there, step, roll the result back.",
        "image.roll((down, right), dims=(2, 3)) rolls; the same with minus signs rolls back.",
        "A size to divide by: gradient.abs().mean() makes the average step as large as the rate.",
        "(rolled + rate * gradient / gradient.abs().mean()).roll((-down, -right), dims=(2, 3))",
    ),
    cases=_jitter_cases,
    answer=lambda f, case: {
        "stepped": f(first_logit(case.model), case.image, case.rate, case.down, case.right)
    },
    judge=_judge_jitter,
    mistakes=(
        Mistake(
            "not rolled back",
            "you return the rolled image. After a hundred steps it would have wandered off: roll it back by the "
            "same shift, with minus signs.",
            _jittered(back=lambda d, r: (0, 0)),
        ),
        Mistake(
            "rolled on",
            "you rolled the result on instead of back: the second shift needs minus signs.",
            _jittered(back=lambda d, r: (d, r)),
        ),
        Mistake(
            "no jitter",
            "the gradient is that of the image where it was. Roll first, and differentiate by the rolled image.",
            _jittered(there=lambda d, r: (0, 0), back=lambda d, r: (0, 0)),
        ),
        Mistake(
            "right and down swapped",
            "you rolled down by `right` and right by `down`. An image is (N, 3, H, W): dim 2 goes down, dim 3 right.",
            _jittered(there=lambda d, r: (r, d), back=lambda d, r: (-r, -d)),
        ),
        Mistake(
            "divided by the length",
            "you divided by the gradient's length, the root of the sum of squares, so the step shrinks as the image "
            "grows. Divide by the mean of the absolute values.",
            _jittered(norm=lambda g: g.norm()),
        ),
        Mistake(
            "not normalised",
            "you stepped by rate · gradient as it came. Its size differs a thousandfold from layer to layer: divide by "
            "the mean of its absolute values, and one rate suits them all.",
            _jittered(norm=lambda g: 1),
        ),
        Mistake(
            "the mean of signed values",
            "you divided by the mean of the gradient. Its values cancel, and the mean may even be negative, which "
            "turns the step around: .abs() first.",
            _jittered(norm=lambda g: g.mean()),
        ),
    ),
)
