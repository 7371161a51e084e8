"""Where a wrong answer is wrong: the line in which one small change makes it right.

The student's text is a witness, never a judge: it is looked at when the answer is wrong already, and a line is named
only where the text with one change in that line passes every case.
"""

import ast
import inspect
import io
import textwrap
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from time import perf_counter
from types import FunctionType
from typing import Any

from labkit.checks.answering import answer_case, produce
from labkit.checks.edits import Edit, edits
from labkit.checks.edits.insertions import INSERTIONS
from labkit.checks.exercise import Exercise
from labkit.checks.finding import judge_case
from labkit.checks.judging import all_right
from labkit.checks.untouched import Untouched
from labkit.checks.watching import LateError, deadline, values_of_variables

_FILE = "<one change>"


def line_to_look_at(
    exercise: Exercise, function: Callable[..., Any], seed: int, case: str, *, seconds: float = 0.5
) -> str:
    """The line of a wrong answer in which one small change makes it right, in a sentence; empty if none is found.

    case:    the name of the first that fails
    seconds: how long to look
    """
    until = perf_counter() + seconds
    if not isinstance(function, FunctionType) or function.__closure__:
        return ""
    with suppress(OSError, SyntaxError, TypeError, LateError), _silence():
        text = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(text)
        if not isinstance(tree.body[0], ast.FunctionDef):
            return ""
        search = _Search(exercise, function, tree, seed, case)
        for edit in search.edits():
            with deadline(until, _FILE):
                if search.makes_right(edit):
                    return _told(text.splitlines()[edit.line - 1].strip(), function, edit)
            if perf_counter() > until:
                break
    return ""


@contextmanager
def _silence() -> Iterator[None]:
    """What changed texts print and warn of is nobody's business."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _told(line: str, function: FunctionType, edit: Edit) -> str:
    number = function.__code__.co_firstlineno + edit.line - 1
    return f"one small change in line {number} of your cell makes it right: {line}"


@dataclass
class _Search:
    exercise: Exercise
    function: FunctionType
    tree: ast.Module
    seed: int
    name: str

    def __post_init__(self) -> None:
        self.case, self.for_judge = (self.exercise.draw_cases(self.seed)[self.name] for _ in range(2))
        self.untouched = Untouched(self.case)

    def edits(self) -> Iterable[Edit]:
        """The likely ones first: in the line that raised, within a formula, of a statement, what may be lacking."""
        raised = 0

        def run() -> None:
            nonlocal raised
            try:
                self.exercise.answer(self.function, self.exercise.draw_cases(self.seed)[self.name])
            except Exception as error:
                raised = self._line_of(error)

        examples = values_of_variables(self.function.__code__.co_filename, run)
        found = edits(self.tree.body[0], examples, more=INSERTIONS)
        return sorted(found, key=lambda edit: (edit.line != raised, edit.rank))

    def _line_of(self, error: Exception) -> int:
        """The line of the text that an exception came from."""
        own = self.function.__code__
        lines = [at for frame, at in traceback.walk_tb(error.__traceback__) if frame.f_code is own]
        return lines[-1] - own.co_firstlineno + 1 if lines else 0

    def makes_right(self, edit: Edit) -> bool:
        """Whether the text with this change passes the case, and then whether it passes all of them."""
        with edit.applied():
            changed = self._compiled()
        if changed is None:
            return False
        answer = answer_case(self.exercise, changed, self.case)
        if self.untouched.trouble():
            self.case = self.exercise.draw_cases(self.seed)[self.name]
            self.untouched = Untouched(self.case)
            return False
        self.untouched.wind_back()
        if not judge_case(self.exercise, self.for_judge, answer).passed:
            return False
        answers = produce(self.exercise, changed, self.exercise.draw_cases(self.seed))
        return all_right(self.exercise, answers, self.seed)

    def _compiled(self) -> Callable[..., Any] | None:
        try:
            code = compile(ast.fix_missing_locations(self.tree), _FILE, "exec")
            namespace = dict(self.function.__globals__)
            exec(code, namespace)
            changed: Callable[..., Any] = namespace[self.function.__name__]
            return changed
        except (SyntaxError, ValueError, TypeError, KeyError):
            return None
