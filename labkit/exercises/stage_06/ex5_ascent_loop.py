"""06.5 Steps and a regulariser every few of them: gradient ascent whole."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close
from labkit.exercises.drawing import convnet, draw_photo, give_weights
from labkit.exercises.slopes import forgive_few
from labkit.exercises.stage_06.first_logit import first_logit
from labkit.exercises.stage_06.loops import OTHER_STEPS, added_up, grey, into_the_start, loop
from labkit.methods.ascent import GREY


def _loop_cases(generator: torch.Generator) -> Cases:
    def case(start: Tensor, steps: int, every: int, rate: float) -> SimpleNamespace:
        net = give_weights(generator, convnet(4, padding=1), gain=4).requires_grad_(False)
        return SimpleNamespace(model=net, start=start, steps=steps, every=every, rate=rate)

    return {
        "from a photo, regularised every 3": case(draw_photo(generator, 8, 9), 5, 3, 0.08),
        "from another photo, regularised every 2": case(draw_photo(generator, 7, 8), 4, 2, 0.05),
        "from grey, regularised every step": case(grey(torch.empty(1, 3, 8, 7)), 3, 1, 0.08),
    }


def _stretch(images: Tensor) -> Tensor:
    """The regulariser of the cases: more contrast, also beyond 0..1, and a grey frame. It shows when it was used."""
    framed = torch.full_like(images, GREY)
    framed[..., 1:-1, 1:-1] = GREY + 1.3 * (images[..., 1:-1, 1:-1] - GREY)
    return framed


def _answer_loop(function: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
    calls: list[Tensor] = []

    def regularise(images: Tensor) -> Tensor:
        calls.append(images)
        return _stretch(images)

    image = function(first_logit(case.model), case.start, case.steps, case.rate, regularise, case.every)
    return {"image": image, "calls": len(calls)}


def _judge_loop(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    image, score = answer["image"], first_logit(case.model)
    expected = loop()(score, case.start, case.steps, case.rate, _stretch, case.every)
    if image.shape == expected.shape:
        expect_between("image", image, 0, 1, why="clamp it to 0..1 in every step, or it is no image")
    expect_close(
        "image",
        forgive_few(image, expected),
        expected,
        why=f"regularise was called {int(answer['calls'])} × in {case.steps} steps, expected "
        f"{case.steps // case.every} ×, after each step that {case.every} divides, counted from 1; then clamp",
    )
    expect_close(
        "calls of regularise",
        answer["calls"],
        torch.tensor(case.steps // case.every),
        why="regularise what is returned, and nothing else",
    )


EXERCISE = Exercise(
    id="06.5",
    title="The loop",
    points=3,
    minutes=15,
    core=True,
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
        *OTHER_STEPS,
        Mistake(
            "out of the loop after one step",
            "you took one step. Is the return inside the for loop?",
            loop(counted=lambda steps: [1]),
        ),
        Mistake(
            "no step at all",
            "you return the image that you began with. Is each step kept, image = image + …, and returned?",
            loop(counted=lambda steps: []),
        ),
        Mistake(
            "one step too few",
            "your loop ends one step early: range(1, steps) has steps - 1 numbers. range(1, steps + 1).",
            loop(counted=lambda steps: range(1, steps)),
        ),
        Mistake(
            "one step too many",
            "your loop takes one step more than asked for. range(1, steps + 1) has `steps` numbers.",
            loop(counted=lambda steps: range(1, steps + 2)),
        ),
        Mistake(
            "counted from nought, one too many",
            "your steps run from 0 up to `steps`, which is one too many, and step 0 is regularised. "
            "range(1, steps + 1).",
            loop(counted=lambda steps: range(steps + 1)),
        ),
        Mistake(
            "counted from nought",
            "you regularise after the very first step, and then after every `every`-th that follows. Do your steps "
            "count from 0? range(1, steps + 1) counts from 1.",
            loop(counted=range),
        ),
        Mistake(
            "regularised in every step",
            "you regularise in every step. A blur in each would leave nothing sharp: only where step % every == 0.",
            loop(is_regularised=lambda step, steps, every: True),
        ),
        Mistake(
            "never regularised",
            "you never regularise: image = regularise(image) where step % every == 0.",
            loop(is_regularised=lambda step, steps, every: False),
        ),
        Mistake(
            "regularised in vain",
            "you call regularise, but go on with the image as it was. It returns a new one: image = regularise(image).",
            loop(order="step drop clamp"),
        ),
        Mistake(
            "regularised where it should not be",
            "you regularise in all other steps: step % every is 0, which counts as false, just where it should be "
            "done. step % every == 0.",
            loop(is_regularised=lambda step, steps, every: step % every != 0),
        ),
        Mistake(
            "regularised at the end",
            "you regularise once, after the last step. It belongs in the loop, after every `every`-th step.",
            loop(
                is_regularised=lambda step, steps, every: False,
                finish=lambda image, regularise, steps, every: regularise(image),
            ),
        ),
        Mistake(
            "so often, but first",
            "you regularise steps // every times, but in the first steps. After every `every`-th: step % every == 0.",
            loop(is_regularised=lambda step, steps, every: step <= steps // every),
        ),
        Mistake(
            "regularised before the step",
            "you regularise first and step after, so what you return is a step away from what the regulariser wants. "
            "Step, then regularise.",
            loop(order="regularise step clamp"),
        ),
        Mistake(
            "never clamped",
            "you leave 0..1, and no screen can show that. Clamp at the end of each step.",
            loop(order="step regularise"),
        ),
        Mistake(
            "clamped at the end only",
            "you clamp once, after the last step, so on the way the image leaves 0..1. Clamp in each step.",
            loop(order="step regularise", finish=lambda image, *_: image.clamp(0, 1)),
        ),
        Mistake(
            "clamped before it is regularised",
            "you clamp after the step and regularise last, which may lead out of 0..1 again. "
            "Clamp at the end of each step.",
            loop(order="step clamp regularise"),
        ),
        Mistake(
            "the start's gradient",
            "you take the gradient of the start in each step, so you walk straight on where the slope has long "
            "turned. Take it anew, of the image that you have got to.",
            loop(follow=lambda image, start: start),
        ),
        Mistake(
            "gradients added up",
            "gradients add up from step to step. After .backward() they stay in .grad: begin each step with a fresh "
            "leaf, or set .grad to None.",
            added_up,
        ),
        Mistake(
            "from grey",
            "you begin at grey. The image that you are given is the start.",
            loop(begin=grey),
        ),
        Mistake(
            "the caller's image",
            "you wrote into the caller's own tensor: += on it, or on an image that is it. Begin with start.clone().",
            into_the_start,
        ),
    ),
)
