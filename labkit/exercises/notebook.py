"""What students call: `check` an answer, ask for a `hint`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from labkit.checks.answering import produce
from labkit.checks.exercise import PUBLIC_SEED, CheckFailed
from labkit.checks.judging import judge
from labkit.checks.repairing import line_to_look_at
from labkit.checks.verdicts import as_html, as_text
from labkit.errors import LabError
from labkit.exercises import memory, panel
from labkit.exercises.catalogue import find
from labkit.exercises.own_functions import remember


def check(exercise_id: str, function: Callable[..., Any]) -> None:
    """Try a function on an exercise's cases and say how it stands.

        check("01.2", scale_filters)

    Raises: CheckFailed, shown as its message alone, unless the answer is right;
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
    if verdict.passed or _in_notebook():
        _show(as_text(verdict), as_html(verdict))
    if not verdict.passed:
        raise CheckFailed(as_text(verdict))


def hint(exercise_id: str, number: int = 1) -> None:
    """Show one hint, from a nudge (1) to nearly the line of code (the last).

    Raises: LabError for an unknown exercise, or a number that it has no hint for
    """
    hints = find(exercise_id).hints
    if not 1 <= number <= len(hints):
        raise LabError(f"{exercise_id} has hints 1 to {len(hints)}, got {number}")
    after = f"\nNext: hint({exercise_id!r}, {number + 1})" if number < len(hints) else ""
    print(f"Hint {number} of {len(hints)} for {exercise_id}: {hints[number - 1]}{after}")


def _in_notebook() -> bool:
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def _show(text: str, html: str) -> None:
    """In a notebook as a card, elsewhere as text."""
    if not _in_notebook():
        print(text)
        return
    from IPython.display import display

    display({"text/html": html, "text/plain": text}, raw=True)
