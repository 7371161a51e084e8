"""Two errors that say little as Python says them, told in a sentence: a check before its task cell; a stopped cell."""

import linecache
import re
import sys
from pathlib import Path
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
    if "IPython" not in sys.modules:  # nobody's kernel, and it takes a while to import
        return
    from IPython import get_ipython

    shell: Any = get_ipython()
    if shell is not None and not shell.custom_exceptions:
        shell.set_custom_exc((NameError, KeyboardInterrupt), _shown)


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


def where_stopped(trace: TracebackType | None) -> str:
    """A sentence for a cell that was stopped: the line of the cell that it was at, the innermost of the student's."""
    line = ""
    while trace is not None:
        code, number = trace.tb_frame.f_code, trace.tb_lineno
        if not Path(code.co_filename).exists() and (
            text := linecache.getline(code.co_filename, number).strip()
        ):
            line = f" at line {number}, {text}"
        trace = trace.tb_next
    return f"Stopped{line}: run the cell again to begin it anew."


def _shown(
    shell: Any, kind: type, error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> list[str] | None:
    """What IPython calls in place of showing one of the two; the cell has failed all the same."""
    if isinstance(error, KeyboardInterrupt):
        shell._showtraceback(kind, error, [where_stopped(trace)])
    elif isinstance(error, NameError) and (verdict := verdict_on(error, trace)):
        failed = CheckFailed(as_text(verdict))
        if in_notebook():
            show(as_text(verdict), as_html(verdict))
        shell.showtraceback((CheckFailed, failed, None))
    else:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)
    return None
