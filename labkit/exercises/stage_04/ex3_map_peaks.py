"""04.3 Where each map is largest, and how large it is there."""

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape, expect_whole
from labkit.checks.values import several
from labkit.exercises.drawing import coarse_photo


def _map_cases(generator: torch.Generator) -> Cases:
    photos = torch.cat([coarse_photo("stained glass"), coarse_photo("coffee")])[
        :, :, 12:44, 3:53
    ]  # (2, 3, 32, 50)
    weight = torch.randn(4, 3, 5, 5, generator=generator)
    rows = torch.randn(3, 2, 9, 4, generator=generator)
    return {
        "filters on two photos": torch.conv2d(photos, weight, stride=2),  # (2, 4, 14, 23)
        "maps higher than wide": rows,
        "maps below zero": -rows.abs().mT - 1,
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


def _peaks(maps, *, measure=lambda maps: maps, split=None, swap=False):
    W = maps.shape[3]
    places = measure(maps).flatten(2).argmax(dim=2)
    values = maps.flatten(2).gather(2, places[:, :, None])[:, :, 0]
    rows, columns = split(places, maps) if split else (places // W, places % W)
    return (values, columns, rows) if swap else (values, rows, columns)


def _batch_wide(maps):
    places = maps.amax(dim=0, keepdim=True).expand_as(maps).flatten(2).argmax(dim=2)
    return maps.amax(dim=(2, 3)), places // maps.shape[3], places % maps.shape[3]


EXERCISE = Exercise(
    id="04.3",
    title="Where a map is largest",
    points=1,
    minutes=8,
    hints=(
        "argmax over rows and columns together gives one number, counted along the rows: flatten(2) first.",
        "Each row holds W numbers, so place 0 is (0, 0), place W is (1, 0). Which row is place p in?",
        "values, places = maps.flatten(2).max(dim=2); rows = places // W; columns = places % W",
    ),
    cases=_map_cases,
    answer=lambda f, maps: several(("values", "rows", "columns"), f(maps)),
    judge=_judge_peaks,
    mistakes=(
        Mistake(
            "divided by the height",
            "you divide the place by the number of rows. Places count along a row, and a row holds W numbers: "
            "// W and % W.",
            lambda maps: _peaks(maps, split=lambda p, m: (p // m.shape[2], p % m.shape[2])),
        ),
        Mistake(
            "row and column exchanged",
            "rows and columns are exchanged: place // W is the row, place % W the column.",
            lambda maps: _peaks(maps, swap=True),
        ),
        Mistake(
            "a fraction of a row",
            "/ gives fractions. How many whole rows lie before a place is place // W.",
            lambda maps: _peaks(maps, split=lambda p, m: (p / m.shape[3], p % m.shape[3])),
        ),
        Mistake(
            "largest in absolute value",
            "you look for the largest absolute value. A strong negative answer is no answer: take the values as "
            "they are.",
            lambda maps: _peaks(maps, measure=torch.abs),
        ),
        Mistake(
            "rows and columns apart",
            "you took the row with the largest sum and the column with the largest sum. They need not cross at the "
            "maximum: look for it over both together.",
            lambda maps: (
                maps.amax(dim=(2, 3)),
                maps.sum(dim=3).argmax(dim=2),
                maps.sum(dim=2).argmax(dim=2),
            ),
        ),
        Mistake(
            "one place for all images",
            "you found one place for the whole batch. Each image has a maximum of its own, in each channel.",
            _batch_wide,
        ),
    ),
)
