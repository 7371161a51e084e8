"""What a class has done, in figures: plain data, that pages and tables show."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labkit.checks.answer import State
from labkit.errors import LabError
from labkit.exercises import find
from labkit.grading.records import Mark, Result, Row


@dataclass(frozen=True)
class Summary:
    """One exercise in a class.

    asked:  the marks of those who handed in its stage
    lesson: the commonest, and how many are told it
    """

    id: str
    title: str
    asked: tuple[Mark, ...]
    lesson: str
    told: int

    @property
    def passed(self) -> int:
        return self.count(State.PASSED)

    @property
    def share(self) -> float:
        """Of those who handed in, in 0..1; 1 where nobody did."""
        return self.passed / len(self.asked) if self.asked else 1.0

    def count(self, *states: State) -> int:
        return sum(mark.outcome.state in states for mark in self.asked)


@dataclass(frozen=True)
class CommonMistake:
    """A mistake that several made. of: how many handed in the exercise;  codes: what they wrote, by student"""

    exercise: str
    name: str
    lesson: str
    of: int
    codes: tuple[tuple[Row, str], ...]


def exercise_ids(rows: Iterable[Row]) -> list[str]:
    """Every exercise that some student is marked for, in order."""
    return sorted({mark.outcome.exercise for row in rows for mark in row.marks})


def stage_of(exercise_id: str) -> str:
    return exercise_id.partition(".")[0]


def title_of(exercise_id: str) -> str:
    """An exercise's title; empty for one that this version of the lab does not have."""
    try:
        return find(exercise_id).title
    except LabError:
        return ""


def anchor(exercise_id: str) -> str:
    """An exercise's place on the page: "05.2" -> "05-2"."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in exercise_id)


def result_of(row: Row, stage: str) -> Result | None:
    """What a student handed in for a stage, if anything."""
    found = [result for result in row.results if result.stage == stage]
    return next((result for result in found if result.file or result.sha256), None)


def stages_missing(row: Row) -> list[str]:
    """The stages that a student is marked for without having handed anything in."""
    stages = sorted({stage_of(mark.outcome.exercise) for mark in row.marks})
    return [stage for stage in stages if result_of(row, stage) is None]


def is_absent(row: Row) -> bool:
    """Whether a student handed in nothing at all."""
    return not any(result.file or result.sha256 for result in row.results)


def percent(share: float) -> str:
    """A share in words; all and nothing are said only where it is all, or nothing."""
    return f"{min(max(round(100 * share), share > 0), 100 if share >= 1 else 99):.0f} %"


def summaries(rows: Sequence[Row]) -> list[Summary]:
    return [_summary(rows, exercise_id) for exercise_id in exercise_ids(rows)]


def _summary(rows: Sequence[Row], exercise_id: str) -> Summary:
    marks = tuple(mark for _, mark in _asked(rows, exercise_id))
    lessons = Counter(mark.outcome.lesson for mark in marks if mark.outcome.lesson)
    lesson, told = _first(lessons)
    return Summary(exercise_id, title_of(exercise_id), marks, lesson, told)


def _asked(rows: Sequence[Row], exercise_id: str) -> list[tuple[Row, Mark]]:
    here = [row for row in rows if result_of(row, stage_of(exercise_id))]
    return [(row, mark) for row in here for mark in row.marks if mark.outcome.exercise == exercise_id]


def _first(counted: Counter[str]) -> tuple[str, int]:
    """The commonest; of several the first in the alphabet, so that equal classes have equal pages."""
    return min(counted.items(), key=lambda item: (-item[1], item[0]), default=("", 0))


def to_teach_again(found: Sequence[Summary], *, most: int = 5) -> list[Summary]:
    """The exercises that the smallest share passed, of those that a third or more did not."""
    hard = [summary for summary in found if summary.asked and summary.share <= 2 / 3]
    return sorted(hard, key=lambda summary: (summary.share, summary.id))[:most]


def common_mistakes(rows: Sequence[Row], *, most: int = 12) -> list[CommonMistake]:
    """The mistakes that most students made, two at least."""
    found = [mistake for exercise_id in exercise_ids(rows) for mistake in _mistakes(rows, exercise_id)]
    several = [mistake for mistake in found if len(mistake.codes) > 1]
    return sorted(several, key=lambda m: (-len(m.codes), m.exercise, m.name))[:most]


def _mistakes(rows: Sequence[Row], exercise_id: str) -> list[CommonMistake]:
    asked = _asked(rows, exercise_id)
    by_name: dict[str, list[tuple[Row, Mark]]] = {}
    for row, mark in asked:
        if mark.outcome.mistake:
            by_name.setdefault(mark.outcome.mistake, []).append((row, mark))
    return [
        CommonMistake(
            exercise_id,
            name,
            pairs[0][1].outcome.lesson,
            len(asked),
            tuple((row, mark.outcome.code) for row, mark in pairs),
        )
        for name, pairs in by_name.items()
    ]
