"""08.3 The nearest image that keeps to epsilon and to 0..1."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import draw_photos
from labkit.exercises.stage_08.attacks import expect_in_ball, into_box


def _projection_cases(generator: torch.Generator) -> Cases:
    def case(count: int, size: int, epsilon: float, away: float, contrast: float = 1.0) -> SimpleNamespace:
        originals = draw_photos(generator, count, size, contrast=contrast)
        noise = torch.randn(originals.shape, generator=generator)
        return SimpleNamespace(images=originals + away * noise, originals=originals, epsilon=epsilon)

    return {
        "far outside the box": case(2, 7, 8 / 255, 0.2),
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


def _below_epsilon(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    difference = images - originals
    inside = torch.where(difference > epsilon, epsilon, difference)
    return (originals + torch.where(inside < epsilon, -epsilon, inside)).clamp(0, 1)


def _shrink(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    difference = images - originals
    largest = difference.abs().amax(dim=(1, 2, 3), keepdim=True)
    return (originals + difference * (epsilon / largest).clamp(max=1)).clamp(0, 1)


def _shrink_to_length(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    difference = images - originals
    length: Tensor = difference.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return (originals + difference * (epsilon / length).clamp(max=1)).clamp(0, 1)


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
    alone=each("images", "originals"),
    mistakes=(
        Mistake(
            "below epsilon for below -epsilon",
            "values inside the box go to its lower edge as well: too low is what is below -epsilon, not below epsilon.",
            _below_epsilon,
        ),
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
            "upwards only",
            "you hold values down that are too high, and let those pass that are too low. The box has two sides: "
            "clamp(-epsilon, epsilon).",
            lambda images, originals, epsilon: images.minimum(originals + epsilon).clamp(0, 1),
        ),
        Mistake(
            "downwards only",
            "you hold values up that are too low, and let those pass that are too high. The box has two sides: "
            "clamp(-epsilon, epsilon).",
            lambda images, originals, epsilon: images.maximum(originals - epsilon).clamp(0, 1),
        ),
        Mistake(
            "difference from 0",
            "you clip the difference to 0..epsilon, so nothing may be darker than its original. "
            "clamp(-epsilon, epsilon).",
            lambda images, originals, epsilon: (originals + (images - originals).clamp(0, epsilon)).clamp(
                0, 1
            ),
        ),
        Mistake(
            "turned round",
            "you clip originals - images, so the change comes out mirrored: images - originals.",
            lambda images, originals, epsilon: into_box(2 * originals - images, originals, epsilon).clamp(
                0, 1
            ),
        ),
        Mistake(
            "added to the images",
            "you add the clipped difference to the images. It belongs on the originals.",
            lambda images, originals, epsilon: (images + (images - originals).clamp(-epsilon, epsilon)).clamp(
                0, 1
            ),
        ),
        Mistake(
            "box around the images",
            "you move from the images towards the originals, by epsilon at most. The box stands around the originals.",
            lambda images, originals, epsilon: into_box(originals, images, epsilon).clamp(0, 1),
        ),
        Mistake(
            "back to the original",
            "you put a value that has left the box back to its original. It goes to the edge of the box, the nearest "
            "that is allowed.",
            lambda images, originals, epsilon: images.where(
                (images - originals).abs() <= epsilon, originals
            ).clamp(0, 1),
        ),
        Mistake(
            "by the length",
            "you shrink each image's difference to the length epsilon (an L2 ball). Here each value by itself stays "
            "within epsilon.",
            _shrink_to_length,
        ),
        Mistake(
            "half the box",
            "your box is half as wide: epsilon to each side.",
            lambda images, originals, epsilon: into_box(images, originals, epsilon / 2).clamp(0, 1),
        ),
        Mistake(
            "the originals returned",
            "you return the originals. They are in the box, but not the nearest to the images.",
            lambda images, originals, epsilon: originals.clone(),
        ),
        Mistake(
            "the images returned",
            "you return the images as they came: clamp gives a new tensor, which has to be kept.",
            lambda images, originals, epsilon: images.clone(),
        ),
        Mistake(
            "first original for all",
            "you use the first original for all images. Each has its own.",
            lambda images, originals, epsilon: into_box(images, originals[:1], epsilon).clamp(0, 1),
        ),
        Mistake(
            "written in place",
            "the values are right, but you wrote them into the caller's tensor (clamp_, out= or +=). "
            "Without the underscore you get a new one.",
            lambda images, originals, epsilon: images.copy_(into_box(images, originals, epsilon).clamp(0, 1)),
        ),
    ),
)
