"""How hints read: one, and below it, a click away, the next; after the last the way to the solution."""

from html import escape

from labkit.checks.exercise import Exercise
from labkit.exercises.code_in_text import with_code

_EDGE = "#8250df"  # 3:1 and more against light and dark ground


def as_text(exercise: Exercise, number: int) -> str:
    """One hint, and how to ask for the next."""
    count, text = len(exercise.hints), exercise.hints[number - 1].replace("`", "")
    after = f"\nNext: hint({exercise.id!r}, {number + 1})" if number < count else ""
    return f"Hint {number} of {count} for {exercise.id}: {text}{after}"


def as_html(exercise: Exercise, number: int, solution: str | None = None) -> str:
    """A card with one hint, in which the next can be opened, and so on.

    solution: the address of the exercise in the rendered solution, where there is one
    """
    last = f"<a href='{escape(solution, quote=True)}' style='text-decoration:underline'>" if solution else ""
    below = (
        f"<div style='margin-top:6px'>{last}{exercise.id} in the solved notebook</a></div>" if last else ""
    )
    for at in range(len(exercise.hints), number, -1):
        below = _next(exercise, at, below)
    return (
        f"<section class='labkit-hint' aria-label='Hint for {exercise.id}' style='border-left:4px solid {_EDGE};"
        f"padding:4px 12px;line-height:1.5;max-width:760px'>{_hint(exercise, number)}{below}</section>"
    )


def _next(exercise: Exercise, number: int, below: str) -> str:
    """A hint that is closed until somebody opens it, with what comes after it."""
    return (
        f"<details style='margin-top:6px'><summary style='cursor:pointer'>Show hint {number} of "
        f"{len(exercise.hints)}</summary>{_hint(exercise, number)}{below}</details>"
    )


def _hint(exercise: Exercise, number: int) -> str:
    head = f"<b>Hint {number} of {len(exercise.hints)} for {exercise.id}</b>"
    return f"<div>{head}</div><div>{with_code(exercise.hints[number - 1])}</div>"
