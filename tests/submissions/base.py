"""What submissions are made of: a small assignment of stage 01, its right solution, and ways to change it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import nbformat
from lab import function_of, released, slim, solved, with_cell

from labkit.exercises import exercises

SETUP = "import torch\nfrom torch import nn\n\nfrom labkit import check, hint"
IDS = tuple(exercise.id for exercise in exercises("01"))


@dataclass(frozen=True)
class Submission:
    """What a student hands in, and what it deserves.

    build:    () -> a notebook, or the bytes of a file that may be none
    deserved: exercise id -> state; what is not named passes
    """

    build: Callable[[], nbformat.NotebookNode | bytes]
    deserved: dict[str, str] = field(default_factory=dict)

    @property
    def states(self) -> dict[str, str]:
        return {i: self.deserved.get(i, "passed") for i in IDS}


def small(notebook):
    """Set-up without photos and networks, tasks and checks."""
    kept = slim(notebook)
    kept.cells[0].source = SETUP
    return kept


def handout():
    return small(released())


def right():
    return small(solved())


def all_are(state):
    return dict.fromkeys(IDS, state)


def task_of(notebook, exercise_id):
    (cell,) = [c for c in notebook.cells if c.id == f"{exercise_id.replace('.', '-')}-task"]
    return cell


def with_task(exercise_id, code):
    return with_cell(right(), f"{exercise_id.replace('.', '-')}-task", code)


def with_added(code, *, before="01-1-task"):
    """The right solution with a cell of the student's own in it."""
    notebook = right()
    place = next((n for n, cell in enumerate(notebook.cells) if cell.id == before), len(notebook.cells))
    notebook.cells.insert(place, nbformat.v4.new_code_cell(code))
    return notebook


def around_right(exercise_id, body):
    """A task cell whose function runs `body` with `args` and `right`, the solution, at hand."""
    notebook = right()
    cell = task_of(notebook, exercise_id)
    name = function_of(notebook, next(e for e in exercises("01") if e.id == exercise_id))
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    solution = cell.source.replace(f"def {name}(", "def right(", 1)
    inner = "\n".join(f"    {line}" if line else "" for line in solution.splitlines())
    return f"def {name}(*args):\n{inner}\n\n{lines}"
