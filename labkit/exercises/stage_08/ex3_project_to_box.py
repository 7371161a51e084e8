"""08.3 The nearest image that keeps to epsilon and to 0..1."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import draw_photos
from labkit.exercises.stage_08.attacks import expect_in_ball, into_box


def _projection_cases(generator: torch.Generator) -> Cases:
    def case(count, size, epsilon, away, contrast=1.0):
        originals = draw_photos(generator, count, size, contrast=contrast)
        noise = torch.randn(originals.shape, generator=generator)
        return SimpleNamespace(images=originals + away * noise, originals=originals, epsilon=epsilon)

    return {
        "far outside the box": case(2, 6, 8 / 255, 0.2),
        "some inside, some outside": case(1, 7, 0.05, 0.05),
        "originals in part black and white": case(2, 6, 0.1, 0.2, contrast=4),
    }


def _judge_projection(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    got, low, high = answer["projected"], case.originals - case.epsilon, case.originals + case.epsilon
    expect_in_ball("projected", got, case.originals, case.epsilon)
    middle = torch.stack([low.clamp(min=0), case.images, high.clamp(max=1)]).median(dim=0).values
    expect_close(
        "projected",
        got,
        middle,
        why="a value inside stays where it is, one outside goes to the nearest that is allowed",
        atol=1e-5,
    )


def _shrink(images, originals, epsilon):
    difference = images - originals
    largest = difference.abs().amax(dim=(1, 2, 3), keepdim=True)
    return (originals + difference * (epsilon / largest).clamp(max=1)).clamp(0, 1)


EXERCISE = Exercise(
    id="08.3",
    title="Back into the box",
    points=1,
    minutes=8,
    hints=(
        "The box is about the difference: images - originals is to lie in -epsilon..epsilon, value by value.",
        "difference = (images - originals).clamp(-epsilon, epsilon); then add the originals again.",
        "(originals + (images - originals).clamp(-epsilon, epsilon)).clamp(0, 1)",
    ),
    cases=_projection_cases,
    answer=lambda f, case: {"projected": f(case.images, case.originals, case.epsilon)},
    judge=_judge_projection,
    mistakes=(
        Mistake(
            "box around zero",
            "you clip the image itself to -epsilon..epsilon, which leaves it almost black. The box stands "
            "around the originals: clip images - originals, then add the originals.",
            lambda images, originals, epsilon: images.clamp(-epsilon, epsilon).clamp(0, 1),
        ),
        Mistake(
            "difference returned",
            "you return the clipped difference. Add the originals again.",
            lambda images, originals, epsilon: (images - originals).clamp(-epsilon, epsilon),
        ),
        Mistake(
            "0..1 forgotten",
            "inside the box, but beyond black or white. Clip to 0..1 as well.",
            into_box,
        ),
        Mistake(
            "box forgotten",
            "you clip to 0..1 only, so a value may be as far from its original as it likes.",
            lambda images, originals, epsilon: images.clamp(0, 1),
        ),
        Mistake(
            "shrunk as a whole",
            "you scale the whole difference down until its largest value fits. That is in the box, but not the "
            "nearest image there: each value is clipped by itself.",
            _shrink,
        ),
        Mistake(
            "pushed to the edge",
            "you move every value by a full epsilon. One that is inside the box already stays where it is.",
            lambda images, originals, epsilon: (originals + epsilon * (images - originals).sign()).clamp(
                0, 1
            ),
        ),
        Mistake(
            "written in place",
            "the values are right, but you wrote them into the caller's tensor (clamp_, out= or +=). "
            "Without the underscore you get a new one.",
            lambda images, originals, epsilon: images.copy_(into_box(images, originals, epsilon).clamp(0, 1)),
        ),
    ),
)
