"""01.3 Filters side by side on one sheet, with gaps between them."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.methods import sheets as reference


def _sheets(generator: torch.Generator) -> Cases:
    def case(K, h, w, columns, gap):
        return SimpleNamespace(filters=torch.rand(K, 3, h, w, generator=generator), columns=columns, gap=gap)

    return {
        "6 filters in 3 columns": case(6, 4, 4, 3, 1),
        "7 filters, the last row half empty": case(7, 3, 3, 4, 1),
        "wide filters, gap 2": case(4, 3, 5, 2, 2),
    }


def _judge_sheet(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expected = reference.tile(case.filters, columns=case.columns, gap=case.gap)
    expect_close(
        "sheet", answer["sheet"], expected, why="filter k stands in row k // columns, column k % columns"
    )


def _tile(filters, columns, gap, *, place, rows, border):
    _, C, h, w = filters.shape
    edge = gap if border else 0
    sheet = torch.zeros(C, rows * (h + gap) - gap + 2 * edge, columns * (w + gap) - gap + 2 * edge)
    for k, image in enumerate(filters):
        row, column = place(k)
        if row < rows:
            top, left = edge + row * (h + gap), edge + column * (w + gap)
            sheet[:, top : top + h, left : left + w] = image
    return sheet


def _down_first(filters, columns, gap):
    rows = -(-len(filters) // columns)
    return _tile(filters, columns, gap, rows=rows, border=True, place=lambda k: (k % rows, k // rows))


def _rows_floored(filters, columns, gap):
    return _tile(
        filters, columns, gap, rows=len(filters) // columns, border=True, place=lambda k: divmod(k, columns)
    )


def _no_border(filters, columns, gap):
    rows = -(-len(filters) // columns)
    return _tile(filters, columns, gap, rows=rows, border=False, place=lambda k: divmod(k, columns))


EXERCISE = Exercise(
    id="01.3",
    title="Tile the filters into a sheet",
    points=2,
    minutes=12,
    hints=(
        "Make a black sheet of the right size first, then copy each filter to its place.",
        "The number of rows is K / columns rounded up: -(-K // columns), or math.ceil(K / columns).",
        "divmod(k, columns) gives row and column; top = gap + row * (h + gap), left = gap + column * (w + gap).",
    ),
    cases=_sheets,
    answer=lambda f, case: {"sheet": f(case.filters, case.columns, case.gap)},
    judge=_judge_sheet,
    mistakes=(
        Mistake(
            "down before across",
            "you fill the sheet column by column. It reads like a text: along the row first.",
            _down_first,
        ),
        Mistake(
            "half-empty row lost",
            "when the last row is not full, yours is missing: K // columns rounds down. Round up.",
            _rows_floored,
        ),
        Mistake(
            "no outer gap",
            "the gap goes around the sheet too: rows·(h+gap) + gap pixels high, and filter 0 starts at (gap, gap).",
            _no_border,
        ),
        Mistake(
            "filters transposed",
            "rows and columns inside each filter are exchanged. A filter is (3, h, w): height comes first.",
            lambda filters, columns, gap: reference.tile(filters.transpose(2, 3), columns=columns, gap=gap),
        ),
    ),
)
