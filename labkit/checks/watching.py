"""Looking at a function while it runs: how long it takes, and what its variables hold."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import FrameType
from typing import Any


class LateError(BaseException):
    """Time is up. No `except Exception` of a student's holds it back."""


@contextmanager
def deadline(at: float, file: str) -> Iterator[None]:
    """Raise LateError in code of that file when the clock, `perf_counter`, is past a time. Works without signals."""

    def trace(frame: FrameType, _event: str, _value: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != file:
            return None
        if perf_counter() > at:
            raise LateError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def values_of_variables(file: str, run: Callable[[], object]) -> dict[str, object]:
    """What the variables of a file's functions held when they first ended, or broke off, while `run` ran them."""
    found: dict[str, object] = {}

    def look(frame: FrameType, event: str, _value: object) -> None:
        if event == "return" and frame.f_code.co_filename == file:
            for name, value in frame.f_locals.items():
                found.setdefault(name, value)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        run()
    finally:
        sys.setprofile(before)
    return found
