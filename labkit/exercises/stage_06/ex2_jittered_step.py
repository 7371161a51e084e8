"""06.2 A normalised step taken on a shifted image, and shifted back."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_shape
from labkit.exercises.drawing import convnet, give_weights
from labkit.exercises.slopes import Score, gradient_by_autograd, gradient_by_nudging
from labkit.exercises.stage_06.first_logit import first_logit

Shift = Callable[[Tensor, int, int], Tensor]  # image, down, right -> image


def _jitter_cases(generator: torch.Generator) -> Cases:
    def case(height: int, width: int, rate: float, down: int, right: int) -> SimpleNamespace:
        net = give_weights(generator, convnet(4, padding=1), gain=4).requires_grad_(False)
        image = torch.rand(1, 3, height, width, generator=generator)
        return SimpleNamespace(model=net, image=image, rate=rate, down=down, right=right)

    return {
        "rolled down 3, right 1": case(7, 9, 0.05, 3, 1),
        "rolled up 2, right 3": case(9, 8, 0.1, -2, 3),
        "not rolled": case(6, 7, 0.02, 0, 0),
    }


def _judge_jitter(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    objective, image = first_logit(case.model.double()), case.image.double()
    shift = (case.down, case.right)
    gradient = gradient_by_nudging(lambda batch: objective(batch.roll(shift, dims=(2, 3))), image)
    stepped = answer["stepped"]
    expect_shape("stepped", stepped, tuple(image.shape))
    moved = stepped.double() - image
    expect_close(
        "stepped - image",
        moved,
        case.rate * gradient / gradient.abs().mean(),
        why=f"the step of the image rolled, laid back where the image was; values moved by {moved.abs().mean():.4g} on "
        f"average, and the rate is {case.rate:g}",
    )


def _unit(gradient: Tensor) -> Tensor:
    return gradient / gradient.abs().mean()


def _roll(image: Tensor, down: int, right: int) -> Tensor:
    return image.roll((down, right), dims=(2, 3))


def _jittered(
    *,
    there: Shift = _roll,
    back: Shift = lambda image, down, right: _roll(image, -down, -right),
    step: Callable[[Tensor], Tensor] = _unit,
) -> Callable[..., Tensor]:
    """A wrong answer made of wrong shifts, or of a wrong step: gradient -> what is multiplied by the rate."""

    def wrong(objective: Score, image: Tensor, rate: float, down: int, right: int) -> Tensor:
        rolled = there(image, down, right)
        stepped = rolled + rate * step(gradient_by_autograd(objective, rolled))
        return back(stepped, down, right)

    return wrong


def _added_to(*, place: Shift) -> Callable[..., Tensor]:
    """A wrong answer: the step is added to the image that was not rolled, and rolled back or not."""

    def wrong(objective: Score, image: Tensor, rate: float, down: int, right: int) -> Tensor:
        step = rate * _unit(gradient_by_autograd(objective, _roll(image, down, right)))
        return place(image + step, down, right)

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
            _jittered(back=lambda image, down, right: image),
        ),
        Mistake(
            "rolled on",
            "you rolled the result on instead of back: the second shift needs minus signs.",
            _jittered(back=_roll),
        ),
        Mistake(
            "no jitter",
            "the gradient is that of the image where it was. Roll first, and differentiate by the rolled image.",
            _jittered(there=lambda image, down, right: image, back=lambda image, down, right: image),
        ),
        Mistake(
            "right and down swapped",
            "you rolled down by `right` and right by `down`. An image is (N, 3, H, W): dim 2 goes down, dim 3 right.",
            _jittered(there=lambda x, d, r: _roll(x, r, d), back=lambda x, d, r: _roll(x, -r, -d)),
        ),
        Mistake(
            "divided by the length",
            "you divided by the gradient's length, the root of the sum of squares, so the step shrinks as the image "
            "grows. Divide by the mean of the absolute values.",
            _jittered(step=lambda g: g / g.norm()),
        ),
        Mistake(
            "not normalised",
            "you stepped by rate · gradient as it came. Its size differs a thousandfold from layer to layer: divide by "
            "the mean of its absolute values, and one rate suits them all.",
            _jittered(step=lambda g: g),
        ),
        Mistake(
            "the mean of signed values",
            "you divided by the mean of the gradient. Its values cancel, and the mean may even be negative, which "
            "turns the step around: .abs() first.",
            _jittered(step=lambda g: g / g.mean()),
        ),
        Mistake(
            "there and back not alike",
            "you roll back by `right` downwards and by `down` sideways, so the image does not come back to its place. "
            "There and back take the same order, down and then right, dims=(2, 3).",
            _jittered(back=lambda image, down, right: _roll(image, -right, -down)),
        ),
        Mistake(
            "up and left",
            "you roll up and left, and back again. Plus is down and right: image.roll((down, right), dims=(2, 3)).",
            _jittered(there=lambda x, d, r: _roll(x, -d, -r), back=_roll),
        ),
        Mistake(
            "down only",
            "you roll down and back up, and never to the side: roll by (down, right) along dims=(2, 3).",
            _jittered(there=lambda x, d, r: _roll(x, d, 0), back=lambda x, d, r: _roll(x, -d, 0)),
        ),
        Mistake(
            "the step not rolled back",
            "you add the rolled image's step to the image that was not rolled, so each part of it lands beside its "
            "place. Add it to the rolled image, and roll the sum back.",
            _added_to(place=lambda image, down, right: image),
        ),
        Mistake(
            "back without there",
            "you add the step to the image that was not rolled, and roll the sum back, so the image moves away. "
            "Add the step to the rolled image.",
            _added_to(place=lambda image, down, right: _roll(image, -down, -right)),
        ),
        Mistake(
            "downhill",
            "you step down: the score gets smaller. Add the step.",
            _jittered(step=lambda g: -_unit(g)),
        ),
        Mistake(
            "by its sign",
            "you step by the gradient's sign, so every value moves by the rate. By the rate on average is asked for: "
            "divide by the mean of the absolute values.",
            _jittered(step=torch.sign),
        ),
        Mistake(
            "each colour by itself",
            "you divide each colour by a mean of its own. It is one mean over all values of the gradient.",
            _jittered(step=lambda g: g / g.abs().mean(dim=(2, 3), keepdim=True)),
        ),
        Mistake(
            "root mean square",
            "you divide by the root of the mean square. Then the root mean square of the step is the rate; "
            "here the mean of its absolute values is to be.",
            _jittered(step=lambda g: g / g.square().mean().sqrt()),
        ),
        Mistake(
            "clamped",
            "you clamp to 0..1. That comes later, in 06.5; here the step is asked for as it is.",
            lambda *case: _jittered()(*case).clamp(0, 1),
        ),
    ),
)
