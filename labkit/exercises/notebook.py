"""What students call: `check` an answer, ask for a `hint`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from labkit.checks.answering import produce
from labkit.checks.exercise import PUBLIC_SEED, CheckFailed
from labkit.checks.judging import Verdict, judge
from labkit.checks.repairing import line_to_look_at
from labkit.checks.verdicts import as_html, as_text
from labkit.errors import LabError
from labkit.exercises import hint_cards, memory, panel
from labkit.exercises.cards import in_notebook, show
from labkit.exercises.catalogue import find
from labkit.exercises.own_functions import remember
from labkit.exercises.rendered import solution_of
from labkit.kernel import students_shell


def check(exercise_id: str, function: Callable[..., Any]) -> None:
    """Try a function on an exercise's cases and say how it stands.

        check("01.2", scale_filters)

    In a notebook that a student works in, what is not right is shown, and Run All goes on below it.

    Raises: elsewhere CheckFailed, shown as its message alone, unless the answer is right;
            LabError for an unknown exercise, or a result where the function itself is wanted
    """
    exercise = find(exercise_id)
    if not callable(function):
        raise LabError(
            f"check({exercise_id!r}, …) expects your function, got {type(function).__name__}; "
            "pass its name without brackets"
        )
    answers = produce(exercise, function, exercise.draw_cases(PUBLIC_SEED))
    verdict = judge(exercise, answers, PUBLIC_SEED)
    remember(exercise_id, function, verdict.passed)
    memory.remember(exercise, function, passed=verdict.passed)
    panel.refresh()
    if verdict.case and not verdict.mistake:
        verdict = replace(verdict, place=line_to_look_at(exercise, function, PUBLIC_SEED, verdict.case))
    _tell(verdict)


def _tell(verdict: Verdict) -> None:
    """Show a verdict. Raises: CheckFailed where it is not right, and no student is at work to read it"""
    if verdict.passed or in_notebook():
        show(as_text(verdict), as_html(verdict))
    if not verdict.passed and students_shell() is None:
        raise CheckFailed(as_text(verdict))


def hint(exercise_id: str, number: int = 1) -> None:
    """Show one hint, from a nudge (1) to nearly the line of code (the last); in a notebook the next is a click away.

    Raises: LabError for an unknown exercise, or a number that it has no hint for
    """
    exercise = find(exercise_id)
    if number not in range(1, len(exercise.hints) + 1):
        raise LabError(f"{exercise.id} has hints 1 to {len(exercise.hints)}, got {number!r}")
    solution = solution_of(exercise) if students_shell() else None
    show(hint_cards.as_text(exercise, number), hint_cards.as_html(exercise, number, solution))
