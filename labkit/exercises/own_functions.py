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
from inspect import isgenerator
from time import process_time
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor

from labkit import whose
from labkit.checks.answering import produce
from labkit.checks.exercise import PUBLIC_SEED
from labkit.checks.judging import all_right
from labkit.checks.stand_in import StandIn
from labkit.checks.values import as_tensor, several
from labkit.errors import LabError
from labkit.exercises.catalogue import find
from labkit.exercises.stand_ins import STAND_INS

_passed: dict[tuple[str, CodeType], bool] = {}  # what a check says to the code of a function, once asked
_END = object()  # what comes after the last frame


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
        with torch.inference_mode(False), torch.enable_grad():  # wherever it is asked, as a check cell would
            answers = produce(exercise, function, exercise.draw_cases(PUBLIC_SEED))
            remember(exercise_id, function, all_right(exercise, answers, PUBLIC_SEED))
    return _passed[exercise_id, function.__code__]


class Mine:
    """A module of the lab as a student sees it: the same names, some of them made of the student's own functions."""

    def __init__(self, module: ModuleType, stand_ins: Iterable[StandIn], names: dict[str, Any]):
        self._module, self._stand_ins, self._names = module, tuple(stand_ins), names

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if not isinstance(value, FunctionType):
            return value
        return self._with_theirs(value, name)

    def __dir__(self) -> list[str]:
        return dir(self._module)

    def _ready(self) -> list[StandIn]:
        """Where the student's own can stand in now: what passes its check, and has not been too slow in this cell."""
        found = [s for s in self._stand_ins if passes(s.exercise, self._names.get(s.function))]
        return [s for s in found if whose.has_patience(s.function)]

    def _with_theirs(self, value: FunctionType, name: str) -> Callable[..., Any]:
        @wraps(value)
        def run(*args: Any, **named: Any) -> Any:
            if not (ready := self._ready()):
                return value(*args, **named)
            before = whose.so_far()
            try:
                with _standing_in(ready, self._names):
                    result = getattr(self._module, name)(*args, **named)
            except Exception as error:
                result = value(*args, **named)  # raises again where the arguments are to blame
                whose.failed_with(_why(error), before=before)
                return result
            return (
                self._frames(result, ready, lambda: value(*args, **named)) if isgenerator(result) else result
            )

        return run

    def _frames(
        self, frames: Iterator[Any], ready: list[StandIn], again: Callable[[], Iterator[Any]]
    ) -> Iterator[Any]:
        """A generator's frames: the student's own stand in while it runs, and not while it waits."""
        before, given = whose.so_far(), 0
        try:
            while True:
                with _standing_in(ready, self._names):
                    frame = next(frames, _END)
                if frame is _END:
                    return
                yield frame
                given += 1
        except Exception as error:
            why = _why(error)
        for number, frame in enumerate(again()):  # raises again where the arguments are to blame
            if number >= given:
                whose.failed_with(why, before=before)
                yield frame


@contextmanager
def _standing_in(ready: list[StandIn], names: dict[str, Any]) -> Iterator[None]:
    """Inside, the student's functions are found where the lab looks up its own.

    Of two in one place the later one's `own` is the earlier.
    """
    own: list[tuple[ModuleType, str, Any]] = []
    try:
        for stand_in in ready:
            module, name = stand_in.module, stand_in.name
            own.append((module, name, getattr(module, name)))
            setattr(module, name, stand_in.adapt(_noted(stand_in, names[stand_in.function]), own[-1][2]))
        yield
    finally:
        for module, name, function in reversed(own):
            setattr(module, name, function)


class _TooSlowError(Exception):
    """A function of the student's own has taken longer than anyone waits for a figure."""


def _why(error: Exception) -> str:
    slow = f"took more than {whose.PATIENCE:.0f} seconds"
    return slow if isinstance(error, _TooSlowError) else f"ended in {type(error).__name__}"


def _noted(stand_in: StandIn, theirs: Callable[..., Any]) -> Callable[..., Any]:
    """Theirs, whose results are tensors in whatever kind they came; the figure is told that it ran."""

    def run(*args: Any, **named: Any) -> Any:
        begun = process_time()
        try:
            result = theirs(*args, **named)
        finally:  # also where it is left in its middle, as for frames
            seconds = 0.0 if any(map(_is_run, args)) else process_time() - begun
            whose.made_with(stand_in.function, seconds)
            if not whose.has_patience(stand_in.function):
                raise _TooSlowError
        if stand_in.results == 1:
            return _as_it_is(stand_in.function, result)
        named_results = several(tuple(f"result {i + 1}" for i in range(stand_in.results)), result)
        return tuple(_as_it_is(name, value) for name, value in named_results.items())

    return run


def _is_run(value: Any) -> bool:
    """Whether it is something that takes its own time inside theirs: a network, an objective, a stream of batches."""
    return callable(value) or isinstance(value, Iterator)


def _as_it_is(name: str, value: Any) -> Tensor:
    """A tensor with the graph that it hangs on; all else as the checks take it."""
    return value if isinstance(value, Tensor) else as_tensor(name, value)


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
