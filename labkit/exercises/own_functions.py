"""Yours if it passes: the lab's functions, with those that the student has written in their places.

    lab = mine(filters)

From then on lab.learn_filters(…) runs with the student's own kmeans_round, if there is one that passes its check,
in whatever order the cells have run; without it, and where it fails, with the lab's.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import isgeneratorfunction
from types import CodeType, FunctionType, ModuleType
from typing import Any

from labkit import whose
from labkit.checks.answering import produce
from labkit.checks.exercise import PUBLIC_SEED
from labkit.checks.judging import all_right
from labkit.checks.stand_in import StandIn
from labkit.errors import LabError
from labkit.exercises.catalogue import find
from labkit.exercises.stand_ins import STAND_INS

_passed: dict[tuple[str, CodeType], bool] = {}  # what a check says to the code of a function, once asked


def remember(exercise_id: str, function: Callable[..., Any], passed: bool) -> None:
    """What a check has just said, so that it need not be asked again."""
    if isinstance(function, FunctionType):
        _passed[exercise_id, function.__code__] = passed


def passes(exercise_id: str, function: object) -> bool:
    """Whether a function passes its check, asked once for each text of it."""
    if not isinstance(function, FunctionType):
        return False
    if (exercise_id, function.__code__) not in _passed:
        exercise = find(exercise_id)
        answers = produce(exercise, function, exercise.draw_cases(PUBLIC_SEED))
        remember(exercise_id, function, all_right(exercise, answers, PUBLIC_SEED))
    return _passed[exercise_id, function.__code__]


class Mine:
    """A module of the lab as a student sees it: the same names, some of them made of the student's own functions."""

    def __init__(self, module: ModuleType, stand_ins: Iterable[StandIn], names: dict[str, Any]):
        self._module, self._stand_ins, self._names = module, tuple(stand_ins), names

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if not isinstance(value, FunctionType) or isgeneratorfunction(value):
            return value

        @wraps(value)
        def run(*args: Any, **named: Any) -> Any:
            ready = [s for s in self._stand_ins if passes(s.exercise, self._names.get(s.function))]
            if not ready:
                return value(*args, **named)
            try:
                with _standing_in(ready, self._names):
                    return getattr(self._module, name)(*args, **named)
            except Exception as error:
                result = value(*args, **named)  # raises again where the arguments are to blame
                whose.failed_with(type(error).__name__)
                return result

        return run

    def __dir__(self) -> list[str]:
        return dir(self._module)


@contextmanager
def _standing_in(ready: list[StandIn], names: dict[str, Any]) -> Iterator[None]:
    """Inside, the student's functions are found where the lab looks up its own."""
    own = [(s.module, s.name, getattr(s.module, s.name)) for s in ready]
    try:
        for stand_in, (module, name, function) in zip(ready, own, strict=True):
            setattr(module, name, stand_in.adapt(_noted(stand_in, names[stand_in.function]), function))
        yield
    finally:
        for module, name, function in own:
            setattr(module, name, function)


def _noted(stand_in: StandIn, theirs: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **named: Any) -> Any:
        result = theirs(*args, **named)
        whose.made_with(stand_in.function)
        return result

    return run


def mine(module: ModuleType) -> Any:
    """A module of the lab, its functions made of your own where they pass their checks. Figures say whose it was.

    Raises: LabError for what is no module
    """
    if not isinstance(module, ModuleType):
        raise LabError(f"expected a module of the lab, got {type(module).__name__}; try mine(filters)")
    if "LABKIT_ANSWERS" in os.environ:  # graded: no figure is looked at
        return module
    _forget_with_each_cell()
    return Mine(module, STAND_INS, sys._getframe(1).f_globals)


def _forget_with_each_cell() -> None:
    from IPython import get_ipython

    if (shell := get_ipython()) and whose.forget not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", whose.forget)
