"""04.3 Where each map is largest, and how large it is there."""

from collections.abc import Callable

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_between, expect_close, expect_shape, expect_whole
from labkit.checks.values import several
from labkit.exercises.drawing import coarse_photo


def _map_cases(generator: torch.Generator) -> Cases:
    photos = torch.cat([coarse_photo("stained glass"), coarse_photo("coffee")])[
        :, :, 12:44, 3:53
    ]  # (2, 3, 32, 50)
    weight = torch.randn(4, 3, 5, 5, generator=generator)
    rows = torch.randn(3, 2, 9, 4, generator=generator)
    twice = torch.randn(2, 3, 4, 3, generator=generator)
    return {
        "filters on two photos": torch.conv2d(photos, weight, stride=2),  # (2, 4, 14, 23)
        "maps higher than wide": rows,
        "maps below zero": -rows.abs().mT - 1,
        "the same maximum at two places": torch.cat([twice, twice.flip(3)], dim=3),
        "one map": torch.randn(1, 1, 3, 6, generator=generator),
        "maps of one unit": torch.randn(2, 3, 1, 1, generator=generator),
    }


def _judge_peaks(maps: Tensor, answer: dict[str, Tensor]) -> None:
    N, C, H, W = maps.shape
    for name in ("values", "rows", "columns"):
        expect_shape(name, answer[name], (N, C))
    for name, side in (("rows", H), ("columns", W)):
        expect_whole(name, answer[name])
        expect_between(
            name, answer[name], 0, side - 1, why=f"the maps are {H} rows high and {W} columns wide"
        )
    expect_close("values", answer["values"], maps.amax(dim=(2, 3)), why="the largest value of each map")
    rows, columns = answer["rows"].long(), answer["columns"].long()
    there = maps[torch.arange(N)[:, None], torch.arange(C), rows, columns]
    expect_close(
        "maps at your rows and columns",
        there,
        maps.amax(dim=(2, 3)),
        why="the maximum should stand at this place",
    )


def _peaks(
    *,
    measure: Callable[[Tensor], Tensor] = lambda maps: maps,
    split: Callable[[Tensor, Tensor], tuple[Tensor, ...]] = lambda place, maps: (
        place // maps.shape[3],
        place % maps.shape[3],
    ),
    last: Callable[..., tuple[Tensor, ...]] = lambda values, rows, columns: (values, rows, columns),
) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """A wrong answer: the right recipe with one part exchanged. split: (place (N, C), maps) -> rows, columns"""

    def wrong(maps: Tensor) -> tuple[Tensor, ...]:
        places = measure(maps).expand_as(maps).flatten(2).argmax(dim=2)
        return last(maps.flatten(2).gather(2, places[:, :, None])[:, :, 0], *split(places, maps))

    return wrong


def _right_values(
    places: Callable[[Tensor], tuple[Tensor, ...]],
) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """A wrong answer whose values are right. places: maps -> rows, columns"""
    return lambda maps: (maps.amax(dim=(2, 3)), *places(maps))


EXERCISE = Exercise(
    id="04.3",
    title="Where a map is largest",
    points=1,
    minutes=8,
    core=True,
    hints=(
        "argmax over rows and columns together gives one number, counted along the rows: flatten(2) first.",
        "Each row holds W numbers, so place 0 is (0, 0), place W is (1, 0). Which row is place p in?",
        "values, places = maps.flatten(2).max(dim=2); rows = places // W; columns = places % W",
    ),
    cases=_map_cases,
    answer=lambda f, maps: several(("values", "rows", "columns"), f(maps)),
    judge=_judge_peaks,
    alone=each(),
    mistakes=(
        Mistake(
            "divided by the height",
            "you divide the place by the number of rows. Places count along a row, and a row holds W numbers: "
            "// W and % W.",
            _peaks(split=lambda p, maps: (p // maps.shape[2], p % maps.shape[2])),
        ),
        Mistake(
            "row and column exchanged",
            "rows and columns are exchanged: place // W is the row, place % W the column.",
            _peaks(last=lambda values, rows, columns: (values, columns, rows)),
        ),
        Mistake(
            "a fraction of a row",
            "/ gives fractions. How many whole rows lie before a place is place // W.",
            _peaks(split=lambda p, maps: (p / maps.shape[3], p % maps.shape[3])),
        ),
        Mistake(
            "largest in absolute value",
            "you look for the largest absolute value. A strong negative answer is no answer: take the values as "
            "they are.",
            _peaks(measure=torch.abs),
        ),
        Mistake(
            "a row of another column",
            "you have the row of each column's largest value, and take the wrong one of them: take that of the column "
            "in which the maximum is, rows.gather(2, columns[:, :, None]).",
            _right_values(lambda maps: (maps.argmax(dim=2).amax(dim=2), maps.amax(dim=2).argmax(dim=2))),
        ),
        Mistake(
            "rows and columns apart",
            "you took the row with the largest sum and the column with the largest sum. They need not cross at the "
            "maximum: look for it over both together.",
            _right_values(lambda maps: (maps.sum(dim=3).argmax(dim=2), maps.sum(dim=2).argmax(dim=2))),
        ),
        Mistake(
            "one place for all images",
            "you found one place for the whole batch. Each image has a maximum of its own, in each channel.",
            _right_values(lambda maps: _peaks(measure=lambda maps: maps.amax(dim=0))(maps)[1:]),
        ),
        Mistake(
            "one place for all channels",
            "you found one place for all channels of an image. Each channel has a maximum of its own.",
            _right_values(lambda maps: _peaks(measure=lambda maps: maps.sum(dim=1, keepdim=True))(maps)[1:]),
        ),
        Mistake(
            "smallest value",
            "you look for the smallest value: argmax, not argmin.",
            _peaks(measure=torch.neg),
        ),
        Mistake(
            "divided by height, rest by width",
            "you divide the place by the number of rows. A row holds W numbers, so the row is place // W.",
            _peaks(split=lambda p, maps: (p // maps.shape[2], p % maps.shape[3])),
        ),
        Mistake(
            "divided by width, rest by height",
            "the column is what is left in its row, which holds W numbers: place % W.",
            _peaks(split=lambda p, maps: (p // maps.shape[3], p % maps.shape[2])),
        ),
        Mistake(
            "place not split",
            "you return the place in the flattened map twice. Split it: place // W is the row, place % W the column.",
            _peaks(split=lambda p, maps: (p, p)),
        ),
        Mistake(
            "counted from 1",
            "your rows and columns are one too large. They are counted from 0.",
            _peaks(split=lambda p, maps: (p // maps.shape[3] + 1, p % maps.shape[3] + 1)),
        ),
        Mistake(
            "rounded to the nearest row",
            "you round place / W, so the right half of a row counts as the next one. Round down: place // W.",
            _peaks(split=lambda p, maps: ((p / maps.shape[3]).round(), p % maps.shape[3])),
        ),
        Mistake(
            "first column, first row",
            "you found the best row of the first column and the best column of the first row. Look over rows and "
            "columns "
            "together: flatten(2) first.",
            _right_values(lambda maps: (maps[..., 0].argmax(dim=2), maps[:, :, 0].argmax(dim=2))),
        ),
        Mistake(
            "values last",
            "you return rows, columns, values. The order is values, rows, columns.",
            _peaks(last=lambda values, rows, columns: (rows, columns, values)),
        ),
        Mistake(
            "not three results",
            "three results are asked for: values, rows, columns. max gives a value and one place, which place // W and "
            "place % W make two of.",
            lambda maps: maps.flatten(2).max(dim=2),
        ),
    ),
)
