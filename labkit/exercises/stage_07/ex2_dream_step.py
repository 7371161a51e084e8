"""07.2 DeepDream's step: shifted, normalised, shifted back, clipped."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape
from labkit.exercises.drawing import draw_photo
from labkit.exercises.stage_07.local_gradient import local_gradient


def _step_cases(generator: torch.Generator) -> Cases:
    def case(height, width, shift, rate, *, contrast=1.0):
        photo = ((draw_photo(generator, height, width) - 0.5) * contrast + 0.5).clamp(0, 1)
        return SimpleNamespace(
            gradient_of=local_gradient(generator), image=photo, shift=shift, rate=rate, contrast=contrast
        )

    return {
        "down and right": case(12, 15, (4, 5), 0.01, contrast=0.5),
        "up and left": case(13, 9, (-3, -2), 0.02, contrast=0.5),
        "a photo of black and white": case(10, 10, (2, -3), 0.05, contrast=6.0),
    }


def _step_by_index(case: SimpleNamespace) -> Tensor:
    """The step with the shift done by counting pixels."""
    (H, W), (down, right) = case.image.shape[2:], case.shift
    rows, columns = (torch.arange(H) - down) % H, (torch.arange(W) - right) % W
    gradient = case.gradient_of(case.image[:, :, rows][:, :, :, columns]).double()
    back_rows, back_columns = (torch.arange(H) + down) % H, (torch.arange(W) + right) % W
    gradient = gradient[:, :, back_rows][:, :, :, back_columns]
    return (case.image.double() + case.rate * gradient / gradient.abs().mean()).clamp(0, 1)


def _judge_step(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    image = answer["image"]
    expect_shape("image", image, tuple(case.image.shape))
    expect_finite("image", image)
    expect_between("image", image, 0, 1, why="the next step, and the screen, want a valid image")
    expect_close(
        "image",
        image,
        _step_by_index(case),
        why="every pixel stays in its place, and values move by the rate on average",
    )


def _step(
    *,
    dims=(2, 3),
    back=-1,
    shifted=True,
    sign=1,
    size=lambda g: g.abs().mean(),
    clamp=True,
    shape=lambda g: g,
):
    """A wrong answer: one part of the step replaced, the others right."""

    def wrong(gradient_of, image, shift, rate):
        rolled = image.roll(tuple(shift), dims) if shifted else image
        gradient = shape(gradient_of(rolled))
        moved = rolled + sign * rate * gradient / size(gradient)
        moved = moved.clamp(0, 1) if clamp else moved
        return moved.roll(tuple(back * pixels for pixels in shift), dims) if shifted else moved

    return wrong


EXERCISE = Exercise(
    id="07.2",
    title="A jittered, normalised step",
    points=2,
    minutes=12,
    hints=(
        "Five lines: roll, gradient, step, roll back, clamp. torch.roll moves what leaves one side in at the other.",
        "image.roll((down, right), dims=(2, 3)); rolling by (-down, -right) undoes it.",
        "rate * gradient / gradient.abs().mean() moves a value by `rate` on average, however faint the gradient.",
        "(rolled + rate * gradient / gradient.abs().mean()).roll((-down, -right), dims=(2, 3)).clamp(0, 1)",
    ),
    cases=_step_cases,
    answer=lambda f, case: {"image": f(case.gradient_of, case.image, case.shift, case.rate)},
    judge=_judge_step,
    mistakes=(
        Mistake(
            "not rolled back",
            "the image is still shifted: after a hundred steps it will have wandered anywhere. Roll back by "
            "(-down, -right).",
            _step(back=0),
        ),
        Mistake(
            "rolled on",
            "you rolled a second time the same way, so the image is shifted twice. Back is minus: (-down, -right).",
            _step(back=1),
        ),
        Mistake(
            "no jitter",
            "the step is taken without the shift. Then the network's grid and the borders leave their mark "
            "at the same place in every step: look at the rolled image.",
            _step(shifted=False),
        ),
        Mistake(
            "rows and columns",
            "down and right are exchanged: in (N, 3, H, W) down is dim 2, right is dim 3.",
            _step(dims=(3, 2)),
        ),
        Mistake(
            "divided by the largest",
            "you divide by the largest value, so one loud pixel makes all the others stand still. "
            "Divide by the mean of the absolute values.",
            _step(size=lambda g: g.abs().amax()),
        ),
        Mistake(
            "divided by the norm",
            "you divide by the norm, which grows with the number of pixels: large photos would hardly move. "
            "Divide by the mean of the absolute values.",
            _step(size=lambda g: g.norm()),
        ),
        Mistake(
            "mean without abs",
            "you divide by the mean of the gradient, where plus and minus cancel: the step can be huge, or turn "
            "around. abs() first, then mean().",
            _step(size=lambda g: g.mean()),
        ),
        Mistake(
            "signs only",
            "you step by the gradient's sign, so silent pixels move as much as loud ones. That is an attack of "
            "stage 08; here the gradient keeps its proportions.",
            _step(shape=lambda g: g.sign()),
        ),
        Mistake(
            "against the gradient",
            "you step down. There is no loss to bring down here: add the gradient.",
            _step(sign=-1),
        ),
        Mistake(
            "not clamped",
            "the step leads out of 0..1. Clamp, or the dream drifts to values that no screen shows.",
            _step(clamp=False),
        ),
    ),
)
