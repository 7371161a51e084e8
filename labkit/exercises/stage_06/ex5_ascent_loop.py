"""06.5 Steps and a regulariser every few of them: gradient ascent whole."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape
from labkit.exercises.drawing import convnet, draw_photos, give_weights
from labkit.exercises.slopes import gradient_by_autograd
from labkit.exercises.stage_06.first_logit import first_logit
from labkit.methods.ascent import GREY


def _loop_cases(generator: torch.Generator) -> Cases:
    def case(start, steps, every, rate):
        net = give_weights(generator, convnet(4, padding=1), gain=4).requires_grad_(False)
        return SimpleNamespace(model=net, start=start, steps=steps, every=every, rate=rate)

    return {
        "from a photo, regularised every 4": case(draw_photos(generator, 1, 12), 12, 4, 0.05),
        "from grey, regularised every step": case(torch.full((1, 3, 10, 10), GREY), 9, 1, 0.08),
    }


def _grey_frame(images: Tensor) -> Tensor:
    """The regulariser of the cases: one that shows whether it was used, and used last."""
    framed = torch.full_like(images, GREY)
    framed[..., 1:-1, 1:-1] = images[..., 1:-1, 1:-1]
    return framed


def _answer_loop(function, case):
    calls = []

    def regularise(images):
        calls.append(images)
        return _grey_frame(images)

    image = function(first_logit(case.model), case.start, case.steps, case.rate, regularise, case.every)
    return {"image": image, "calls": len(calls)}


def _judge_loop(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    image, score = answer["image"], first_logit(case.model)
    expect_shape("image", image, tuple(case.start.shape))
    expect_finite("image", image)
    expect_between("image", image, 0, 1, why="clamp it to 0..1 in every step, or it is no image")
    wanted = case.steps // case.every
    if int(answer["calls"]) != wanted:
        raise CheckFailed(
            f"regularise: called {int(answer['calls'])} times in {case.steps} steps, expected {wanted}: "
            f"after every {case.every}th step"
        )
    expect_close(
        "the image's frame",
        image - _grey_frame(image),
        torch.zeros_like(image),
        why=f"step {case.steps} is one that is regularised, after it stepped, and here that greys the frame",
    )
    best = _LOOP_REFERENCE(score, case.start.clone(), case.steps, case.rate, _grey_frame, case.every)
    before, after, reachable = (score(x.float()).item() for x in (case.start, image, best))
    if not after >= before + 0.8 * (reachable - before):
        raise CheckFailed(
            f"image: scored anew it has {after:.2f}; the start had {before:.2f}, and {case.steps} steps uphill reach "
            f"{reachable:.2f}"
        )


def _loop(*, sign=1, first=1, all_steps=False, clamp=True, copy=True, before=False):
    """The loop, with what can go wrong in it."""

    def run(objective, start, steps, rate, regularise, every):
        image = start.clone() if copy else start
        for step in range(first, steps + first):
            gradient = gradient_by_autograd(objective, image)
            if before and step % every == 0:
                image = regularise(image)
            image += sign * rate * gradient / gradient.abs().mean().clamp(min=1e-12)
            if not before and (all_steps or step % every == 0):
                image = regularise(image)
            image = image.clamp(0, 1) if clamp else image
        return image

    return run


_LOOP_REFERENCE = _loop()


def _only_one_step(objective, start, steps, rate, regularise, every):
    return _LOOP_REFERENCE(objective, start, 1, rate, regularise, 1)


EXERCISE = Exercise(
    id="06.5",
    title="The loop",
    points=3,
    minutes=15,
    hints=(
        "The four steps of the lecture, in a for loop: forward, gradient, a small step, regularise.",
        "for step in range(1, steps + 1): so that step % every == 0 is true at every, 2·every, …",
        "A fresh leaf in every round, leaf = image.clone().requires_grad_(): no gradient is left from the last one.",
        "image = image + rate * gradient / gradient.abs().mean(); if step % every == 0: image = regularise(image); "
        "image = image.clamp(0, 1)",
    ),
    cases=_loop_cases,
    answer=_answer_loop,
    judge=_judge_loop,
    mistakes=(
        Mistake(
            "downhill all the way",
            "the score falls from step to step: you subtract the gradient. Gradient *ascent* adds it.",
            _loop(sign=-1),
        ),
        Mistake(
            "out of the loop after one step",
            "you took one step. Is the return inside the for loop?",
            _only_one_step,
        ),
        Mistake(
            "regularised in every step",
            "you regularise in every step. A blur in each would leave nothing sharp: only where step % every == 0.",
            _loop(all_steps=True),
        ),
        Mistake(
            "counted from nought",
            "your steps count from 0, so you regularise after the first step and not after the last. "
            "range(1, steps + 1).",
            _loop(first=0),
        ),
        Mistake(
            "regularised before the step",
            "you regularise first and step after, so what you return is a step away from what the regulariser wants. "
            "Step, then regularise.",
            _loop(before=True),
        ),
        Mistake(
            "never clamped",
            "you leave 0..1, and no screen can show that. Clamp at the end of each step.",
            _loop(clamp=False),
        ),
        Mistake(
            "the caller's image",
            "you wrote into the caller's own tensor: += on it, or on an image that is it. Begin with start.clone().",
            _loop(copy=False),
        ),
    ),
)
