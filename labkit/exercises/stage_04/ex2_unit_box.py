"""04.2 Which pixels a unit sees: its box in the image."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.checks.values import several
from labkit.exercises.drawing import draw_whole_number


def _units(generator: torch.Generator) -> Cases:
    def case(
        row: int, column: int, stride: int, *, units: tuple[int, int] = (10, 14), size: int | None = None
    ) -> SimpleNamespace:
        size = size or 7 + 2 * draw_whole_number(generator, 0, 2)
        field = (size, stride, -draw_whole_number(generator, 3, 5))
        H, W = units
        return SimpleNamespace(row=row, column=column, field=field, image_size=(H * stride, W * stride))

    return {
        "a unit in the middle": case(
            draw_whole_number(generator, 4, 5), draw_whole_number(generator, 6, 8), 4
        ),
        "a unit at the upper border": case(0, 2, 4),
        "a unit at the left border": case(4, 0, 3),
        "the last unit": case(9, 13, 5),
        "a field wider than the image": case(2, 3, 4, units=(6, 9), size=61),
    }


def _box_by_force(case: SimpleNamespace) -> tuple[int, int, int, int]:
    """The box around all pixels that lie in the field, found by asking each."""
    size, stride, start = case.field
    ends = []
    for place, side in zip((case.row, case.column), case.image_size, strict=True):
        seen = [pixel for pixel in range(side) if 0 <= pixel - (start + place * stride) < size]
        ends.append((seen[0], seen[-1] + 1))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


def _judge_box(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    asked = f"unit ({case.row}, {case.column}), field {case.field}, image {case.image_size}"
    for name, expected in zip(("top", "left", "bottom", "right"), _box_by_force(case), strict=True):
        expect_close(name, answer[name], torch.tensor(expected), why=asked, atol=1e-6, rtol=0)


def _inside(first: int, size: int, side: int) -> tuple[int, int]:
    return max(first, 0), min(first + size, side)


def _box(
    *,
    first: Callable[[int, int, int, int], int] = lambda place, size, stride, start: place * stride + start,
    ends: Callable[[int, int, int], tuple[int, int]] = _inside,
    order: Callable[..., tuple[int, ...]] = lambda *top_left_bottom_right: top_left_bottom_right,
) -> Callable[..., tuple[int, ...]]:
    """A wrong answer: the right box with one part exchanged. ends: (first pixel, size, side) -> low, high"""

    def wrong(row: int, column: int, field: tuple[int, ...], image_size: tuple[int, ...]) -> tuple[int, ...]:
        size, stride, start = field
        (top, bottom), (left, right) = (
            ends(first(place, size, stride, start), size, side)
            for place, side in zip((row, column), image_size, strict=True)
        )
        return order(top, left, bottom, right)

    return wrong


EXERCISE = Exercise(
    id="04.2",
    title="From a unit to its pixels",
    points=1,
    minutes=8,
    hints=(
        "Rows and columns are two sums of the same kind: the first pixel is start + place · stride.",
        "The end is the first pixel + size. Cut off what lies outside at the very last, with max(…, 0) and "
        "min(…, side).",
        "top = start + row * stride; bottom = top + size; then max(top, 0) and min(bottom, H); columns alike with W.",
    ),
    cases=_units,
    answer=lambda f, case: several(
        ("top", "left", "bottom", "right"), f(case.row, case.column, case.field, case.image_size)
    ),
    judge=_judge_box,
    mistakes=(
        Mistake(
            "not cut at the border",
            "your box leaves the image. A negative top would even count from the bottom when you slice with it: "
            "cut with max(…, 0) and min(…, side).",
            _box(ends=lambda first, size, side: (first, first + size)),
        ),
        Mistake(
            "pushed inside",
            "at the border your box is pushed inside and keeps its size. What lies outside is lost: compute the end "
            "from the uncut beginning.",
            _box(ends=lambda first, size, side: (max(first, 0), min(max(first, 0) + size, side))),
        ),
        Mistake(
            "x before y",
            "your order is left, top, right, bottom, as image libraries have it. Here rows come first: top, left, "
            "bottom, right.",
            _box(order=lambda top, left, bottom, right: (left, top, right, bottom)),
        ),
        Mistake(
            "row and column exchanged",
            "you move down by the column and right by the row. A row says how far *down*.",
            lambda row, column, *rest: _box()(column, row, *rest),
        ),
        Mistake(
            "last pixel instead of end",
            "your bottom and right are the last pixels inside. A slice ends before its end: they are the first "
            "pixels outside, one more.",
            _box(ends=lambda first, size, side: (max(first, 0), min(first + size, side) - 1)),
        ),
        Mistake(
            "start forgotten",
            "your unit 0 begins at pixel 0. It begins at `start`, in the padding.",
            _box(first=lambda place, size, stride, start: place * stride),
        ),
        Mistake(
            "end one too early",
            "the end is one pixel too early: first pixel + size, without - 1.",
            _box(ends=lambda first, size, side: (max(first, 0), min(first + size - 1, side))),
        ),
        Mistake(
            "image one too small",
            "you cut at H - 1 and W - 1. Bottom and right are the first pixels outside: H and W at most.",
            _box(ends=lambda first, size, side: (max(first, 0), min(first + size, side - 1))),
        ),
        Mistake(
            "cut at one side only: top and left",
            "you cut at the top and the left, and not at the bottom and the right: min(…, H), min(…, W).",
            _box(ends=lambda first, size, side: (max(first, 0), first + size)),
        ),
        Mistake(
            "cut at one side only: bottom and right",
            "you cut at the bottom and the right, and not at the top and the left: max(…, 0).",
            _box(ends=lambda first, size, side: (first, min(first + size, side))),
        ),
        Mistake(
            "height and width exchanged",
            "you cut rows at the width and columns at the height. image_size is (H, W).",
            lambda row, column, field, image_size: _box()(row, column, field, image_size[::-1]),
        ),
        Mistake(
            "start's sign",
            "you subtract `start`. It is negative already: start + row · stride.",
            _box(first=lambda place, size, stride, start: place * stride - start),
        ),
        Mistake(
            "start in strides",
            "you multiply `start` by the stride. It is in pixels already: start + row · stride.",
            _box(first=lambda place, size, stride, start: (place + start) * stride),
        ),
        Mistake(
            "around its middle",
            "you take start + row · stride for the middle of the field. It is the field's first pixel.",
            _box(first=lambda place, size, stride, start: place * stride + start - size // 2),
        ),
        Mistake(
            "stride left out",
            "you move by one pixel from unit to unit. Neighbouring units are `stride` pixels apart.",
            _box(first=lambda place, size, stride, start: place + start),
        ),
        Mistake(
            "counted from 1",
            "your box is that of the next unit. Rows and columns are counted from 0.",
            _box(first=lambda place, size, stride, start: (place + 1) * stride + start),
        ),
        Mistake(
            "size and stride exchanged",
            "you exchanged size and stride. A field is (size, stride, start).",
            lambda row, column, field, image_size: _box()(
                row, column, (field[1], field[0], field[2]), image_size
            ),
        ),
        Mistake(
            "as wide as the stride",
            "your box is `stride` pixels wide. It is `size` pixels wide, and neighbouring boxes overlap.",
            lambda row, column, field, image_size: _box(
                ends=lambda first, size, side: _inside(first, field[1], side)
            )(row, column, field, image_size),
        ),
        Mistake(
            "height and width in place of ends",
            "you return how high and wide the box is. Return where it ends: bottom and right.",
            _box(order=lambda top, left, bottom, right: (top, left, bottom - top, right - left)),
        ),
        Mistake(
            "rows first, then columns",
            "you return top, bottom, left, right. The order is top, left, bottom, right.",
            _box(order=lambda top, left, bottom, right: (top, bottom, left, right)),
        ),
    ),
)
