"""Scores in a terminal: one mark an exercise, readable without colour and in any console's encoding."""

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from labkit.checks.answer import State
from labkit.grading.records import Row
from labkit.grading.reporting.classes import stage_of
from labkit.grading.reporting.looks import LOOKS, number
from labkit.grading.reporting.text import one_line

_GAP, _EDGES = 3, 2  # columns of a console: between two of the table's, and at its two sides
_NAME, _NOTES = 7, 16  # for a name, and for notes, at least


class Scores:
    """A table of the class, with what its marks mean below it; rich prints it."""

    def __init__(self, rows: Sequence[Row]):
        self.rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths: dict[str, int] = {}  # of each stage, so that its marks stand below its name
        for row in self.rows:
            counts = Counter(stage_of(mark.outcome.exercise) for mark in row.marks)
            widths |= {stage: max(count, len(stage), widths.get(stage, 0)) for stage, count in counts.items()}
        yield self._grid(dict(sorted(widths.items())), console.encoding, options.max_width)
        yield Text("   ".join(f"{mark_for(state, console.encoding)} {state}" for state in LOOKS))

    def _grid(self, widths: dict[str, int], encoding: str, room: int) -> Table:
        """Columns of fixed widths: what is left beside marks and points is the name's, and then that of the notes."""
        head = " ".join(stage.ljust(width) for stage, width in widths.items())
        names = [_fit(row.student.shown, encoding, 60) for row in self.rows]
        points = [f"{number(row.points)}/{number(row.of)}" for row in self.rows]
        for_points = max(map(len, ("points", *points)))
        left = room - len(head) - for_points - 2 * _GAP - _EDGES
        for_name = max(min(left, max((name.cell_len for name in names), default=0)), _NAME)
        grid = Table(header_style="bold", box=box.SIMPLE, padding=(0, 1), pad_edge=False)
        grid.add_column("student", overflow="fold", width=for_name)
        grid.add_column(Text(head), width=len(head))
        grid.add_column("points", justify="right", width=for_points)
        for_notes = left - for_name - _GAP
        if for_notes >= _NOTES:
            grid.add_column("notes", no_wrap=True, overflow="crop", width=for_notes)
        for row, name, worth in zip(self.rows, names, points, strict=True):
            notes = _cut(_fit("; ".join(row.all_notes), encoding, 200), for_notes)
            cells: list[Text | str] = [name, _marks(row, widths, encoding), worth, notes]
            grid.add_row(*cells[: len(grid.columns)])
        return grid


def table(rows: Sequence[Row]) -> Scores:
    """One row a student, one column a stage, one mark an exercise."""
    return Scores(rows)


def mark_for(state: State, encoding: str) -> str:
    """A state's mark, or a plainer one where the console cannot print it."""
    look = LOOKS[state]
    return look.mark if _encodes(look.mark, encoding) else look.plain


def _marks(row: Row, widths: dict[str, int], encoding: str) -> Text:
    """The student's marks, stage by stage, each as wide as its column."""
    text = Text()
    for stage, width in widths.items():
        states = [m.outcome.state for m in row.marks if stage_of(m.outcome.exercise) == stage]
        for state in states:
            text.append(mark_for(state, encoding), LOOKS[state].colour)
        text.append(" " * (width - len(states) + 1))
    return text


def _fit(words: str, encoding: str, most: int) -> Text:
    """Text as this console can print it; never markup."""
    plain = one_line(words, most)
    if not _encodes(plain, encoding):
        plain = plain.encode(encoding, "backslashreplace").decode(encoding)
    return Text(plain)


def _cut(text: Text, room: int) -> Text:
    """The same text, so long; three dots, which every console can print, stand for what is left out."""
    if text.cell_len > room:
        text.truncate(max(room - 3, 0))
        text.append("...")
    return text


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
