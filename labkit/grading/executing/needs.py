"""Which released cells a student's code depends on. Those that only show are not run in grading."""

import ast
import re
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from labkit.grading.executing.cells import Piece, plain, tree

_DYNAMIC = {"globals", "locals", "vars", "exec", "eval", "__import__"}  # names that no tree shows


@dataclass(frozen=True)
class Names:
    """What a cell has to do with the names of a notebook.

    binds:     those that it makes
    loads:     those that it uses when it is run;  later: in its functions, whenever they are called
    changes:   those whose things it changes
    is_opaque: whether more may happen than can be read, as in a cell that cannot be parsed
    is_plain:  whether it only imports, defines and names constants, which takes no time
    """

    binds: frozenset[str] = frozenset()
    loads: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    is_opaque: bool = False
    is_plain: bool = False


def needed(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without released ones that no task, check or added cell depends on.

    The first code cell, and those that only import and define, stay. Names count wherever they stand, also within
    functions; what depends on more than a name, such as exec, keeps every cell.
    """
    found = [names(piece.source) for piece in pieces]
    students = [number for number, piece in enumerate(pieces) if piece.role != "released"]
    if not students:
        return []
    if any(found[number].is_opaque and pieces[number].role in ("task", "added") for number in students):
        return list(pieces)
    last = max(students)
    setup = next((number for number, piece in enumerate(pieces) if piece.role == "released"), last)
    kept = {*students, setup} | {number for number in range(last) if found[number].is_plain}
    kept |= {number for number in range(last) if found[number].is_opaque}
    modules = frozenset(name for piece in pieces for name in _imported(piece.source))
    while True:
        later = frozenset().union(*(found[number].later for number in kept))
        above: set[str] = set()  # what is used below the cell at hand
        more: set[int] = set()
        for number in range(last, -1, -1):
            if (found[number].binds | (found[number].changes - modules)) & (later | above):
                more.add(number)
            if number in kept | more:
                above |= found[number].loads
        if more <= kept:
            return [piece for number, piece in enumerate(pieces) if number in kept]
        kept |= more


@lru_cache(maxsize=4096)
def names(source: str) -> Names:
    parsed = tree(source)
    if parsed is None:
        return Names(is_opaque=True)
    try:
        binds, loads, later = _scopes(symtable.symtable(plain(source), "cell", "exec"))
    except (SyntaxError, ValueError, RecursionError):  # such as a return outside of a function
        return Names(is_opaque=True)
    stars = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(parsed))
    loads |= {name for words in _magics(parsed) for name in re.findall(r"[^\W\d]\w*", words)}
    return Names(
        binds=frozenset(binds),
        loads=frozenset(loads),
        later=frozenset(later),
        changes=frozenset(_changes(parsed)),
        is_opaque=bool((loads | later) & _DYNAMIC) or stars,
        is_plain=all(_is_plain(statement) for statement in parsed.body),
    )


def _scopes(table: symtable.SymbolTable) -> tuple[set[str], set[str], set[str]]:
    """The notebook's names in there, at whatever depth: bound, used at once, used in functions."""
    outermost = table.get_type() == "module"
    mine = [s for s in table.get_symbols() if outermost or s.is_global()]
    binds = {s.get_name() for s in mine if s.is_assigned() or s.is_imported() or s.is_namespace()}
    used = {s.get_name() for s in mine if s.is_referenced()}
    loads, later = (used, set[str]()) if outermost else (set[str](), used)
    for inner in table.get_children():
        more = _scopes(inner)
        binds, loads, later = binds | more[0], loads | more[1], later | more[2]
    return binds, loads, later


def _magics(parsed: ast.Module) -> Iterator[str]:
    """The text that is handed to IPython: what stands behind %timeit, in a cell under %%time, behind !."""
    for node in ast.walk(parsed):
        if isinstance(node, ast.Call) and "get_ipython" in ast.unparse(node.func):
            yield from (
                a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
            )


def _changes(parsed: ast.Module) -> Iterator[str]:
    for node in ast.walk(parsed):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            yield from _base(node)
        elif isinstance(node, ast.AugAssign):
            yield from _base(node.target)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from _base(node.value.func)
            if isinstance(node.value.func, ast.Name) and node.value.func.id in ("setattr", "delattr"):
                yield from (name for argument in node.value.args for name in _base(argument))
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr.endswith("_")
        ):
            yield from _base(node.func)
        elif isinstance(node, ast.For) and {*_names(node.target)} & {*_changes(ast.Module(node.body, []))}:
            yield from _names(node.iter)


def _base(node: ast.AST) -> Iterator[str]:
    """The name that an expression such as x.a[0].b begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


def _names(node: ast.AST) -> Iterator[str]:
    yield from (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


def _imported(source: str) -> Iterator[str]:
    """The names that a cell imports, and those of `show = mine(show)`."""
    for node in ast.walk(tree(source) or ast.Module([], [])):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)


def _is_plain(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Pass):
        return not getattr(statement, "decorator_list", [])
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        return not any(isinstance(node, ast.Call | ast.ListComp) for node in ast.walk(statement))
    return False
