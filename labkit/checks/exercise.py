"""What an exercise is: four pure parts, so that it serves a notebook, a grading run and a regrade alike."""

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from labkit.errors import LabError

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


def collect(package: str, folder: Iterable[str]) -> tuple[Exercise, ...]:
    """The exercises of a stage's package, in order: each file that defines EXERCISE holds one.

    package, folder: the package's own __name__ and __path__
    """
    modules = [import_module(f"{package}.{module.name}") for module in pkgutil.iter_modules(folder)]
    found = [module.EXERCISE for module in modules if hasattr(module, "EXERCISE")]
    return tuple(sorted(found, key=lambda exercise: exercise.id))
