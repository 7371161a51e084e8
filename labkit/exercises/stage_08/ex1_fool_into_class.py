"""08.1 Steps along a logit's gradient until the network names your class."""

from copy import deepcopy
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape
from labkit.exercises.drawing import draw_photos
from labkit.exercises.slopes import gradient_by_nudging
from labkit.exercises.stage_08.attacks import (
    climb,
    logit_step,
    margin_of,
    raise_logit,
    responsive_classifier,
)


def _fooling_cases(generator: torch.Generator) -> Cases:
    def case(contrast, step_size, steps, fooled_at):
        margins = [0.0, 0.0]
        while not margins[-1] > max(margins[:-1]):  # draw again where the steps do not climb
            image = draw_photos(generator, 1, 10, contrast=contrast)
            model, target = (
                responsive_classifier(generator, image),
                int(torch.randint(5, (), generator=generator)),
            )
            path = climb(model, image, target, step_size=step_size, steps=fooled_at)
            margins = [margin_of(model, step, target) for step in path]
        raise_logit(model, target, -(margins[-1] + max(margins[:-1])) / 2)
        return SimpleNamespace(model=model, images=image, target=target, step_size=step_size, steps=steps)

    already = case(1, 0.004, 8, 2)
    already.target = int(already.model(already.images).argmax())
    return {
        "a single step": case(1, 0.01, 1, 4),
        "until it is fooled": case(1, 0.004, 16, 6),
        "in part black and white": case(4, 0.01, 16, 6),
        "the target comes first already": already,
    }


def _answer_fool(function, case):
    image, taken = function(case.model, case.images, case.target, case.step_size, case.steps)
    return {"image": image, "steps taken": taken}


def _judge_fool(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    image, taken = answer["image"], answer["steps taken"]
    expect_shape("image", image, tuple(case.images.shape))
    expect_finite("image", image)
    expect_between("image", image, 0, 1, why="outside 0..1 it is no image")
    expect_shape("steps taken", taken, ())
    if margin_of(case.model, case.images, case.target) > 0:
        why = "the network puts the target first already, so nothing is to be done"
        expect_close("image", image, case.images, why=why, atol=1e-6)
    elif case.steps == 1:
        model = deepcopy(case.model).double()
        slope = gradient_by_nudging(lambda x: model(x)[:, case.target], case.images)
        step = case.step_size * slope / slope.square().mean().sqrt()
        why = "step_size · gradient / root mean square of the gradient, which comes from nudging each pixel"
        expect_close("image", image, (case.images + step).clamp(0, 1).float(), why=why, atol=2e-4)
    else:
        _expect_fooled(case, image)
    expected = _walk()(case.model, case.images, case.target, case.step_size, case.steps)[1]
    if not abs(taken - expected) <= (expected > 1):
        raise CheckFailed(f"steps taken: expected {expected}, got {taken.item()}")


def _expect_fooled(case: SimpleNamespace, image: Tensor) -> None:
    """The target comes first on this very image, and the change is about as small as it can be."""
    margin = margin_of(case.model, image.float(), case.target)
    if not margin > 0:
        raise CheckFailed(
            f"image: expected the target's logit above all others within {case.steps} steps, "
            f"it is {-margin:.3g} below the largest"
        )
    right, _ = _walk()(case.model, case.images, case.target, case.step_size, case.steps)
    change, most = ((x - case.images).square().mean().sqrt().item() for x in (image, right))
    if not change <= 1.05 * most + case.step_size:
        raise CheckFailed(
            f"image: the root mean square of the change is {change:.4f}, expected about {most:.4f}"
        )


def _walk(*, step=logit_step, look_first=True, stop=True):
    """The loop, right as it stands; each argument is one way to get it wrong."""

    def attack(model, image, target, step_size, steps):
        taken = 0
        while taken < steps:
            if stop and (look_first or taken) and int(model(image).argmax()) == target:
                break
            image = step(model, image, target, step_size)
            taken += 1
        return image, taken

    return attack


def _stepping(scale, *, score=lambda logits: logits, clip=True):
    """A wrong step. scale: gradient -> what it is multiplied with; score: logits -> what is raised."""

    def step(model, image, target, step_size):
        leaf = image.clone().requires_grad_()
        gradient = torch.autograd.grad(score(model(leaf))[0, target], leaf)[0]
        moved = image + step_size * scale(gradient)
        return moved.clamp(0, 1) if clip else moved

    return step


def _normal(gradient):
    return gradient / gradient.square().mean().sqrt()


EXERCISE = Exercise(
    id="08.1",
    title="Fool it into a class of your choice",
    points=3,
    minutes=12,
    hints=(
        "Look first: is int(model(image).argmax()) the target? Only if not, take a step and count it.",
        "The step: the gradient of model(leaf)[0, target], divided by gradient.square().mean().sqrt(), "
        "times step_size.",
        "image = (image + step_size * gradient / gradient.square().mean().sqrt()).clamp(0, 1), "
        "in a loop that ends when the network is fooled or the steps are used up.",
    ),
    cases=_fooling_cases,
    answer=_answer_fool,
    judge=_judge_fool,
    mistakes=(
        Mistake(
            "not normalised",
            "you step along the gradient as it is, and its size means nothing here. Divide it by the root of "
            "its mean square, so that every step has the same size.",
            _walk(step=_stepping(lambda g: g)),
        ),
        Mistake(
            "divided by its length",
            "you divide by the gradient's length, gradient.norm(), so the step is as many times too small as "
            "the root of the number of values. Divide by the root *mean* square.",
            _walk(step=_stepping(lambda g: g / g.norm())),
        ),
        Mistake(
            "sign of the gradient",
            "you step along the sign, as FGSM does, so pixels that hardly matter change as much as those that do. "
            "Here the gradient itself is the direction.",
            _walk(step=_stepping(torch.sign)),
        ),
        Mistake(
            "softmax first",
            "you raise the target's probability. That also pushes the others down, and has almost no gradient "
            "where the target is very unlikely. Raise the logit, before softmax.",
            _walk(step=_stepping(_normal, score=lambda logits: logits.softmax(1))),
        ),
        Mistake(
            "downhill",
            "you lower the target's logit: it goes away from the target. Add the step.",
            _walk(step=_stepping(lambda g: -_normal(g))),
        ),
        Mistake(
            "goes on when fooled",
            "you use all the steps, also when the network is fooled long since, so the change is larger than it "
            "has to be. Stop as soon as the target comes first.",
            _walk(stop=False),
        ),
        Mistake(
            "steps before it looks",
            "you take a step before you look, so a photo that is the target already is changed for nothing. "
            "Look first.",
            _walk(look_first=False),
        ),
        Mistake(
            "not clipped",
            "black went below 0 or white above 1, where there is no image. Clip after each step.",
            _walk(step=_stepping(_normal, clip=False)),
        ),
    ),
)
