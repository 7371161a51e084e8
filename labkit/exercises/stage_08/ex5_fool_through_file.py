"""08.5 An image that still fools the network after it was saved with 8 bits."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close
from labkit.exercises.drawing import draw_photos
from labkit.exercises.slopes import forgive_few
from labkit.exercises.stage_08.attacks import margin_of, raise_logit, responsive_classifier
from labkit.exercises.stage_08.files import rounded, too_far_away, undone_by_rounding
from labkit.exercises.stage_08.walks import filed, is_fooled, step_mistakes


def _file_cases(generator: torch.Generator) -> Cases:
    image = draw_photos(generator, 1, 8)
    model = responsive_classifier(generator, image)
    target = int(model(rounded(image)).argmax())
    raise_logit(model, target, 0.5)
    return {
        "the target comes first already": SimpleNamespace(
            model=model, images=image, target=target, step_size=0.01, steps=5
        ),
        "in part black and white, and too far away": too_far_away(generator),
        "rounding undoes the plain attack": undone_by_rounding(generator),
    }


def _judge_file(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    image, given = answer["image"], (case.model, case.images, case.target, case.step_size, case.steps)
    paths = [filed()(*given), filed(at=lambda moved, shown, start: moved)(*given)]
    expected = min(paths, key=lambda path: _apart(image, path))
    if image.shape == expected.shape:
        expect_between("image", image, 0, 1, why="outside 0..1 it is no image")
    off = (image.double() * 255 - (image.double() * 255).round()).abs() > 1e-3
    between = f"; {int(off.sum())} of your values lie between two multiples of 1/255" if off.any() else ""
    expect_close(
        "image",
        image if off.any() else forgive_few(image, expected),
        expected,
        why=f"in the file the target's logit is {_margin(case, image)}{between}",
        atol=1e-5,
    )


def _apart(image: Tensor, path: Tensor) -> float:
    return (image - path).abs().mean().item() if image.shape == path.shape else 0.0


def _margin(case: SimpleNamespace, image: Tensor) -> str:
    if image.shape != case.images.shape:
        return "not known, for its shape"
    margin = margin_of(case.model, rounded(image.double()).float(), case.target)
    return f"{abs(margin):.3g} {'above' if margin > 0 else 'below'} the largest other"


def _where_not_fooled(attack: Callable[..., Any]) -> Callable[..., Any]:
    """A wrong answer: right where the network is fooled in the end, else that of another attack."""

    def wrong(model: nn.Module, image: Tensor, target: int, step_size: float, steps: int) -> Any:
        right = filed()(model, image, target, step_size, steps)
        fooled = is_fooled(model, right, target)
        return right if fooled else attack(model, image, target, step_size, steps)

    return wrong


EXERCISE = Exercise(
    id="08.5",
    title="Fool it by way of a file",
    points=3,
    minutes=12,
    hints=(
        "Keep two images: `moved`, in floats, to which the steps are added, and `shown`, the same rounded to k/255.",
        "(255 * moved).round() / 255 is what a file holds. Look whether the network is fooled by that one.",
        "In each round: shown = (255 * moved).round() / 255; stop and return shown if its argmax is the target; "
        "else moved = (moved + step).clamp(0, 1). After `steps` steps, round once more and return that.",
    ),
    cases=_file_cases,
    answer=lambda f, case: {"image": f(case.model, case.images, case.target, case.step_size, case.steps)},
    judge=_judge_file,
    mistakes=(
        *step_mistakes(filed),
        Mistake(
            "rounded at the end only",
            "you look at the image in floats and round it when the network is fooled; the rounding undoes it. "
            "Look at the rounded image in each round.",
            filed(show=lambda moved: moved, give=lambda moved, shown: rounded(moved)),
        ),
        Mistake(
            "steps rounded away",
            "you go on from the rounded image. A step is smaller than half a level, so rounding takes it back each "
            "time and the image never moves. Add the steps to the image in floats, and round a copy.",
            filed(keep=rounded),
        ),
        Mistake(
            "rounded down",
            "you cut off what is behind the point (floor, .byte(), .int()), which darkens the image by half a level "
            "on average. Round to the nearest: .round() first.",
            filed(show=lambda moved: (moved * 255).floor() / 255),
        ),
        Mistake(
            "rounded up",
            "you round up (ceil), which makes the image lighter by half a level on average. "
            "Round to the nearest: .round().",
            filed(show=lambda moved: (moved * 255).ceil() / 255),
        ),
        Mistake(
            "not rounded",
            "you return the image in floats. A file holds only multiples of 1/255: return the rounded one.",
            filed(give=lambda moved, shown: moved),
        ),
        Mistake(
            "rounded to hundredths",
            "you round to multiples of 1/100 (decimals=2). A file holds those of 1/255: (255 * moved).round() / 255",
            filed(show=lambda moved: moved.round(decimals=2)),
        ),
        Mistake(
            "256 levels",
            "you divide by 256. Eight bits count from 0 to 255, and white is 255: multiply and divide by 255.",
            filed(show=lambda moved: (moved * 256).round() / 256),
        ),
        Mistake(
            "left in 0..255",
            "your values go to 255. Divide by 255 after rounding: an image here lies in 0..1.",
            filed(give=lambda moved, shown: (moved * 255).round()),
        ),
        Mistake(
            "the gradient taken once",
            "you take the gradient of the photo once and walk straight on. Take it anew in each step.",
            filed(at=lambda moved, shown, start: start),
        ),
        Mistake(
            "goes on when fooled",
            "you use all the steps, even when the file has long fooled the network. Stop as soon as it does.",
            filed(looks=lambda taken: False),
        ),
        Mistake(
            "steps before it looks",
            "you take a step before you look, so an image that fools the network already is changed for nothing.",
            filed(looks=lambda taken: taken > 0),
        ),
        Mistake(
            "one step too many",
            "where the steps are used up, you take one more. After `steps` steps, round and return.",
            filed(more=1),
        ),
        Mistake(
            "one step too few",
            "where the steps are used up, what you return is a step behind: after the last step, round once more.",
            filed(more=-1),
        ),
        Mistake(
            "steps ignored",
            "you go on beyond `steps`. It is how many steps you may take at most.",
            filed(more=40),
        ),
        Mistake(
            "the photo returned",
            "you return the photo, rounded or as it came, and not the image that you have moved to.",
            lambda model, image, target, step_size, steps: rounded(image),
        ),
        Mistake(
            "nothing where the steps run out",
            "where the steps are used up before the network is fooled, you return nothing. Return the rounded image "
            "that you have then.",
            _where_not_fooled(lambda *case: None),
        ),
        Mistake(
            "floats where the steps run out",
            "where the steps are used up before the network is fooled, you return the image in floats. "
            "Return the rounded one there as well.",
            _where_not_fooled(filed(give=lambda moved, shown: moved)),
        ),
        Mistake(
            "not clipped",
            "values leave 0..1, where there is no image. Clip after each step: .clamp(0, 1).",
            filed(clip=lambda image: image),
        ),
        Mistake(
            "gradient through the rounding",
            "you differentiate through .round(), whose slope is 0 everywhere, and divide 0 by 0. Take the gradient "
            "with respect to the rounded image: leaf = shown.clone().requires_grad_().",
            filed(direction=lambda gradient: gradient * torch.nan),
        ),
    ),
)
