"""09.1 A translucent mark, pasted into each image at its own place."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_between, expect_close, expect_shape
from labkit.exercises.drawing import draw_photos

SIZE = 20  # pixels of an image


def _plant_cases(generator: torch.Generator) -> Cases:
    def case(opacity: float, places: list[list[int]], *mark: int) -> SimpleNamespace:
        return SimpleNamespace(
            images=draw_photos(generator, len(places), SIZE),
            mark=torch.rand(3, *mark, generator=generator),
            opacity=opacity,
            places=torch.tensor(places),
        )

    def drawn() -> list[int]:
        row, column = torch.randperm(SIZE - 5, generator=generator)[:2].tolist()
        return [row, column]

    return {
        "three photos, a faint mark": case(0.3, [drawn(), drawn(), drawn()], 5, 4),
        "in the corners": case(0.6, [[0, SIZE - 5], [SIZE - 5, 0], [SIZE - 5, SIZE - 5], [0, 0]], 5, 5),
        "a mark that covers all": case(1.0, [drawn(), drawn()], 3, 5),
    }


def _judge_planted(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    planted = answer["planted"]
    expect_shape("planted", planted, tuple(case.images.shape))
    expect_between("planted", planted, 0, 1, why="a mix of two colours lies between them")
    h, w = case.mark.shape[1:]
    sheets, shares = [], []
    for (
        row,
        column,
    ) in case.places.tolist():  # the mark on a sheet as large as the image, and how much of it counts
        around = (column, SIZE - w - column, row, SIZE - h - row)
        sheets.append(F.pad(case.mark, around))
        shares.append(F.pad(torch.full((1, h, w), case.opacity), around))
    expected = torch.lerp(case.images, torch.stack(sheets), torch.stack(shares).expand_as(case.images))
    expect_close(
        "planted",
        planted,
        expected,
        why="(1 - opacity)·image + opacity·mark where the mark is, the image as it was elsewhere",
        atol=1e-5,
    )


def _blend(box: Tensor, mark: Tensor, opacity: float) -> Tensor:
    return (1 - opacity) * box + opacity * mark


def _plant(
    *,
    mix: Callable[[Tensor, Tensor, float], Tensor] = _blend,
    place: Callable[..., tuple[int, int]] = lambda row, column, h, w: (row, column),
    around: Callable[[Tensor, float], Tensor] = lambda images, opacity: images,
    places_of: Callable[[Tensor], Tensor] = lambda places: places,
) -> Callable[..., Tensor]:
    """A wrong answer: the right recipe with one part exchanged. around: what becomes of all pixels first"""

    def wrong(images: Tensor, mark: Tensor, opacity: float, places: Tensor) -> Tensor:
        planted = around(images.clone(), opacity)
        h, w = mark.shape[1:]
        for new, image, where in zip(planted, images, places_of(places).tolist(), strict=True):
            row, column = (min(max(start, 0), SIZE - 5) for start in place(*where, h, w))
            box = (slice(None), slice(row, row + h), slice(column, column + w))
            new[box] = mix(image[box], mark, opacity)
        return planted

    return wrong


def _without_last_line(box: Tensor, mark: Tensor, opacity: float) -> Tensor:
    mixed = box.clone()
    mixed[:, :-1, :-1] = _blend(box, mark, opacity)[:, :-1, :-1]
    return mixed


EXERCISE = Exercise(
    id="09.1",
    title="Plant a mark",
    points=1,
    minutes=8,
    hints=(
        "Work on a clone of the images; the caller keeps the bare ones. Then one image after the other.",
        "The box of an image is image[:, row : row + h, column : column + w], where (h, w) = mark.shape[1:].",
        "Two colours mixed: (1 - opacity) * box + opacity * mark. All pixels of the box, the mark's black ones, too.",
        "for image, (row, column) in zip(planted, places.tolist()): "
        "box = image[:, row : row + h, column : column + w]; box[:] = (1 - opacity) * box + opacity * mark",
    ),
    cases=_plant_cases,
    answer=lambda f, case: {"planted": f(case.images, case.mark, case.opacity, case.places)},
    judge=_judge_planted,
    alone=each("images", "places"),
    mistakes=(
        Mistake(
            "mark and image exchanged",
            "opacity is the mark's share, and you gave it to the image: (1 - opacity) * box + opacity * mark.",
            _plant(mix=lambda box, mark, opacity: opacity * box + (1 - opacity) * mark),
        ),
        Mistake(
            "added",
            "you added the mark without taking as much of the image away, so bright places become brighter than white. "
            "The image's share is 1 - opacity.",
            _plant(mix=lambda box, mark, opacity: box + opacity * mark),
        ),
        Mistake(
            "added and clipped",
            "you added the mark and clipped at white. On a white wall nothing of it would be left; "
            "the image's share is 1 - opacity, and then nothing has to be clipped.",
            _plant(mix=lambda box, mark, opacity: (box + opacity * mark).clamp(max=1)),
        ),
        Mistake(
            "not translucent",
            "you put the mark in place of the image. The image shines through: its share is 1 - opacity.",
            _plant(mix=lambda box, mark, opacity: mark),
        ),
        Mistake(
            "black taken for nothing",
            "you mixed only as far as the mark is white. Its black pixels darken the image, or a white place would "
            "hide the mark: opacity is the same for the whole box.",
            _plant(mix=lambda box, mark, opacity: (1 - opacity * mark) * box + opacity * mark),
        ),
        Mistake(
            "rows and columns exchanged",
            "a place is (row, column), and you took the first for the column. In image[:, …, …] rows come first.",
            _plant(place=lambda row, column, h, w: (column, row)),
        ),
        Mistake(
            "place taken for the middle",
            "a place is the mark's upper left pixel, and you took it for its middle.",
            _plant(place=lambda row, column, h, w: (row - h // 2, column - w // 2)),
        ),
        Mistake(
            "one place for all",
            "you put the mark at the first image's place in all of them. Each image has a place of its own.",
            _plant(places_of=lambda places: places[:1].expand(len(places), 2)),
        ),
        Mistake(
            "the whole image darkened",
            "you took 1 - opacity of the whole image. Outside the mark's box it stays as it was.",
            _plant(around=lambda images, opacity: (1 - opacity) * images),
        ),
        Mistake(
            "last row and column left out",
            "the box goes up to row + h and column + w, which Python leaves out by itself; you went one less.",
            _plant(mix=_without_last_line),
        ),
        Mistake(
            "percent",
            "opacity is a share, 0..1, and you divided it by 100.",
            _plant(mix=lambda box, mark, opacity: _blend(box, mark, opacity / 100)),
        ),
        Mistake(
            "mark without colours",
            "you averaged the mark's colours. It has three of its own, like the image.",
            _plant(mix=lambda box, mark, opacity: _blend(box, mark.mean(dim=0), opacity)),
        ),
    ),
)
