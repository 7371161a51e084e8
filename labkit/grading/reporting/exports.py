"""Scores as Canvas, Moodle, Gradescope and nbgrader write them, and those that can read them back do.

What is not known of a student stays empty: no id is guessed.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from labkit.grading.records import Mark, Result, Row, Student
from labkit.grading.reporting.classes import exercise_ids, is_absent, result_of, stage_of, title_of
from labkit.grading.reporting.looks import number
from labkit.grading.reporting.tables import write_table

Table = list[list[object]]


def canvas(rows: Sequence[Row], title: str) -> Table:
    """A gradebook to import: students are found by Canvas's id, else by their login, else by their name."""
    of = max((row.of for row in rows), default=0.0)
    head: list[object] = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title]
    worth: list[object] = ["    Points Possible", "", "", "", "", round(of, 2)]
    students = [
        [row.student.shown, _id(row.student, "canvas"), _id(row.student, "sis"), _id(row.student, "login"), "",
         round(row.points, 2)]
        for row in rows
    ]  # fmt: skip
    return [head, worth, *students]


def moodle(rows: Sequence[Row], title: str) -> Table:
    """A grading worksheet, for "Upload grading worksheet": only those whose participant number is known."""
    head: list[object] = [
        "Identifier", "Full name", "Email address", "Status", "Grade", "Maximum grade", "Grade can be changed",
        "Last modified (submission)", "Last modified (grade)", "Feedback comments",
    ]  # fmt: skip
    return [head, *(_participant(row) for row in rows if _id(row.student, "moodle"))]


def _participant(row: Row) -> list[object]:
    status = "No submission" if is_absent(row) else "Submitted for grading"
    comments = "; ".join(dict.fromkeys((*row.notes, *(mark.why for mark in row.marks if mark.why))))
    return [
        f"Participant {_id(row.student, 'moodle')}", row.student.shown, _id(row.student, "email"), status,
        f"{row.points:.2f}", f"{row.of:.2f}", "Yes", _newest(row) or "-", "-", comments,
    ]  # fmt: skip


def gradescope(rows: Sequence[Row], title: str) -> Table:
    """As Gradescope's "Download grades": one row a student, one column an exercise."""
    ids = exercise_ids(rows)
    worth = {mark.outcome.exercise: mark.of for row in rows for mark in row.marks}
    questions = [f"{i}: {title_of(i)} ({number(worth[i])} pts)" for i in ids]
    head: list[object] = [
        "Name", "SID", "Email", "Total Score", "Max Points", "Status", "Submission ID", "Submission Time",
        "Lateness (H:M:S)", "View Count", "Submission Count", *questions,
    ]  # fmt: skip
    return [head, *(_graded(row, ids) for row in rows)]


def _graded(row: Row, ids: Sequence[str]) -> list[object]:
    marks: dict[str, Mark] = {mark.outcome.exercise: mark for mark in row.marks}
    points = [round(marks[i].points, 2) if i in marks else "" for i in ids]
    attempts = max((result.attempt or 1 for result in row.results), default=0)
    who = [row.student.shown, _id(row.student, "sid"), _id(row.student, "email")]
    if is_absent(row):
        return [*who, "", round(row.of, 2), "Missing", "", "", "", "", "", *("" for _ in ids)]
    total = [round(row.points, 2), round(row.of, 2), "Graded", "", _newest(row), "", "", attempts]
    return [*who, *total, *points]


def nbgrader(rows: Sequence[Row], title: str) -> Table:
    """As `nbgrader export`: one row for each student and each notebook."""
    head: list[object] = [
        "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
        "late_submission_penalty", "score", "max_score",
    ]  # fmt: skip
    stages = sorted({stage_of(exercise_id) for exercise_id in exercise_ids(rows)})
    return [head, *(_notebook(row, stage) for stage in stages for row in rows)]


def _notebook(row: Row, stage: str) -> list[object]:
    marks = [mark for mark in row.marks if stage_of(mark.outcome.exercise) == stage]
    result: Result | None = result_of(row, stage)
    last, _, first = row.student.shown.partition(", ")
    score, most = (
        float(round(sum(values), 2)) for values in ([m.points for m in marks], [m.of for m in marks])
    )
    when = result.when if result else ""
    email = _id(row.student, "email")
    return [stage, "", when, row.student.key, last, first, email, score, 0.0, score, most]


SHAPES: dict[str, Callable[[Sequence[Row], str], Table]] = {
    "canvas.csv": canvas,
    "moodle.csv": moodle,
    "gradescope.csv": gradescope,
    "nbgrader.csv": nbgrader,
}


def write_exports(rows: Sequence[Row], folder: Path, title: str) -> None:
    """One file for each product, in a folder."""
    for name, shape in SHAPES.items():
        write_table(folder / name, shape(rows, title))


def _id(student: Student, kind: str) -> str:
    return dict(student.ids).get(kind, "")


def _newest(row: Row) -> str:
    return max((result.when for result in row.results), default="")
