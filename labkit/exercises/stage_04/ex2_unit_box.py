"""04.2 Which pixels a unit sees: its box in the image."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.checks.values import several
from labkit.exercises.drawing import draw_whole_number


def _units(generator: torch.Generator) -> Cases:
    def case(row, column, image_size, size=None):
        field = (size or 7 + 2 * draw_whole_number(generator, 0, 2), 4, -draw_whole_number(generator, 3, 5))
        return SimpleNamespace(row=row, column=column, field=field, image_size=image_size)

    return {
        "a unit in the middle": case(
            draw_whole_number(generator, 3, 4), draw_whole_number(generator, 6, 8), (40, 56)
        ),
        "the first unit": case(0, 1, (40, 56)),
        "the last unit": case(9, 13, (40, 56)),
        "a field wider than the image": case(2, 3, (24, 36), size=61),
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


def _box(row, column, field, image_size, *, clip=True, last=0, started=True, kept_size=False):
    size, stride, start = field
    ends = []
    for place, side in zip((row, column), image_size, strict=True):
        first = place * stride + (start if started else 0)
        low = max(first, 0) if clip else first
        end = (low if kept_size else first) + size
        ends.append((low, (min(end, side) if clip else end) - last))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


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
            lambda *case: _box(*case, clip=False),
        ),
        Mistake(
            "pushed inside",
            "at the border your box is pushed inside and keeps its size. What lies outside is lost: compute the end "
            "from the uncut beginning.",
            lambda *case: _box(*case, kept_size=True),
        ),
        Mistake(
            "x before y",
            "your order is left, top, right, bottom, as image libraries have it. Here rows come first: top, left, "
            "bottom, right.",
            lambda *case: [_box(*case)[i] for i in (1, 0, 3, 2)],
        ),
        Mistake(
            "row and column exchanged",
            "you move down by the column and right by the row. A row says how far *down*.",
            lambda row, column, field, image_size: _box(column, row, field, image_size),
        ),
        Mistake(
            "last pixel instead of end",
            "your bottom and right are the last pixels inside. A slice ends before its end: they are the first "
            "pixels outside, one more.",
            lambda *case: _box(*case, last=1),
        ),
        Mistake(
            "start forgotten",
            "your unit 0 begins at pixel 0. It begins at `start`, in the padding.",
            lambda *case: _box(*case, started=False),
        ),
    ),
)
