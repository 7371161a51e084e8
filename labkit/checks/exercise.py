"""What an exercise is: four pure parts, so that it serves a notebook, a grading run and a regrade alike."""

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from labkit.errors import LabError, nearest

Cases = dict[str, Any]  # what a case shows -> the case, in the order in which they are tried
PUBLIC_SEED = 2014  # the year of the first guided backprop; grading draws a secret one


class CheckFailed(LabError):
    """An answer is not right. Raised by a judge with the lesson, and by `check` with the whole verdict."""

    def __init__(self, message: str, *, mistake: str | None = None):
        super().__init__(message)
        self.mistake = mistake

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation that students really write, and what it teaches."""

    name: str
    lesson: str
    wrong: Callable[..., Any]


@dataclass(frozen=True)
class Exercise:
    """One task of a notebook.

    cases:    (generator) -> named inputs: tiny networks, real photos, edge cases. Equal seeds, equal cases
    answer:   (student's function, case) -> named tensors. The only part that runs student code
    judge:    (case, named tensors) -> None, or raises CheckFailed with a lesson. Never runs student code
    mistakes: each fails with its own lesson: an answer that equals a mistake's on every case is that mistake
    """

    id: str
    title: str
    points: int
    minutes: int
    hints: tuple[str, ...]
    cases: Callable[[torch.Generator], Cases]
    answer: Callable[[Callable[..., Any], Any], dict[str, Any]]
    judge: Callable[[Any, dict[str, Tensor]], None]
    mistakes: tuple[Mistake, ...]

    @property
    def stage(self) -> str:
        return self.id.partition(".")[0]

    @property
    def slug(self) -> str:
        """The id in letters that cell ids and file names allow: "01.2" -> "01-2"."""
        return self.id.replace(".", "-")

    @property
    def worth(self) -> str:
        """The points in words: "1 point", "2 points"."""
        return f"{self.points} point{'s' * (self.points != 1)}"

    def draw_cases(self, seed: int) -> Cases:
        return self.cases(torch.Generator().manual_seed(seed))


def stages() -> tuple[str, ...]:
    """The stages that have exercises: ("00", "01", …)."""
    import labkit.checks

    names = (module.name for module in pkgutil.iter_modules(labkit.checks.__path__))
    return tuple(sorted(name.removeprefix("stage_") for name in names if name.startswith("stage_")))


def exercises(stage: str) -> tuple[Exercise, ...]:
    """The exercises of one stage, in order.

    Raises: LabError for a stage without exercises
    """
    if stage not in stages():
        raise LabError(f"no stage {stage!r}; there are {', '.join(stages())}")
    return import_module(f"labkit.checks.stage_{stage}").EXERCISES


def find(exercise_id: str) -> Exercise:
    """The exercise of that id, such as "01.2".

    Raises: LabError that offers ids near to it
    """
    stage = str(exercise_id).partition(".")[0]
    known: Iterable[Exercise] = exercises(stage) if stage in stages() else ()
    found = {exercise.id: exercise for exercise in known}
    if exercise_id not in found:
        offers = list(found) or [f"{stage}.1" for stage in stages()]
        raise LabError(f"no exercise {exercise_id!r}; try one of {nearest(str(exercise_id), offers, most=9)}")
    return found[exercise_id]
