"""Scores as a table for a spreadsheet and for a terminal."""

import csv
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from labkit.checks.answer import State
from labkit.checks.judging import Verdict
from labkit.grading.grade import Row

_MARKS = {
    State.PASSED: "✓",
    State.WRONG: "✗",
    State.NOT_ATTEMPTED: "·",
    State.CRASHED: "!",
    State.TIMED_OUT: "T",
    State.OUT_OF_MEMORY: "M",
    State.UNREADABLE: "?",
}
_COLOURS = {State.PASSED: "green", State.NOT_ATTEMPTED: "dim"}
LEGEND = "   ".join(f"{mark} {state}" for state, mark in _MARKS.items())


def write_scores(rows: Sequence[Row], path: Path) -> None:
    """One row a student, one column an exercise, then points and notes."""
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        ids = [verdict.exercise.id for verdict in rows[0].verdicts]
        writer.writerow(["student", *ids, "points", "of", "notes"])
        for row in rows:
            cells = [row.student, *map(_words, row.verdicts), row.points, _most(row), "; ".join(row.notes)]
            writer.writerow([_plain(cell) for cell in cells])
    partial.replace(path)


def table(rows: Sequence[Row]) -> Table:
    """The same for a terminal: one column a stage, one mark an exercise, as the LEGEND says."""
    stages = sorted({verdict.exercise.stage for verdict in rows[0].verdicts})
    grid = Table("student", *stages, "points", "notes", header_style="bold")
    for row in rows:
        marks = ["".join(_mark(v) for v in row.verdicts if v.exercise.stage == stage) for stage in stages]
        grid.add_row(escape(row.student), *marks, f"{row.points}/{_most(row)}", escape("; ".join(row.notes)))
    return grid


def _mark(verdict: Verdict) -> str:
    return f"[{_COLOURS.get(verdict.state, 'red')}]{_MARKS[verdict.state]}[/]"


def _words(verdict: Verdict) -> str:
    return f"{verdict.state}: {verdict.mistake.name}" if verdict.mistake else str(verdict.state)


def _most(row: Row) -> int:
    return sum(verdict.exercise.points for verdict in row.verdicts)


def _plain(cell: object) -> object:
    """Text that a spreadsheet cannot take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@\t\r") else cell
