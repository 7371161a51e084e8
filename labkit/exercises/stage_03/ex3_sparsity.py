"""03.3 How often each channel is silent, and how many channels never fire."""

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape


def _sparse_cases(generator: torch.Generator) -> Cases:
    rectified = (torch.randn(3, 6, 4, 5, generator=generator) - 0.5).clamp(min=0)
    rectified[:, 1] = 0  # never fires
    rectified[:2, 3] = 0  # fires in the last image only
    rectified[2, 3, 0, 0] = 0.7
    linear = torch.randn(4, 5, 3, 3, generator=generator)
    linear[:, 2] = -linear[:, 2].abs()
    linear[:, 4, 0, 0] += 3 - linear[:, 4].sum(dim=(1, 2))  # sums to 3
    return {"after a ReLU": rectified, "a layer without a ReLU": linear, "one image": rectified[2:].clone()}


def _two(function, maps) -> dict:
    pair = function(maps)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        return {"silent": pair, "never": pair if isinstance(pair, Tensor) else torch.zeros(0)}
    return {"silent": pair[0], "never": pair[1]}


def _judge_sparse(maps: Tensor, answer: dict[str, Tensor]) -> None:
    silent, never = answer["silent"], answer["never"]
    C = maps.shape[1]
    channels = maps.transpose(0, 1).reshape(C, -1).tolist()
    expect_shape("silent", silent, (C,))
    expect_between("silent", silent, 0, 1, why="it is a share of positions")
    share = torch.tensor([sum(not value > 0 for value in channel) / len(channel) for channel in channels])
    expect_close(
        "silent", silent, share, why="the share of positions, in all images, that are not above zero"
    )
    expect_shape("never", never, (C,))
    expected = torch.tensor([not any(value > 0 for value in channel) for channel in channels])
    if wrong := (never.bool() != expected).nonzero().flatten().tolist():
        raise CheckFailed(
            f"never: wrong for channels {wrong}; expected {int(expected.sum())} of {C} channels that fire in no image, "
            f"got {int(never.bool().sum())}"
        )


def _count(maps, *, off=lambda maps: maps <= 0, never=None, share=lambda off: off.float().mean((0, 2, 3))):
    silent = off(maps)
    return share(silent), silent.all(dim=3).all(dim=2).all(dim=0) if never is None else never(maps)


EXERCISE = Exercise(
    id="03.3",
    title="How sparse, and how many never fire",
    points=1,
    minutes=8,
    hints=(
        "silent = maps <= 0 is True where a channel does not fire; a mean of trues is a share.",
        "A number a channel: the mean runs over images, rows and columns, dim=(0, 2, 3), and leaves the channels.",
        "A channel never fires if its largest value, maps.amax(dim=(0, 2, 3)), is not above zero.",
    ),
    cases=_sparse_cases,
    answer=_two,
    judge=_judge_sparse,
    mistakes=(
        Mistake(
            "only exact zeros",
            "you counted values equal to zero. A layer without a ReLU has values below zero, and they are no "
            "firing either: maps <= 0.",
            lambda maps: _count(maps, off=lambda m: m == 0),
        ),
        Mistake(
            "the other share",
            "you return the share of positions that do fire. How sparse asks for those that do not.",
            lambda maps: _count(maps, share=lambda off: (~off).float().mean((0, 2, 3))),
        ),
        Mistake(
            "silent in some image",
            "a channel that is silent in one image may fire in the next. Never means in none: take the largest "
            "value over the images too.",
            lambda maps: _count(maps, never=lambda m: (m.amax((2, 3)) <= 0).any(0)),
        ),
        Mistake(
            "by the sum",
            "you looked whether a channel's sum or mean is zero or less. One peak among many values below zero is "
            "firing all the same: look at the largest value.",
            lambda maps: _count(maps, never=lambda m: m.sum((0, 2, 3)) <= 0),
        ),
        Mistake(
            "image by image",
            "that is a row an image. One number a channel, over all images: dim=(0, 2, 3).",
            lambda maps: _count(maps, share=lambda off: off.float().mean((2, 3))),
        ),
    ),
)
