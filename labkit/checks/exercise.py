"""What an exercise is: four pure parts, so that it serves a notebook, a grading run and a regrade alike."""

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from labkit.checks.surroundings import usual_surroundings
from labkit.errors import LabError

Cases = dict[str, Any]  # what a case shows -> the case, in the order in which they are tried
PUBLIC_SEED = 2014  # the year of the first guided backprop; grading draws a secret one


@dataclass(frozen=True)
class Evidence:
    """A wrong result beside the right one, for a diagnosis; of the right one perhaps the shape alone."""

    got: Tensor
    expected: Tensor | tuple[int, ...]


class CheckFailed(LabError):
    """An answer is not right. Raised by a judge with the lesson, and by `check` with the whole verdict.

    mistake:  the name of the planted mistake that it is, where the judge knows
    evidence: what came and what was expected, where they can be compared
    """

    def __init__(self, message: str, *, mistake: str | None = None, evidence: Evidence | None = None):
        super().__init__(message)
        self.mistake = mistake
        self.evidence = evidence

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
    mistakes: each fails with its own lesson
    core:     whether it is on the core path, which is the whole course in about three hours
    alone:    (case) -> the same case once for each of its images, where the function takes a batch: `each`
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
    core: bool = False
    alone: Callable[[Any], list[Any]] | None = None

    @property
    def stage(self) -> str:
        return self.id.partition(".")[0]

    @property
    def slug(self) -> str:
        """The id in letters that cell ids and file names allow: "01.2" -> "01-2"."""
        return self.id.replace(".", "-")

    @property
    def answer_file(self) -> str:
        """What the answers to it are called where they are kept: "01-2.safetensors"."""
        return f"{self.slug}.safetensors"

    @property
    def worth(self) -> str:
        """The points in words: "1 point", "2 points"."""
        return f"{self.points} point{'s' * (self.points != 1)}"

    def draw_cases(self, seed: int) -> Cases:
        with usual_surroundings():
            return self.cases(torch.Generator().manual_seed(seed))


def each(*fields: str) -> Callable[[Any], list[Any]]:
    """For `alone`: a case cut along the batch dimension of these fields; without fields the case is the batch."""

    def cut(case: Any) -> list[Any]:
        if not fields:
            return list(case.split(1))
        parts = [getattr(case, field).split(1) for field in fields]
        return [
            SimpleNamespace(**vars(case) | dict(zip(fields, row, strict=True)))
            for row in zip(*parts, strict=True)
        ]

    return cut


def collect(package: str, folder: Iterable[str]) -> tuple[Exercise, ...]:
    """The exercises of a stage's package, in order: each file that defines EXERCISE holds one.

    package, folder: the package's own __name__ and __path__
    """
    modules = [import_module(f"{package}.{module.name}") for module in pkgutil.iter_modules(folder)]
    found = [module.EXERCISE for module in modules if hasattr(module, "EXERCISE")]
    return tuple(sorted(found, key=lambda exercise: exercise.id))
