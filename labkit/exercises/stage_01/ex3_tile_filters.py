"""01.3 Filters side by side on one sheet, with gaps between them."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.methods import sheets as reference


def _sheets(generator: torch.Generator) -> Cases:
    def case(K: int, h: int, w: int, columns: int, gap: int) -> SimpleNamespace:
        return SimpleNamespace(filters=torch.rand(K, 3, h, w, generator=generator), columns=columns, gap=gap)

    return {
        "6 filters in 3 columns": case(6, 4, 5, 3, 2),
        "7 filters, the last row half empty": case(7, 3, 3, 4, 1),
        "high filters, gap 3": case(4, 5, 3, 2, 3),
        "2 filters in 5 columns": case(2, 3, 4, 5, 1),
    }


def _judge_sheet(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expected = reference.tile(case.filters, columns=case.columns, gap=case.gap)
    expect_close(
        "sheet", answer["sheet"], expected, why="filter k stands in row k // columns, column k % columns"
    )


def _rounded_up(count: int, columns: int) -> int:
    return -(-count // columns)


def _sheet(
    *,
    place: Callable[..., tuple[int, int]] = lambda k, rows, columns: divmod(k, columns),
    rows: Callable[[int, int], int] = _rounded_up,
    across: Callable[[int, int], int] = lambda count, columns: columns,
    gaps: Callable[[int], int] = lambda gap: gap,
    edge: Callable[[int], int] = lambda gap: gap,
    black: float = 0.0,
    until: int | None = None,
) -> Callable[[Tensor, int, int], Tensor]:
    """A wrong answer: the right sheet with one part exchanged. until: how many filters are copied, counted as "
    "[:until]"""

    def wrong(filters: Tensor, columns: int, gap: int) -> Tensor:
        K, C, h, w = filters.shape
        down, right, gap, border = rows(K, columns), across(K, columns), gaps(gap), edge(gap)
        height, width = down * (h + gap) - gap + 2 * border, right * (w + gap) - gap + 2 * border
        sheet = torch.full((C, height, width), black)
        for k in range(K)[:until]:
            row, column = place(k, down, columns)
            top, left = border + row * (h + gap), border + column * (w + gap)
            if top + h <= height and left + w <= width:
                sheet[:, top : top + h, left : left + w] = filters[k]
        return sheet

    return wrong


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
            _sheet(place=lambda k, rows, columns: (k % rows, k // rows)),
        ),
        Mistake(
            "half-empty row lost",
            "when the last row is not full, yours is missing: K // columns rounds down. Round up.",
            _sheet(rows=lambda count, columns: count // columns),
        ),
        Mistake(
            "no outer gap",
            "the gap goes around the sheet too: rows·(h+gap) + gap pixels high, and filter 0 starts at (gap, gap).",
            _sheet(edge=lambda gap: 0),
        ),
        Mistake(
            "filters transposed",
            "rows and columns inside each filter are exchanged. A filter is (3, h, w): height comes first.",
            lambda filters, columns, gap: _sheet()(filters.transpose(2, 3), columns, gap),
        ),
        Mistake(
            "a row too many",
            "when K is a multiple of columns, your sheet has an empty row: K // columns + 1 is one too many there. "
            "Round up: -(-K // columns).",
            _sheet(rows=lambda count, columns: count // columns + 1),
        ),
        Mistake(
            "sheet as narrow as the filters",
            "with fewer filters than columns your sheet is too narrow. It always has room for `columns` filters.",
            _sheet(across=min),
        ),
        Mistake(
            "rows for columns",
            "your sheet has `columns` rows. Exchange the two: K / columns rows, rounded up, of `columns` filters.",
            lambda filters, columns, gap: _sheet()(filters, _rounded_up(len(filters), columns), gap),
        ),
        Mistake(
            "row and column exchanged",
            "you take k // columns for the column and k % columns for the row. divmod(k, columns) is row, column.",
            _sheet(place=lambda k, rows, columns: divmod(k, columns)[::-1]),
        ),
        Mistake(
            "divided by the rows",
            "you divide k by the number of rows. A row holds `columns` filters: row k // columns.",
            _sheet(place=lambda k, rows, columns: (k // rows, k % columns)),
        ),
        Mistake(
            "no gaps",
            "your filters touch each other. Leave `gap` pixels between them: a step is h + gap, and w + gap.",
            _sheet(gaps=lambda gap: 0, edge=lambda gap: 0),
        ),
        Mistake(
            "a gap of 1, always",
            "your gap is 1 pixel, whatever `gap` says.",
            _sheet(gaps=lambda gap: 1, edge=lambda gap: 1),
        ),
        Mistake(
            "white sheet",
            "the sheet between your filters is white. Start with black: torch.zeros.",
            _sheet(black=1.0),
        ),
        Mistake(
            "one filter only",
            "only filter 0 is on your sheet: the return stands inside the loop.",
            _sheet(until=1),
        ),
        Mistake(
            "last filter missing",
            "the last filter is missing: range(K) runs from 0 to K - 1, so it is not range(K - 1).",
            _sheet(until=-1),
        ),
    ),
)
