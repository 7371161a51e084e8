"""What a cell says and does: its text, its syntax tree with IPython's magics translated, the names in it."""

import ast
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from labkit.grading.executing.pruning import bound

_MARKERS = re.compile(r"#\s*(NBVAL_|PYTEST_VALIDATE_)\w+")


@dataclass(frozen=True)
class Piece:
    """A cell to be run.

    role:  "released", "task", "check" or "added"
    names: the tasks that it holds, ("01-2-task",), or the check that it is
    """

    source: str
    role: str
    names: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Its first line, for people."""
        lines = [line.strip() for line in self.source.splitlines() if line.strip()]
        return lines[0][:60] if lines else ""


def text(cell: NotebookNode) -> str:
    """A cell's source, whatever it came as; what UTF-8 has no bytes for becomes a question mark."""
    source: Any = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return ""
    return source.encode(errors="replace").decode().replace("\r\n", "\n")


def without_markers(source: str) -> str:
    """nbval's markers lose their power."""
    return _MARKERS.sub("#", source)


@lru_cache(maxsize=4096)
def plain(source: str) -> str:
    """A cell's text with IPython's magics as the calls that they stand for."""
    try:
        return str(TransformerManager().transform_cell(source))
    except Exception:  # whatever a broken cell makes it raise
        return source


@lru_cache(maxsize=4096)
def tree(source: str) -> ast.Module | None:
    """A cell's syntax tree; None where it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as of an escape in a string
        try:
            return ast.parse(plain(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


@lru_cache(maxsize=4096)
def defined(source: str) -> frozenset[str]:
    """The names that a cell binds at its outermost level; of one that cannot be parsed, those after a `def`."""
    parsed = tree(source)
    if parsed is None:
        return frozenset(re.findall(r"^(?:async )?def[ \t]+(\w+)", source, re.MULTILINE))
    return frozenset(name for statement in parsed.body for name in bound(statement))


def checked(source: str) -> dict[str, str]:
    """Exercise id -> function, of the calls of `check` at a cell's outermost level."""
    parsed, found = tree(source), {}
    for statement in parsed.body if parsed else ():
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check"):
            continue
        if call.args and isinstance(call.args[0], ast.Constant):
            found[str(call.args[0].value)] = ast.unparse(call.args[1]) if len(call.args) > 1 else ""
    return found


def is_only_checks(source: str) -> bool:
    parsed = tree(source)
    return bool(parsed and parsed.body) and len(checked(source)) == len(parsed.body if parsed else ())


def is_stub(source: str) -> bool:
    """Whether a task cell is as it was handed out, its TODO not yet done."""
    return bool(re.search(r"""raise NotImplementedError\(["']TODO""", source))


def is_empty(source: str) -> bool:
    """Whether there is nothing to run: no text, or only comments."""
    parsed = tree(source)
    return not source.strip() or (parsed is not None and not parsed.body)


def additions(released: str, edited: str) -> tuple[list[str], list[str]]:
    """What a student has put into a released cell.

    Returns: imports and definitions, which are harmless to run as well; and other statements. Both as text
    """
    ours, theirs = tree(released), tree(edited)
    if ours is None or theirs is None:
        return [], [edited] if edited.strip() != released.strip() else []
    known = {ast.dump(statement) for statement in ours.body}
    new = [statement for statement in theirs.body if ast.dump(statement) not in known]
    harmless = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    kept = [ast.unparse(statement) for statement in new if isinstance(statement, harmless)]
    return kept, [ast.unparse(statement) for statement in new if not isinstance(statement, harmless)]
