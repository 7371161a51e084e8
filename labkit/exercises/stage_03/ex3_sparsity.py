"""03.3 How often each channel is silent, and how many channels never fire."""

from collections.abc import Callable

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Evidence, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape
from labkit.checks.values import several


def _sparse_cases(generator: torch.Generator) -> Cases:
    rectified = (torch.randn(3, 6, 4, 5, generator=generator) - 0.5).clamp(min=0)
    rectified[:, 1] = 0  # never fires
    rectified[:2, 3] = 0  # fires in the last image only
    rectified[2, 3, 0, 0] = 0.7
    rectified[2, 4] = 0  # fires in all but the last image
    linear = torch.randn(4, 5, 3, 3, generator=generator)
    linear[:, 2] = -linear[:, 2].abs()
    linear[:, 4, 0, 0] += 3 - linear[:, 4].sum(dim=(1, 2))  # sums to 3
    return {"after a ReLU": rectified, "a layer without a ReLU": linear, "one image": rectified[2:].clone()}


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
            f"got {int(never.bool().sum())}",
            evidence=Evidence(never, expected),
        )


def _count(
    *,
    off: Callable[[Tensor], Tensor] = lambda maps: maps <= 0,
    share: Callable[[Tensor], Tensor] = lambda off: off.float().mean((0, 2, 3)),
    never: Callable[[Tensor], Tensor] = lambda maps: maps.amax((0, 2, 3)) <= 0,
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A wrong answer: the right pair with one part exchanged."""
    return lambda maps: (share(off(maps)), never(maps))


EXERCISE = Exercise(
    id="03.3",
    title="How sparse, and how many never fire",
    points=1,
    minutes=8,
    hints=(
        "silent = maps <= 0 is True where a channel does not fire; a mean of trues is a share.",
        "One number for each channel: the mean runs over images, rows and columns, dim=(0, 2, 3).",
        "A channel never fires if its largest value, maps.amax(dim=(0, 2, 3)), is not above zero.",
    ),
    cases=_sparse_cases,
    answer=lambda f, maps: several(("silent", "never"), f(maps)),
    judge=_judge_sparse,
    mistakes=(
        Mistake(
            "only exact zeros",
            "you counted values equal to zero. A layer without a ReLU has values below zero, and they are no "
            "firing either: maps <= 0.",
            _count(off=lambda maps: maps == 0),
        ),
        Mistake(
            "only exact zeros, twice",
            "both of your numbers look for values equal to zero. A layer without a ReLU has values below zero, "
            "and those do not fire either: maps <= 0.",
            lambda maps: ((maps == 0).float().mean((0, 2, 3)), (maps == 0).all(3).all(2).all(0)),
        ),
        Mistake(
            "zero counted as firing",
            "you counted values below zero. After a ReLU the silent ones are exactly 0: maps <= 0.",
            _count(off=lambda maps: maps < 0),
        ),
        Mistake(
            "the other share",
            "you return the share of positions that do fire. How sparse asks for those that do not.",
            _count(off=lambda maps: maps > 0),
        ),
        Mistake(
            "silent in some image",
            "a channel that is silent in one image may fire in the next. Never means in none: take the largest "
            "value over the images too.",
            _count(never=lambda maps: (maps.amax((2, 3)) <= 0).any(0)),
        ),
        Mistake(
            "first image only",
            "you looked for channels that are silent in the first image. Never means in none of the images: dim=(0, 2, "
            "3).",
            _count(never=lambda maps: maps[0].amax((1, 2)) <= 0),
        ),
        Mistake(
            "by the sum",
            "you checked whether a channel's sum or mean is zero or less. One peak among many values below zero is "
            "firing all the same: look at the largest value.",
            _count(never=lambda maps: maps.sum((0, 2, 3)) <= 0),
        ),
        Mistake(
            "exactly zero",
            "you checked whether a channel's sum, or its largest value, is exactly 0. Without a ReLU both can lie "
            "below 0 in a channel that never fires: largest value <= 0.",
            _count(never=lambda maps: maps.sum((0, 2, 3)) == 0),
        ),
        Mistake(
            "by the smallest value",
            "you looked at the smallest value, so a channel that is silent somewhere counts as one that never fires. "
            "Look at the largest, amax.",
            _count(never=lambda maps: maps.amin((0, 2, 3)) <= 0),
        ),
        Mistake(
            "fires in place of never",
            "your second result is True for channels that fire. The task asks for those that never do.",
            _count(never=lambda maps: maps.amax((0, 2, 3)) > 0),
        ),
        Mistake(
            "how many never fire",
            "your second result is a count. Say for each channel whether it never fires, (C,) True or False.",
            _count(never=lambda maps: (maps.amax((0, 2, 3)) <= 0).sum()),
        ),
        Mistake(
            "exchanged",
            "your two results are exchanged: first the share, `silent`, then `never`.",
            lambda maps: _count()(maps)[::-1],
        ),
        Mistake(
            "image by image",
            "that is one row per image. One number for each channel, over all images: dim=(0, 2, 3).",
            _count(share=lambda off: off.float().mean((2, 3))),
        ),
        Mistake(
            "over the channels",
            "you averaged over the channels and kept the images. Maps are (N, C, h, w): dim=(0, 2, 3) leaves the "
            "channels.",
            _count(share=lambda off: off.float().mean((1, 2, 3))),
        ),
        Mistake(
            "counts",
            "you counted the silent positions. Divide by how many there are, images × rows × columns: a share.",
            _count(share=lambda off: off.sum((0, 2, 3))),
        ),
        Mistake(
            "silent maps",
            "you counted maps that are silent all over. Count positions: each place of each image.",
            _count(share=lambda off: off.all(3).all(2).float().mean(0)),
        ),
    ),
)
