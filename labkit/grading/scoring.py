"""From outcomes to points: a course's rules, late days, an instructor's own decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from labkit.checks.answer import State
from labkit.grading.course import Course
from labkit.grading.overrides import Override
from labkit.grading.records import Mark, Outcome, Result, Row, Student
from labkit.grading.whose_work import equal_code

_ABSENT = "no notebook was handed in"


def score(
    students: Sequence[Student], results: Sequence[Result], exercises: Sequence[str], *,
    course: Course = Course(), overrides: Mapping[tuple[str, str], Override] = {}, forbid: bool = False,
) -> list[Row]:  # fmt: skip
    """One row a student, one mark an exercise, whoever handed in what.

    exercises: the ids that count, in order
    forbid:    a task that hands its work to a function of the lab is worth nothing
    """
    flags = equal_code(results)
    by_student: dict[str, list[Result]] = {student.key: [] for student in students}
    for result in results:
        by_student[result.student].append(_flagged(result, flags))
    return [
        _row(student, by_student[student.key], exercises, course, overrides, forbid) for student in students
    ]


def _flagged(result: Result, flags: Mapping[tuple[str, str], str]) -> Result:
    outcomes = tuple(
        replace(o, flags=(*o.flags, flags[result.student, o.exercise]))
        if (result.student, o.exercise) in flags
        else o
        for o in result.outcomes
    )
    return replace(result, outcomes=outcomes)


def _row(
    student: Student, results: list[Result], exercises: Sequence[str], course: Course,
    overrides: Mapping[tuple[str, str], Override], forbid: bool,
) -> Row:  # fmt: skip
    found = {outcome.exercise: (outcome, result) for result in results for outcome in result.outcomes}
    marks, notes = [], [note for result in results for note in (*result.notes, *_late(result, course))]
    for exercise_id in exercises:
        outcome, result = found.get(exercise_id, (Outcome(exercise_id, State.NOT_ATTEMPTED, _ABSENT), None))
        mark = _mark(outcome, result, course, forbid)
        if by_hand := overrides.get((student.key, exercise_id)):
            mark = Mark(outcome, by_hand.points, mark.of, by_hand.why or "set by the instructor")
        marks.append(mark)
    points, of = (round(sum(values), 6) for values in ([m.points for m in marks], [m.of for m in marks]))
    private = tuple(note for result in results for note in result.private_notes)
    return Row(
        student, tuple(marks), tuple(results), points, of, tuple(notes) if results else (_ABSENT,), private
    )


def _mark(outcome: Outcome, result: Result | None, course: Course, forbid: bool) -> Mark:
    of = course.worth(outcome.exercise)
    if outcome.state != State.PASSED or result is None:
        return Mark(outcome, 0, of)
    if forbid and outcome.own_code:
        return Mark(outcome, 0, of, outcome.own_code)
    lost = course.late_share(result.when, result.late)
    return Mark(outcome, of * (1 - lost), of, f"late: {lost:.0%} less" if lost else "")


def _late(result: Result, course: Course) -> list[str]:
    return [f"{result.stage} was late"] if result.late else []
