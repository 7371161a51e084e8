"""Scores in a terminal: one mark an exercise, readable without colour and in any console's encoding."""

from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from labkit.checks.answer import State
from labkit.grading.records import Row
from labkit.grading.reporting.classes import stage_of
from labkit.grading.reporting.looks import LOOKS, number
from labkit.grading.reporting.text import one_line


class Scores:
    """A table of the class, with what its marks mean below it; rich prints it."""

    def __init__(self, rows: Sequence[Row]):
        self.rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        encoding = console.encoding
        stages = sorted({stage_of(mark.outcome.exercise) for row in self.rows for mark in row.marks})
        grid = Table(header_style="bold", box=box.SIMPLE)
        for name in ("student", *stages, "points", "notes"):  # folded, as not every console has three dots
            grid.add_column(escape(name), overflow="fold", no_wrap=name in stages)
        for row in self.rows:
            marks = [_marks(row, stage, encoding) for stage in stages]
            points = f"{number(row.points)}/{number(row.of)}"
            grid.add_row(
                _fit(row.student.shown, encoding, 60),
                *marks,
                points,
                _fit("; ".join(row.notes), encoding, 200),
            )
        yield grid
        yield Text("   ".join(f"{mark_for(state, encoding)} {state}" for state in LOOKS))


def table(rows: Sequence[Row]) -> Scores:
    """One row a student, one column a stage, one mark an exercise."""
    return Scores(rows)


def mark_for(state: State, encoding: str) -> str:
    """A state's mark, or a plainer one where the console cannot print it."""
    look = LOOKS[state]
    return look.mark if _encodes(look.mark, encoding) else look.plain


def _marks(row: Row, stage: str, encoding: str) -> Text:
    text = Text(no_wrap=True)
    for mark in row.marks:
        if stage_of(mark.outcome.exercise) == stage:
            state = mark.outcome.state
            text.append(mark_for(state, encoding), LOOKS[state].colour)
    return text


def _fit(words: str, encoding: str, most: int) -> Text:
    """Text as this console can print it; never markup."""
    plain = one_line(words, most)
    if not _encodes(plain, encoding):
        plain = plain.encode(encoding, "backslashreplace").decode(encoding)
    return Text(plain)


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
