"""All mutants of a function: one change each, told by its line and in words."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from mutation.calls import CALLS
from mutation.changes import Around
from mutation.statements import STATEMENTS
from mutation.values import VALUES


@dataclass(frozen=True)
class Mutant:
    """The code of a cell with one change.

    line:   in the cell, from 1;  words: what is changed
    before, after: the lines that differ, as ast.unparse writes them; the first of them is first_changed
    """

    exercise_id: str
    line: int
    words: str
    before: str
    after: str
    code: str
    first_changed: int = 1

    @property
    def label(self) -> str:
        return f"{self.exercise_id} line {self.line}: {self.words}"

    @property
    def changed_lines(self) -> range:
        """Where the code differs from the answer's own, as ast.unparse writes it; with the lines at both sides."""
        return range(self.first_changed - 1, self.first_changed + len(self.after.split("\n")) + 1)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What stays the same when lines move."""
        return self.exercise_id, self.words, self.before, self.after


def mutants(exercise_id: str, code: str, examples: dict[str, object] | None = None) -> list[Mutant]:
    """The mutants of a cell, each text once, in the order of the code. Docstrings and type hints stay.

    examples: variable -> what was in it once; variables of one type are exchanged, numbers are written down
    """
    tree = ast.parse(code)
    original = ast.unparse(tree)
    found = {original: None}
    for line, words, text in _changed(tree, examples or {}):
        if text not in found and _compiles(text):
            first, before, after = _difference(original, text)
            found[text] = Mutant(exercise_id, line, words, before, after, text, first)
    return [mutant for mutant in found.values() if mutant]


def _changed(tree: ast.Module, examples: dict[str, object]) -> Iterator[tuple[int, str, str]]:
    """(line, words, code) for every change at every place of a tree, which is afterwards as it was."""
    for function in tree.body:
        for owner, field, old, new, line, words in _edits(function, examples):
            setattr(owner, field, new)
            try:
                yield line, words, ast.unparse(ast.fix_missing_locations(tree))
            finally:
                setattr(owner, field, old)


def _edits(function, examples):
    """(owner, field, what is there, what may be there, line, words) at every place of a function."""
    parameters, variables = _bound_names(function)
    for owner in list(_walk(function)):
        for field, old in _fields(owner):
            if isinstance(old, list) and old and isinstance(old[0], ast.stmt):
                for new, line, words in _of_block(old):
                    yield owner, field, old, new, line, words
            for i, node in enumerate(old) if isinstance(old, list) else [(None, old)]:
                if isinstance(node, ast.expr | ast.comprehension | ast.Slice):
                    around = Around(owner, parameters, variables, examples)
                    for change in (*VALUES, *CALLS):
                        for new, words in change(node, around):
                            put = new if i is None else [*old[:i], new, *old[i + 1 :]]
                            yield owner, field, old, put, _line(node, owner), words


def _of_block(block):
    """(the block as it may be, line, words) for the statements of a block."""
    for i, statement in enumerate(block):
        if not _is_docstring(statement):
            for change in STATEMENTS:
                for new, words in change(block, i):
                    yield new, statement.lineno, words


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all nodes below that may be changed, in the order of the code."""
    yield node
    for _, value in _fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_docstring(child):
                yield from _walk(child)


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    """The fields in which changes are made: no type hints, no decorators, no names of parameters."""
    left = {"annotation", "returns", "decorator_list"}
    left |= {"args"} if isinstance(node, ast.FunctionDef | ast.Lambda) else set()
    for field, value in ast.iter_fields(node):
        if field not in left and not isinstance(node, ast.JoinedStr):
            yield field, value


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _line(node: ast.AST, owner: ast.AST) -> int:
    """A comprehension or a slice has no line of its own."""
    lines = (getattr(place, "lineno", 0) for place in (node, owner, getattr(node, "target", None)))
    return next(filter(None, lines), 0)


def _bound_names(function: ast.AST) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a function's parameters, and all names that are bound in it."""
    nodes = list(ast.walk(function))
    signature = getattr(function, "args", ast.arguments())
    outer = [a.arg for a in ast.walk(signature) if isinstance(a, ast.arg)]
    inner = [n.arg for n in nodes if isinstance(n, ast.arg)]
    stored = [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return tuple(outer), tuple(dict.fromkeys([*outer, *inner, *stored]))


def _compiles(code: str) -> bool:
    try:
        compile(code, "<mutant>", "exec")
    except SyntaxError:
        return False
    return True


def _difference(before: str, after: str) -> tuple[int, str, str]:
    """What is left of two texts without the lines that both begin and end with, and the line where it begins."""
    old, new = before.split("\n"), after.split("\n")
    same_start = _alike(old, new)
    old, new = old[same_start:], new[same_start:]
    same_end = _alike(old[::-1], new[::-1])
    old, new = old[: len(old) - same_end], new[: len(new) - same_end]
    return same_start + 1, "\n".join(old), "\n".join(new)


def _alike(old: list[str], new: list[str]) -> int:
    """How many lines two lists share from their start on."""
    return next(
        (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
