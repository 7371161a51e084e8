"""09.2 How much of a map lies on the truth."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_between, expect_close, expect_shape
from labkit.exercises.stage_09.boxes import draw_boxes


def _mass_cases(generator: torch.Generator) -> Cases:
    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    silent = draw(3, 6, 6)
    silent[1] = 0
    boxes = draw_boxes(generator, 3, 6, 6)
    silent[2, boxes[2]] = 0  # all that there is lies elsewhere
    return {
        "three maps of both signs": SimpleNamespace(maps=draw(3, 9, 7), masks=draw_boxes(generator, 3, 9, 7)),
        "faint ones, and some large": SimpleNamespace(
            maps=draw(2, 8, 8) * torch.tensor([1e-3, 50.0])[:, None, None],
            masks=draw_boxes(generator, 2, 8, 8),
        ),
        "one map is 0 everywhere, one inside its mask": SimpleNamespace(maps=silent, masks=boxes),
    }


def _counted(values: list[list[float]], mask: list[list[bool]]) -> float:
    """Pixel by pixel."""
    pixels = [
        (abs(v), m) for row, line in zip(values, mask, strict=True) for v, m in zip(row, line, strict=True)
    ]
    total = sum(size for size, _ in pixels)
    if total == 0:
        return sum(m for _, m in pixels) / len(pixels)
    return sum(size for size, m in pixels if m) / total


def _judge_mass(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    mass = answer["mass"]
    expect_shape("mass", mass, (len(case.maps),))
    expect_between("mass", mass, 0, 1, why="it is a share")
    counted = [_counted(*pair) for pair in zip(case.maps.tolist(), case.masks.tolist(), strict=True)]
    expect_close(
        "mass",
        mass,
        torch.tensor(counted),
        why="the sizes inside the mask over all sizes; of a map of zeros, the mask's share of the area",
        atol=1e-5,
    )


def _area(masks: Tensor) -> Tensor:
    return masks.float().mean(dim=(1, 2))


def _or_area(shares: Tensor, masks: Tensor) -> Tensor:
    """What comes of a division by 0 made the mask's share of the area, so that a mistake is no other one beside."""
    return torch.where(shares.isfinite(), shares, _area(masks))


def _share(values: Tensor, masks: Tensor) -> Tensor:
    return _or_area((values * masks).sum(dim=(1, 2)) / values.sum(dim=(1, 2)), masks)


def _sums(maps: Tensor, masks: Tensor) -> Tensor:
    return (maps.abs() * masks).sum(dim=(1, 2))


def _of_the_batch(maps: Tensor, masks: Tensor) -> Tensor:
    shares = _sums(maps, masks) / maps.abs().sum()
    return torch.where(maps.abs().sum(dim=(1, 2)) > 0, shares, _area(masks))


def _means(maps: Tensor, masks: Tensor) -> Tensor:
    inside = _sums(maps, masks) / masks.sum(dim=(1, 2))
    return _or_area(inside / maps.abs().mean(dim=(1, 2)), masks)


EXERCISE = Exercise(
    id="09.2",
    title="Mass inside the truth",
    points=1,
    minutes=8,
    core=True,
    hints=(
        "A pixel that lowers the score was looked at as much as one that raises it: sizes first, .abs().",
        "(sizes * masks).sum(dim=(1, 2)) is what lies inside, sizes.sum(dim=(1, 2)) is all there is.",
        "Where all there is is 0, the share is masks.float().mean(dim=(1, 2)): torch.where(total > 0, …, …).",
    ),
    cases=_mass_cases,
    answer=lambda f, case: {"mass": f(case.maps, case.masks)},
    judge=_judge_mass,
    alone=each("maps", "masks"),
    mistakes=(
        Mistake(
            "signs cancel",
            "you added the values with their signs, so pixels that pull in opposite directions cancel, and the share "
            "can be anything. Sizes first: .abs().",
            _share,
        ),
        Mistake(
            "size taken last",
            "you added the values with their signs, and took the size of the sums: what cancels is lost before. "
            ".abs() first.",
            lambda maps, masks: _or_area(
                (maps * masks).sum(dim=(1, 2)).abs() / maps.sum(dim=(1, 2)).abs(), masks
            ),
        ),
        Mistake(
            "only what raises the score",
            "you dropped the values below 0. A pixel that lowers the score was looked at as well: .abs() in place of a "
            "clamp or ReLU.",
            lambda maps, masks: _share(maps.clamp(min=0), masks),
        ),
        Mistake(
            "squares",
            "you added squares, so the few largest pixels decide. Add sizes, .abs().",
            lambda maps, masks: _share(maps.square(), masks),
        ),
        Mistake(
            "nothing divided by nothing",
            "a map of zeros gives 0 / 0, which is NaN, and one NaN spoils every mean that it gets into. Such a map "
            "says as much as a flat one: give it the mask's share of the area.",
            lambda maps, masks: _sums(maps, masks) / maps.abs().sum(dim=(1, 2)),
        ),
        Mistake(
            "nothing taken for a miss",
            "you give 0 to a map of zeros, as if it pointed elsewhere. It points nowhere, as a flat map does: give it "
            "the mask's share of the area, which is chance.",
            lambda maps, masks: _sums(maps, masks) / maps.abs().sum(dim=(1, 2)).clamp(min=1e-12),
        ),
        Mistake(
            "a miss taken for nothing",
            "you give the mask's share of the area to a map that is 0 inside its mask and not elsewhere. That is a "
            "miss, and gets 0: ask whether all there is is 0.",
            lambda maps, masks: torch.where(
                _sums(maps, masks) > 0, _sums(maps, masks) / maps.abs().sum(dim=(1, 2)), _area(masks)
            ),
        ),
        Mistake(
            "means in place of sums",
            "you divided the mean inside by the mean of all. That is how many times chance it is, and no share: "
            "sums over sums.",
            _means,
        ),
        Mistake(
            "inside against outside",
            "you divided what lies inside by what lies outside. Divide by all there is.",
            lambda maps, masks: _or_area(_sums(maps, masks) / _sums(maps, ~masks), masks).where(
                maps.abs().sum(dim=(1, 2)) > 0, _area(masks)
            ),
        ),
        Mistake(
            "outside",
            "this is the share that lies outside the mask.",
            lambda maps, masks: _or_area(_sums(maps, ~masks) / maps.abs().sum(dim=(1, 2)), masks),
        ),
        Mistake(
            "the batch's total",
            "you divided by the sum over all maps. Each map is divided by its own sum: dim=(1, 2).",
            _of_the_batch,
        ),
        Mistake(
            "one number for all",
            "you added up all maps before dividing. Each map has a share of its own: dim=(1, 2).",
            lambda maps, masks: (maps.abs() * masks).sum() / maps.abs().sum(),
        ),
        Mistake(
            "sums",
            "you return what lies inside. Divide by all there is, for maps have different scales.",
            _sums,
        ),
        Mistake(
            "the mask's area",
            "this is the mask's share of the area, what chance would give. The map has not been asked.",
            lambda maps, masks: _area(masks),
        ),
        Mistake(
            "the largest pixels",
            "you compared the largest sizes, inside and everywhere. Add up all of them: sum in place of amax.",
            lambda maps, masks: _or_area(
                (maps.abs() * masks).amax(dim=(1, 2)) / maps.abs().amax(dim=(1, 2)), masks
            ),
        ),
    ),
)
