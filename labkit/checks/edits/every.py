"""Every change at every place of a function."""

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from labkit.checks.edits.calls import CALLS
from labkit.checks.edits.changes import Around, Change
from labkit.checks.edits.statements import STATEMENTS
from labkit.checks.edits.values import VALUES

Kind = Callable[[ast.AST, Around], Iterator[Change]]  # of change: a place -> what may stand there instead


@dataclass(frozen=True)
class Edit:
    """One change of a tree: a field of a node, as it may become.

    line:  in the text that the tree was parsed from;  words: what is changed
    rank:  0 within a formula, 1 of a statement, 2 of the kinds asked for besides
    """

    owner: Any
    field: str
    new: Any
    line: int
    words: str
    rank: int = 0

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, the tree is changed."""
        before = getattr(self.owner, self.field)
        setattr(self.owner, self.field, self.new)
        try:
            yield
        finally:
            setattr(self.owner, self.field, before)


def edits(
    function: ast.AST, examples: Mapping[str, object] | None = None, *, more: tuple[Kind, ...] = ()
) -> Iterator[Edit]:
    """The changes of a function's tree, in the order of its text. Docstrings and type hints stay.

    examples: variable -> what was in it once; variables of one type are exchanged, and numbers are written down
    more:     kinds of change besides the usual ones
    """
    parameters, variables = _bound_names(function)
    for owner in list(_walk(function)):
        for field, value in _fields(owner):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield from _of_block(owner, field, value)
            around = Around(owner, parameters, variables, dict(examples or {}))
            for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.expr | ast.comprehension | ast.Slice):
                    for change in (*VALUES, *CALLS, *more):
                        for new, words in change(node, around):
                            put = new if index is None else [*value[:index], new, *value[index + 1 :]]
                            yield Edit(owner, field, put, _line(node, owner), words, 2 * (change in more))


def _of_block(owner: ast.AST, field: str, block: list[ast.stmt]) -> Iterator[Edit]:
    for index, statement in enumerate(block):
        if not _is_docstring(statement):
            for change in STATEMENTS:
                for new, words in change(block, index):
                    yield Edit(owner, field, new, statement.lineno, words, 1)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all nodes below that may be changed, in the order of the text."""
    yield node
    for _, value in _fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_docstring(child):
                yield from _walk(child)


def _fields(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """The fields in which changes are made: no type hints, no decorators, no names of parameters."""
    left = {"annotation", "returns", "decorator_list"}
    left |= {"args"} if isinstance(node, ast.FunctionDef | ast.Lambda) else set()
    for field, value in ast.iter_fields(node):
        if field not in left and not isinstance(node, ast.JoinedStr):
            yield field, value


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _line(node: Any, owner: Any) -> int:
    """A comprehension or a slice has no line of its own."""
    for place in (node, owner, getattr(node, "target", None)):
        line: int | None = getattr(place, "lineno", None)
        if line:
            return line
    return 0


def _bound_names(function: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a function's parameters, and all names that are bound in it."""
    nodes = list(ast.walk(function))
    outer = (
        [a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)]
        if hasattr(function, "args")
        else []
    )
    inner = [n.arg for n in nodes if isinstance(n, ast.arg)]
    stored = [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return tuple(outer), tuple(dict.fromkeys([*outer, *inner, *stored]))
