"""06.1 One step up a logit, with the L2 term that holds the image near grey."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import convnet, draw_photos, give_weights
from labkit.exercises.slopes import gradient_by_autograd, gradient_by_nudging
from labkit.methods.ascent import GREY


def _step_cases(generator: torch.Generator) -> Cases:
    def case(image, rate, weight):
        target = int(torch.randint(4, (), generator=generator))
        net = give_weights(generator, convnet(4, padding=1), gain=4).requires_grad_(False)
        return SimpleNamespace(model=net, image=image, target=target, rate=rate, weight=weight)

    return {
        "a photo": case(draw_photos(generator, 1, 10), 0.02, 0.5),
        "a photo, hardly regularised": case(draw_photos(generator, 1, 8), 0.1, 0.02),
        "plain grey": case(torch.full((1, 3, 8, 8), GREY), 0.05, 0.5),
    }


def _judge_step(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    model, image = case.model.double(), case.image.double()

    def objective(nudged: Tensor) -> Tensor:
        return model(nudged)[:, case.target] - case.weight * (nudged - GREY).square().sum(dim=(1, 2, 3))

    expect_close(
        "stepped",
        answer["stepped"],
        image + case.rate * gradient_by_nudging(objective, image),
        why="nudge each value by a little: that is the slope of logit - weight · distance²; step up it",
    )


def _step_up(penalty, *, sign=1, score=lambda logits, target: logits[0, target]):
    """A wrong answer made of a wrong regulariser: image -> scalar, what is added to the score."""

    def wrong(model, image, target, rate, weight):
        def objective(leaf):
            return score(model(leaf), target) + weight * penalty(leaf)

        return image + sign * rate * gradient_by_autograd(objective, image)

    return wrong


def _distance(image):
    return (image - GREY).square().sum()


EXERCISE = Exercise(
    id="06.1",
    title="One step up, with the L2 term",
    points=2,
    minutes=10,
    hints=(
        "Write f + R as one number and let autograd do the rest: you only need its gradient once.",
        "R is a penalty: it is to be large where the image is near to grey, so it enters with a minus.",
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
            "is. R is a penalty: subtract weight · distance².",
            _step_up(_distance),
        ),
        Mistake(
            "downhill",
            "you step down: the score gets smaller. Training subtracts a loss's gradient; here you add the "
            "gradient of what is to become large.",
            _step_up(lambda image: -_distance(image), sign=-1),
        ),
        Mistake(
            "pulled to black",
            "your L2 term pulls towards 0, which in an image of 0..1 is black. Nothing is grey: take 0.5 off "
            "first. (The papers write ‖I‖² since their images have the mean taken off.)",
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
            _step_up(lambda image: -_distance(image), score=lambda logits, t: logits.softmax(1)[0, t]),
        ),
        Mistake(
            "no regulariser",
            "the L2 term is missing, or autograd does not see it: it has to be computed from the leaf that you "
            "differentiate by.",
            _step_up(lambda image: 0),
        ),
    ),
)
