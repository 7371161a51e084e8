"""scores.csv: one row a student, for a spreadsheet."""

from collections.abc import Sequence
from pathlib import Path

from labkit.grading.records import Mark, Row
from labkit.grading.reporting.classes import exercise_ids
from labkit.grading.reporting.tables import write_table


def write_scores(rows: Sequence[Row], path: Path) -> None:
    """A column for each exercise, with its state and the mistake, between who it is and what it comes to."""
    ids = exercise_ids(rows)
    head = ["key", "name", *ids, "points", "of", "late", "notes", "flags"]
    write_table(path, [head, *(_line(row, ids) for row in rows)], for_excel=True)


def _line(row: Row, ids: Sequence[str]) -> list[object]:
    marks = {mark.outcome.exercise: mark for mark in row.marks}
    late = [result.stage for result in row.results if result.late]
    reasons = [f"{mark.outcome.exercise}: {mark.why}" for mark in row.marks if mark.why]
    cells = [_words(marks[i]) if i in marks else "" for i in ids]
    notes = "; ".join((*row.all_notes, *reasons))
    return [
        row.student.key, row.student.name, *cells, round(row.points, 6), round(row.of, 6), " ".join(late), notes,
        "; ".join(flags_of(row)),
    ]  # fmt: skip


def flags_of(row: Row) -> list[str]:
    """Everything that was flagged, each with where."""
    of_files = [f"{result.stage}: {flag}" for result in row.results for flag in result.flags]
    return of_files + [f"{m.outcome.exercise}: {flag}" for m in row.marks for flag in m.outcome.flags]


def _words(mark: Mark) -> str:
    return ": ".join(filter(None, (str(mark.outcome.state), mark.outcome.mistake)))
