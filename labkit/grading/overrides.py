"""Points that an instructor set by hand: a file of student, exercise, points, why, that outlives every run."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabError, nearest
from labkit.exercises import find
from labkit.grading.records import Student

COLUMNS = ("student", "exercise", "points", "why")


@dataclass(frozen=True)
class Override:
    """Points for one student's exercise, and the reason, which the student reads."""

    points: float
    why: str


def read_overrides(path: Path, students: Sequence[Student]) -> dict[tuple[str, str], Override]:
    """The file's lines, by student's key and exercise's id; none where there is no file.

    Students are named by key or by name. Comma or semicolon, as a spreadsheet saves it.

    Raises: LabError that names the line and what is wrong in it
    """
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(
            f"cannot read {path} ({error}); expected UTF-8, columns {', '.join(COLUMNS)}"
        ) from error
    lines = text.splitlines()
    rows = csv.DictReader(
        lines, delimiter=";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    )
    if missing := set(COLUMNS[:3]) - {str(name).strip().lower() for name in rows.fieldnames or ()}:
        raise LabError(f"{path}: no column {min(missing)!r}; expected {', '.join(COLUMNS)}")
    found = {}
    for row in rows:
        told = {str(name).strip().lower(): str(value or "").strip() for name, value in row.items()}
        if any(told.values()):
            place = f"{path}, line {rows.line_num}"
            where = _key(told["student"], students, place), _exercise(told["exercise"], place)
            found[where] = Override(_points(told["points"], place), told.get("why", ""))
    return found


def _key(named: str, students: Sequence[Student], place: str) -> str:
    keys = [s.key for s in students if s.key == named] or [s.key for s in students if s.name == named]
    if len(keys) == 1:
        return keys[0]
    if keys:
        raise LabError(
            f"{place}: {len(keys)} students are named {named!r}; give the key, such as {keys[0]!r}"
        )
    offers = nearest(named, [student.key for student in students])
    raise LabError(f"{place}: no student {named!r}; try one of {', '.join(offers)}")


def _exercise(named: str, place: str) -> str:
    try:
        return find(named).id
    except LabError as error:
        raise LabError(f"{place}: {error}") from error


def _points(text: str, place: str) -> float:
    try:
        points = float(text.replace(",", "."))
    except ValueError:
        points = -1
    if not 0 <= points < 1e6:
        raise LabError(f"{place}: expected points from 0 up, got {text!r}")
    return points
