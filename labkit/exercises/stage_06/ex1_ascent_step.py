"""06.1 One step up a logit, with the L2 term that holds the image near grey."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import convnet, draw_photo, give_weights
from labkit.exercises.slopes import gradient_by_autograd, gradient_by_nudging
from labkit.methods.ascent import GREY


def _step_cases(generator: torch.Generator) -> Cases:
    def case(image: Tensor, rate: float, weight: float) -> SimpleNamespace:
        target = int(torch.randint(4, (), generator=generator))
        net = give_weights(generator, convnet(4, padding=1), gain=4).requires_grad_(False)
        return SimpleNamespace(model=net, image=image, target=target, rate=rate, weight=weight)

    return {
        "a photo, far up": case(draw_photo(generator, 7, 9), 0.4, 2.5),
        "a photo, hardly regularised": case(draw_photo(generator, 8, 6), 0.1, 0.02),
        "plain grey": case(torch.full((1, 3, 6, 7), GREY), 0.05, 0.5),
    }


def _judge_step(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    model, image = case.model.double(), case.image.double()
    objective = lambda nudged: (
        model(nudged)[:, case.target] - case.weight * (nudged - GREY).square().sum(dim=(1, 2, 3))
    )
    expect_close(
        "stepped",
        answer["stepped"],
        image + case.rate * gradient_by_nudging(objective, image),
        why="image + rate · slope, the slope of logit - weight · distance² (measured by nudging each value)",
    )


def _move(image: Tensor, rate: float, gradient: Tensor) -> Tensor:
    return image + rate * gradient


def _step_up(
    penalty: Callable[[Tensor], Tensor | float],
    *,
    move: Callable[[Tensor, float, Tensor], Tensor] = _move,
    score: Callable[[Tensor, int], Tensor] = lambda logits, target: logits[0, target],
) -> Callable[..., Tensor]:
    """A wrong answer. penalty: image -> what is added to the score;  move: (image, rate, gradient) -> image."""

    def wrong(model: nn.Module, image: Tensor, target: int, rate: float, weight: float) -> Tensor:
        def objective(leaf: Tensor) -> Tensor:
            return score(model(leaf), target) + weight * penalty(leaf)

        return move(image, rate, gradient_by_autograd(objective, image))

    return wrong


def _distance(image: Tensor) -> Tensor:
    return (image - GREY).square().sum()


def _right(image: Tensor) -> Tensor:
    return -_distance(image)


def _decay_afterwards(model: nn.Module, image: Tensor, target: int, rate: float, weight: float) -> Tensor:
    stepped = _step_up(lambda image: 0)(model, image, target, rate, weight)
    return stepped - rate * weight * 2 * (stepped - GREY)


EXERCISE = Exercise(
    id="06.1",
    title="One step up, with the L2 term",
    points=2,
    minutes=10,
    core=True,
    hints=(
        "Write the score and its penalty as one number and let autograd do the rest: you need only one gradient.",
        "The penalty grows with the distance from grey, and you want little of it: it enters with a minus.",
        "score = model(leaf)[0, target] - weight * (leaf - 0.5).square().sum()",
        "(gradient,) = torch.autograd.grad(score, leaf), then image + rate * gradient",
    ),
    cases=_step_cases,
    answer=lambda f, case: {"stepped": f(case.model, case.image, case.target, case.rate, case.weight)},
    judge=_judge_step,
    mistakes=(
        Mistake(
            "rewarded for being loud",
            "your L2 term has the wrong sign: it pushes every pixel away from grey, and faster the further it "
            "is. It is a penalty: subtract weight · distance².",
            _step_up(_distance),
        ),
        Mistake(
            "downhill",
            "you step down: the score gets smaller. Training subtracts a loss's gradient; here you add the "
            "gradient of what is to become large.",
            _step_up(_right, move=lambda image, rate, gradient: image - rate * gradient),
        ),
        Mistake(
            "pulled to black",
            "your L2 term pulls towards 0, which in an image of 0..1 is black. Nothing is grey: subtract 0.5 "
            "first. (The papers write ‖I‖² since the mean is subtracted from their images.)",
            _step_up(lambda image: -image.square().sum()),
        ),
        Mistake(
            "not squared",
            "your penalty is the distance itself, which pulls every image alike, near or far. The L2 term is its "
            "square.",
            _step_up(lambda image: -(_distance(image) + 1e-20).sqrt()),
        ),
        Mistake(
            "a probability",
            "you climb the probability. Where it is near 0 or 1 it is flat, and it also rises by making all other "
            "classes unlikely. Take the logit, before softmax.",
            _step_up(_right, score=lambda logits, target: logits.softmax(1)[0, target]),
        ),
        Mistake(
            "the loss",
            "you climb log_softmax, or go down the cross-entropy, which is the same: it also rises by making all "
            "other classes unlikely. Take the logit as it is.",
            _step_up(_right, score=lambda logits, target: logits.log_softmax(1)[0, target]),
        ),
        Mistake(
            "the largest logit",
            "you climb the logit that is largest now. Take the target's: model(leaf)[0, target].",
            _step_up(_right, score=lambda logits, target: logits[0].amax()),
        ),
        Mistake(
            "all logits",
            "you climb the sum of all logits. Take the target's alone: model(leaf)[0, target].",
            _step_up(_right, score=lambda logits, target: logits.sum()),
        ),
        Mistake(
            "absolute values",
            "your penalty adds up absolute values (L1), which pulls every value alike, near or far. "
            "L2 adds up squares.",
            _step_up(lambda image: -(image - GREY).abs().sum()),
        ),
        Mistake(
            "the mean",
            "your penalty is the mean of the squares. Here it is their sum, so it does not get weaker as the image "
            "gets larger.",
            _step_up(lambda image: -(image - GREY).square().mean()),
        ),
        Mistake(
            "half the pull",
            "your image is pulled to grey half as strongly: the gradient of weight · distance² is "
            "2 · weight · distance. Or let autograd find it.",
            _step_up(lambda image: -_distance(image) / 2),
        ),
        Mistake(
            "pulled after the step",
            "you step up the logit first, and pull the image to grey from where it is then. It is one step along one "
            "gradient: both parts are taken at the image that came in.",
            _decay_afterwards,
        ),
        Mistake(
            "clamped",
            "you clamp to 0..1. That comes later, in 06.5; here the step is asked for as it is.",
            _step_up(_right, move=lambda image, rate, gradient: _move(image, rate, gradient).clamp(0, 1)),
        ),
        Mistake(
            "no rate",
            "you add the gradient without the rate: image + rate * gradient.",
            _step_up(_right, move=lambda image, rate, gradient: image + gradient),
        ),
        Mistake(
            "normalised",
            "you divide the gradient by its size. That comes in 06.2; here the step is rate · gradient as it is.",
            _step_up(_right, move=lambda image, rate, g: image + rate * g / g.abs().mean()),
        ),
        Mistake(
            "by its sign",
            "you step by the gradient's sign, so all values move alike. The step is rate · gradient.",
            _step_up(_right, move=lambda image, rate, gradient: image + rate * gradient.sign()),
        ),
        Mistake(
            "the gradient alone",
            "you return the gradient. The step is rate · gradient, and it is added to the image.",
            _step_up(_right, move=lambda image, rate, gradient: gradient),
        ),
        Mistake(
            "the step alone",
            "you return the step, rate · gradient. Add it to the image.",
            _step_up(_right, move=lambda image, rate, gradient: rate * gradient),
        ),
        Mistake(
            "no regulariser",
            "the L2 term is missing, or autograd does not see it: it has to be computed from the leaf that you "
            "differentiate by.",
            _step_up(lambda image: 0),
        ),
    ),
)
