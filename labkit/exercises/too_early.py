"""A check that is run before its task cell: said as such, in place of Python's NameError."""

import linecache
import re
from types import TracebackType
from typing import Any

from labkit.checks.answer import State
from labkit.checks.exercise import CheckFailed
from labkit.checks.judging import Verdict
from labkit.checks.verdicts import as_html, as_text
from labkit.errors import LabError
from labkit.exercises.cards import in_notebook, show
from labkit.exercises.catalogue import find

_CHECK = re.compile(r"""\bcheck\(\s*["']([^"']+)["']\s*,\s*(\w+)\s*\)""")


def explain() -> None:
    """From now on, in the kernel that this is called in; a handler that somebody else has set stays."""
    from IPython import get_ipython

    shell: Any = get_ipython()
    if shell is not None and not shell.custom_exceptions:
        shell.set_custom_exc((NameError,), _shown)


def verdict_on(error: NameError, trace: TracebackType | None) -> Verdict | None:
    """What to say where an error comes from a check's line and is about the function that it asks for; else None."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return None
    line = linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    asked = _CHECK.search(line)
    if asked is None or asked[2] != error.name:
        return None
    try:
        exercise = find(asked[1])
    except LabError:  # that is a sentence of its own, once the function is there
        return None
    told = f"{error.name} is not there yet: first run the TODO {exercise.id} cell, which defines it, then this one."
    return Verdict(exercise, State.NOT_ATTEMPTED, told)


def _shown(
    shell: Any, kind: type, error: NameError, trace: TracebackType, tb_offset: int | None = None
) -> list[str] | None:
    """What IPython calls in place of showing a NameError; the cell has failed all the same."""
    if (verdict := verdict_on(error, trace)) is None:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)
        return None
    failed = CheckFailed(as_text(verdict))
    if in_notebook():
        show(as_text(verdict), as_html(verdict))
    shell.showtraceback((CheckFailed, failed, None))
    return None
