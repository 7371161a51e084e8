"""Figures look the same whatever a student has set for matplotlib."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from matplotlib import rc_context, rcParams, rcParamsDefault

from labkit.kernel import usual_numbers

P = ParamSpec("P")
R = TypeVar("R")
_USUAL = {name: dict.get(rcParamsDefault, name) for name in rcParamsDefault if not name.startswith("backend")}


@contextmanager
def usual_look() -> Iterator[None]:
    """Inside: matplotlib's own settings, and not those of a style or a student's."""
    changed = {name: value for name, value in _USUAL.items() if dict.get(rcParams, name) != value}
    if not changed:
        yield
        return
    with rc_context(changed):
        yield


def in_usual_look(function: Callable[P, R]) -> Callable[P, R]:
    """The function, that draws with `usual_look`, and computes among `usual_numbers`."""

    @wraps(function)
    def draw(*args: P.args, **kwargs: P.kwargs) -> R:
        with usual_numbers(), usual_look():
            return function(*args, **kwargs)

    return draw
