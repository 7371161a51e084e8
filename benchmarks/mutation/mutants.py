"""All mutants of a function: one change each, told by its line and in words."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.checks.edits import edits


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
        for edit in edits(function, examples):
            with edit.applied():
                yield edit.line, edit.words, ast.unparse(ast.fix_missing_locations(tree))


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
