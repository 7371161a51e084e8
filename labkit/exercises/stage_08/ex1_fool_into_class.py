"""08.1 Steps along a logit's gradient until the network names your class."""

from collections.abc import Callable
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close
from labkit.checks.values import several
from labkit.exercises.drawing import draw_photos, draw_whole_number
from labkit.exercises.slopes import gradient_by_nudging
from labkit.exercises.stage_08.attacks import climb, margin_of, raise_logit, responsive_classifier
from labkit.exercises.stage_08.walks import added_up, step_mistakes, walk


def _fooling_cases(generator: torch.Generator) -> Cases:
    def case(step_size: float, steps: int, fooled_at: int, contrast: float = 1.0) -> SimpleNamespace:
        """fooled_at: after how many steps; the bias decides that, which no gradient depends on."""
        image = draw_photos(generator, 1, 9, contrast=contrast)[..., :8].contiguous()
        while True:  # draw again where the steps do not climb
            model, target = responsive_classifier(generator, image), draw_whole_number(generator, 0, 4)
            path = climb(model, image, target, step_size=step_size, steps=fooled_at)
            margins = [margin_of(model, step, target) for step in path]
            if margins[-1] > max(margins[:-1]) + 1e-3:
                break
        raise_logit(model, target, -(margins[-1] + max(margins[:-1])) / 2)
        return SimpleNamespace(model=model, images=image, target=target, step_size=step_size, steps=steps)

    already = case(0.02, 5, 1)
    already.target = int(already.model(already.images).argmax())
    raise_logit(already.model, already.target, 0.5)
    return {
        "the target comes first already": already,
        "until it is fooled": case(0.02, 7, 3),
        "in part black and white, and too far away": case(0.05, 3, 5, contrast=4.0),
        "a single step": case(0.1, 1, 1),
    }


def _answer_fool(function: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
    found = function(case.model, case.images, case.target, case.step_size, case.steps)
    return several(("image", "steps taken"), found)


def _judge_fool(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    image = answer["image"]
    expected, taken = walk()(case.model, case.images, case.target, case.step_size, case.steps)
    why = f"{taken} normalised steps lead there: then the target comes first, or the steps are used up"
    if taken == 0:
        why = "the network puts the target first already, so nothing is to be done"
    elif case.steps == 1:
        expected = _step_by_nudging(case)
        why = "step_size · gradient / root mean square of the gradient, which comes from nudging each pixel"
    if image.shape == expected.shape:
        expect_between("image", image, 0, 1, why="outside 0..1 it is no image")
    expect_close("image", image, expected, why=why)
    expect_close("steps taken", answer["steps taken"], torch.tensor(taken), why="count each step")


def _step_by_nudging(case: SimpleNamespace) -> Tensor:
    model = deepcopy(case.model).double()
    found = gradient_by_nudging(lambda x: model(x)[:, case.target], case.images)
    stepped: Tensor = case.images + case.step_size * found / found.square().mean().sqrt()
    return stepped.clamp(0, 1)


EXERCISE = Exercise(
    id="08.1",
    title="Fool it into a class of your choice",
    points=3,
    minutes=12,
    core=True,
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
        *step_mistakes(walk),
        Mistake(
            "the gradient taken once",
            "you take the gradient of the photo once and walk straight on, where the slope has long changed. "
            "Take it anew in each step, of the image that you have got to.",
            walk(at=lambda image, start: start),
        ),
        Mistake(
            "gradients added up",
            "gradients add up from step to step. After .backward() they stay in .grad: begin each step with a fresh "
            "leaf, or set .grad to None.",
            added_up,
        ),
        Mistake(
            "out of the loop after one step",
            "you take one step. Is the return inside the loop?",
            lambda model, image, target, step_size, steps: walk()(
                model, image, target, step_size, min(steps, 1)
            ),
        ),
        Mistake(
            "goes on when fooled",
            "you use all the steps, even when the network has long been fooled, so the change is larger than it "
            "has to be. Stop as soon as the target comes first.",
            walk(looks=lambda taken: False),
        ),
        Mistake(
            "steps before it looks",
            "you take a step before you look, so a photo that is the target already is changed for nothing. "
            "Look first.",
            walk(looks=lambda taken: taken > 0),
        ),
        Mistake(
            "one step too many",
            "where the steps are used up, you take one more: while taken < steps, or range(steps).",
            walk(more=1),
        ),
        Mistake(
            "one step too few",
            "where the steps are used up, you have taken one too few: while taken < steps, or range(steps).",
            walk(more=-1),
        ),
        Mistake(
            "counted one too many",
            "the image is right, and the number of steps one too large. Count where a step is taken, not where you "
            "look.",
            walk(give=lambda image, start, taken: (image, taken + 1)),
        ),
        Mistake(
            "all steps counted",
            "the image is right, but you return `steps`, how many were allowed, not how many were taken.",
            lambda *case: (walk()(*case)[0], case[-1]),
        ),
        Mistake(
            "the photo returned",
            "you return the photo as it came. Is each step kept, image = …, and that image returned?",
            walk(give=lambda image, start, taken: (start, taken)),
        ),
        Mistake(
            "the change returned",
            "you return the difference from the photo. The whole image is asked for.",
            walk(give=lambda image, start, taken: (image - start, taken)),
        ),
        Mistake(
            "the other way round",
            "you return the number of steps first. First the image, then the number.",
            walk(give=lambda image, start, taken: (taken, image)),
        ),
        Mistake(
            "not clipped",
            "black went below 0 or white above 1, where there is no image. Clip after each step.",
            walk(clip=lambda image: image),
        ),
        Mistake(
            "clipped at the end only",
            "you clip once, after the last step, so on the way the image leaves 0..1. Clip after each step.",
            walk(clip=lambda image: image, give=lambda image, start, taken: (image.clamp(0, 1), taken)),
        ),
    ),
)
