"""What a course decides for itself: what exercises are worth, when they are due, what being late costs."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from labkit.errors import LabError, nearest
from labkit.exercises import exercises, find, stages

_KNOWN = {"title", "due", "late", "points", "weights"}


@dataclass(frozen=True)
class Course:
    """A course's own rules, from a file such as

    title = "Seeing with networks"
    due = 2026-12-01T23:59:00
    [points]            # in place of an exercise's own
    "05.4" = 4
    [weights]           # a stage's points count so many times
    "08" = 2
    [late]              # of the points that are left, what each day begun takes, and the most that it takes
    per_day = 0.1
    most = 0.5
    """

    title: str = "labkit"
    due: datetime | None = None
    points: dict[str, float] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    late_per_day: float = 0.0
    late_most: float = 1.0

    def worth(self, exercise_id: str) -> float:
        exercise = find(exercise_id)
        return self.points.get(exercise_id, exercise.points) * self.weights.get(exercise.stage, 1)

    def late_share(self, when: str, late: bool) -> float:
        """The share of the points that being late costs; where no time is known, "late" is one day.

        when: ISO 8601
        """
        if not late or not self.late_per_day:
            return 0.0
        days = 1
        if when and self.due:
            handed_in, due = datetime.fromisoformat(when).astimezone(), self.due.astimezone()
            days = max(1, -int(-(handed_in - due).total_seconds() // 86400))
        return min(self.late_most, days * self.late_per_day)


def read_course(path: Path | None) -> Course:
    """A course's file; without one, the lab's own rules.

    Raises: LabError that names what is wrong in it
    """
    if path is None:
        return Course()
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise LabError(f"cannot read {path} ({error}); expected TOML, as docs/grading.md shows") from error
    if unknown := set(told) - _KNOWN:
        raise LabError(f"{path}: nothing is called {min(unknown)!r}; there are {', '.join(sorted(_KNOWN))}")
    late = _numbers(path, told, "late", ("per_day", "most"))
    return Course(
        title=str(told.get("title", "labkit")),
        due=_time(path, told.get("due")),
        points=_numbers(path, told, "points", [e.id for s in stages() for e in exercises(s)]),
        weights=_numbers(path, told, "weights", stages()),
        late_per_day=late.get("per_day", 0.0),
        late_most=late.get("most", 1.0),
    )


def _numbers(path: Path, told: dict[str, Any], table: str, names: Iterable[str]) -> dict[str, float]:
    """A table of the file, of known names and of numbers that are not negative."""
    names, found = list(names), told.get(table, {})
    if not isinstance(found, dict):
        raise LabError(f"{path}: expected a table [{table}], got {found!r}")
    for name, value in found.items():
        if name not in names:
            raise LabError(f"{path}: [{table}] knows no {name!r}; try one of {nearest(name, names)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
            raise LabError(f"{path}: [{table}] {name}: expected a number from 0 up, got {value!r}")
    return {name: float(value) for name, value in found.items()}


def _time(path: Path, value: Any) -> datetime | None:
    if value is not None and not isinstance(value, datetime):
        raise LabError(f"{path}: due: expected a time such as 2026-12-01T23:59:00, got {value!r}")
    return value
