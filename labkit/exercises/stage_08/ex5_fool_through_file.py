"""08.5 An image that still fools the network after it was saved with 8 bits."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape
from labkit.exercises.drawing import draw_photos
from labkit.exercises.stage_08.attacks import climb, logit_step, margin_of, raise_logit, responsive_classifier


def _rounded(image):
    return (image * 255).round() / 255


def _file_cases(generator: torch.Generator) -> Cases:
    undone = _undone_by_rounding(generator)
    already = _undone_by_rounding(generator)
    already.target = int(already.model(_rounded(already.images)).argmax())
    raise_logit(already.model, already.target, 0.5)
    return {
        "rounding undoes the plain attack": undone,
        "another, with some black and white": _undone_by_rounding(generator, contrast=3.0),
        "the target comes first already": already,
    }


def _undone_by_rounding(generator: torch.Generator, *, contrast: float = 1.0) -> SimpleNamespace:
    """A network that is fooled after some steps, but not by that image rounded to 8 bits.

    The steps are smaller than half a level of the file. Only where the target wins is chosen: its bias.
    """
    step_size = 0.0003
    while True:
        image = draw_photos(generator, 1, 10, contrast=contrast)
        model, target = (
            responsive_classifier(generator, image),
            int(torch.randint(5, (), generator=generator)),
        )
        path = climb(model, image, target, step_size=step_size, steps=14)
        plain = [margin_of(model, step, target) for step in path]
        filed = [margin_of(model, _rounded(step), target) for step in path]
        if not (path[1] - image).abs().max() < 0.4 / 255:
            continue
        for k in range(6, 15):
            below = max(filed[k], filed[1], *plain[:k])
            if below < plain[k] - 1e-4:
                raise_logit(model, target, -(below + plain[k]) / 2)
                return SimpleNamespace(
                    model=model, images=image, target=target, step_size=step_size, steps=50
                )


def _judge_file(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    image = answer["image"]
    expect_shape("image", image, tuple(case.images.shape))
    expect_finite("image", image)
    expect_between("image", image, 0, 1, why="outside 0..1 it is no image")
    off = (image.double() * 255 - (image.double() * 255 + 0.5).floor()).abs() > 1e-3
    if count := int(off.sum()):
        raise CheckFailed(
            f"image: {count} of {image.numel()} values are no multiple of 1/255, expected none; a file cannot hold them"
        )
    before = (case.images.double() * 255 + 0.5).floor() / 255
    if margin_of(case.model, before.float(), case.target) > 0:
        why = "the rounded photo is the target already, and each value goes to the nearest k/255"
        expect_close("image", image, before.float(), why=why)
    margin = margin_of(case.model, ((image.double() * 255).round() / 255).float(), case.target)
    if not margin > 0:
        raise CheckFailed(
            f"image: loaded again from the file, the target's logit is {-margin:.3g} below the largest, "
            "expected it above all others"
        )
    change = (image - case.images).square().mean().sqrt().item()
    if not change <= case.steps * case.step_size:
        raise CheckFailed(
            f"image: the root mean square of the change is {change:.4f}, expected at most {case.steps} steps of "
            f"{case.step_size}, {case.steps * case.step_size:.4f}"
        )


def _filed(*, show=_rounded, keep=lambda moved: moved, give=None):
    """The loop, right as it stands. show: moved -> what is tested; keep: -> what goes on; give: -> what is returned."""

    def attack(model, image, target, step_size, steps):
        moved = image
        for _ in range(steps):
            if int(model(show(moved)).argmax()) == target:
                break
            moved = keep(logit_step(model, moved, target, step_size))
        return (give or show)(moved)

    return attack


EXERCISE = Exercise(
    id="08.5",
    title="Fool it by way of a file",
    points=3,
    minutes=12,
    hints=(
        "Keep two images: `moved`, in floats, to which the steps are added, and `shown`, the same rounded to k/255.",
        "(255 * moved).round() / 255 is what a file holds. Look whether the network is fooled by that one.",
        "In each round: shown = (255 * moved).round() / 255; stop and return shown if its argmax is the target; "
        "else moved = (moved + step).clamp(0, 1).",
    ),
    cases=_file_cases,
    answer=lambda f, case: {"image": f(case.model, case.images, case.target, case.step_size, case.steps)},
    judge=_judge_file,
    mistakes=(
        Mistake(
            "rounded at the end only",
            "you look at the image in floats and round it when the network is fooled; the rounding undoes it. "
            "Look at the rounded image in each round.",
            _filed(show=lambda moved: moved, give=_rounded),
        ),
        Mistake(
            "steps rounded away",
            "you go on from the rounded image. A step is smaller than half a level, so rounding takes it back each "
            "time and the image never moves. Add the steps to the image in floats, and round a copy.",
            _filed(keep=_rounded),
        ),
        Mistake(
            "rounded down",
            "you cut off what is behind the point (floor, .byte(), .int()), which darkens the image by half a level "
            "on average. Round to the nearest: .round() first.",
            _filed(show=lambda moved: (moved * 255).floor() / 255),
        ),
        Mistake(
            "not rounded",
            "you return the image in floats. A file holds only multiples of 1/255: return the rounded one.",
            _filed(give=lambda moved: moved),
        ),
        Mistake(
            "256 levels",
            "you divide by 256. Eight bits count from 0 to 255, and white is 255: multiply and divide by 255.",
            _filed(show=lambda moved: (moved * 256).round() / 256),
        ),
        Mistake(
            "left in 0..255",
            "your values go to 255. Divide by 255 after rounding: an image here lies in 0..1.",
            _filed(give=lambda moved: (moved * 255).round()),
        ),
    ),
)
