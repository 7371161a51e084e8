"""09.3 Whether a map's largest value lies on the truth."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_between, expect_close, expect_shape
from labkit.exercises.stage_09.boxes import draw_boxes


def _game_cases(generator: torch.Generator) -> Cases:
    def case(count: int, *size: int) -> SimpleNamespace:
        maps = torch.randn(count, *size, generator=generator)
        return SimpleNamespace(maps=maps, masks=draw_boxes(generator, count, *size))

    apart, low, equal, silent = case(6, 7, 9), case(4, 8, 8), case(5, 9, 6), case(2, 6, 7)
    for i, (map_, mask) in enumerate(zip(apart.maps, apart.masks, strict=True)):
        _peak(map_, mask if i % 2 == 0 else ~mask, 5.0)
    for i, (map_, mask) in enumerate(
        zip(low.maps, low.masks, strict=True)
    ):  # the largest size is far below 0
        _peak(map_, mask if i % 2 == 0 else ~mask, -6.0)
        _peak(map_, ~mask if i % 2 == 0 else mask, 5.0)
    for i, (map_, mask) in enumerate(zip(equal.maps, equal.masks, strict=True)):
        _equal_peaks(map_, mask, inside_first=i % 2 == 0)
    silent.maps[0] = 0
    return {
        "one peak in each": apart,
        "peaks below 0": low,
        "several that are equal": equal,
        "one map is 0 everywhere": silent,
    }


def _peak(map_: Tensor, where: Tensor, value: float) -> None:
    """Put a value in the middle of the places that a mask allows."""
    places = where.nonzero()
    row, column = places[len(places) // 2]
    map_[row, column] = value


def _equal_peaks(map_: Tensor, mask: Tensor, *, inside_first: bool) -> None:
    """Largest sizes inside and outside: two inside and one outside behind them, or one outside before one inside."""
    inside, outside = mask.nonzero().tolist(), (~mask).nonzero().tolist()
    peaks = [*inside[:2], outside[-1]] if inside_first else [outside[0], inside[-1]]
    for row, column in peaks:
        map_[row, column] = 5.0


def _played(values: list[list[float]], mask: list[list[bool]]) -> float:
    """By sorting all pixels."""
    pixels = [
        (abs(v), m) for row, line in zip(values, mask, strict=True) for v, m in zip(row, line, strict=True)
    ]
    best = sorted(pixels)[-1][0]
    hits = [m for size, m in pixels if size == best]
    return sum(hits) / len(hits)


def _judge_game(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    hits = answer["hits"]
    expect_shape("hits", hits, (len(case.maps),))
    expect_between("hits", hits, 0, 1, why="it is a share")
    played = [_played(*pair) for pair in zip(case.maps.tolist(), case.masks.tolist(), strict=True)]
    expect_close(
        "hits",
        hits,
        torch.tensor(played),
        why="of the pixels with the largest size, the share that lies inside the mask",
        atol=1e-5,
    )


def _largest(values: Tensor) -> Tensor:
    return values == values.amax(dim=(1, 2), keepdim=True)


def _share(chosen: Tensor, masks: Tensor) -> Tensor:
    return (chosen & masks).sum(dim=(1, 2)) / chosen.sum(dim=(1, 2))


def _at(masks: Tensor, places: Tensor) -> Tensor:
    return masks.flatten(1).gather(1, places[:, None])[:, 0].float()


EXERCISE = Exercise(
    id="09.3",
    title="The pointing game",
    points=1,
    minutes=8,
    hints=(
        "Sizes first, as in 09.2. Then: which pixels are as large as their map's largest?",
        "sizes == sizes.amax(dim=(1, 2), keepdim=True) says it for all maps at once: (N, H, W), bool.",
        "How many of these lie inside, over how many there are: (largest & masks).sum(dim=(1, 2)) / "
        "largest.sum(dim=(1, 2)).",
    ),
    cases=_game_cases,
    answer=lambda f, case: {"hits": f(case.maps, case.masks)},
    judge=_judge_game,
    alone=each("maps", "masks"),
    mistakes=(
        Mistake(
            "the largest value",
            "you looked for the largest value, and the largest size was far below 0: .abs() first.",
            lambda maps, masks: _share(_largest(maps), masks),
        ),
        Mistake(
            "the smallest value",
            "you looked for the lowest value. The largest size may be above 0 or below: .abs(), then the largest.",
            lambda maps, masks: _share(_largest(-maps), masks),
        ),
        Mistake(
            "the first of equals",
            "argmax names one of several equal pixels, so that their order decides, and a map of zeros points at "
            "its upper left corner. Take the share of all pixels that are as large as the largest.",
            lambda maps, masks: _at(masks, maps.abs().flatten(1).argmax(dim=1)),
        ),
        Mistake(
            "one of equals is enough",
            "you count a hit as soon as one of several equal pixels lies inside; a flat map would win every time. "
            "Return the share of them that does.",
            lambda maps, masks: (_largest(maps.abs()) & masks).any(dim=2).any(dim=1).float(),
        ),
        Mistake(
            "all of equals or nothing",
            "you count a hit only where all of several equal pixels lie inside. Return the share of them that does.",
            lambda maps, masks: (_share(_largest(maps.abs()), masks) == 1).float(),
        ),
        Mistake(
            "one peak for all",
            "you took the largest of all maps. Each map has a largest of its own: amax(dim=(1, 2), keepdim=True).",
            lambda maps, masks: ((maps.abs() == maps.abs().amax()) & masks).sum(dim=(1, 2)).float(),
        ),
        Mistake(
            "counted",
            "you return how many of the largest pixels lie inside. Divide by how many there are.",
            lambda maps, masks: (_largest(maps.abs()) & masks).sum(dim=(1, 2)),
        ),
        Mistake(
            "over the mask",
            "you divided by the number of pixels in the mask. Divide by the number of pixels that are the largest.",
            lambda maps, masks: (_largest(maps.abs()) & masks).sum(dim=(1, 2)) / masks.sum(dim=(1, 2)),
        ),
        Mistake(
            "mass",
            "this is the mass inside, of 09.2. The pointing game asks for the largest pixel alone.",
            lambda maps, masks: torch.where(
                maps.abs().sum(dim=(1, 2)) > 0,
                (maps.abs() * masks).sum(dim=(1, 2)) / maps.abs().sum(dim=(1, 2)),
                masks.float().mean(dim=(1, 2)),
            ),
        ),
        Mistake(
            "missed",
            "this is the share of the largest pixels that lies outside the mask.",
            lambda maps, masks: _share(_largest(maps.abs()), ~masks),
        ),
        Mistake(
            "averaged over the maps",
            "you averaged over all maps. Return a number for each; the mean comes later.",
            lambda maps, masks: _share(_largest(maps.abs()), masks).mean(),
        ),
        Mistake(
            "which pixel",
            "you return which pixel is the largest. Return whether it lies inside the mask.",
            lambda maps, masks: maps.abs().flatten(1).argmax(dim=1),
        ),
        Mistake(
            "nothing taken for a miss",
            "you give 0 to a map of zeros, as if it pointed elsewhere. All its pixels are equal: the share of them "
            "that lies inside is chance.",
            lambda maps, masks: torch.where(
                maps.abs().amax(dim=(1, 2)) > 0, _share(_largest(maps.abs()), masks), 0.0
            ),
        ),
    ),
)
