"""What of the lab a task's code names, under whatever name, read from its syntax tree; nothing is run."""

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from labkit.grading.reading import Mentions, Reader, read
from labkit.grading.scopes import bound, parse


def mentions(code: str, cells: Sequence[str] = ()) -> Mentions:
    """What a task's code mentions itself, and by the helpers from other cells that it calls.

    cells: the notebook's code cells, for their imports and definitions
    """
    around = _around(tuple(cells))
    found, todo, done = Mentions(), [code], set()
    own = set() if (tree := parse(code)) is None else bound(tree.body)
    for name in sorted(own):  # what the task defines, another cell may define anew
        found.paths |= {path for path in around.paths.get(name, ()) if path.startswith("labkit")}
        todo += around.defined.get(name, ())
    while todo:
        if (text := todo.pop()) not in done:
            done.add(text)
            seen = read(text, around.paths)
            found.add(seen)
            todo += [helper for name in sorted(seen.names) for helper in around.defined.get(name, ())]
    return found


@dataclass(frozen=True)
class _Around:
    """What the rest of a notebook binds: names -> paths of the lab, and names -> the definitions themselves."""

    paths: Mapping[str, frozenset[str]]
    defined: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=64)
def _around(cells: tuple[str, ...]) -> _Around:
    paths: dict[str, frozenset[str]] = {}
    defined: dict[str, tuple[str, ...]] = {}
    for tree in filter(None, map(parse, cells)):
        with suppress(RecursionError):
            for name, found in _bound_to(tree, paths).items():
                paths[name] = paths.get(name, frozenset()) | found
            for statement in tree.body:
                if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                    defined[statement.name] = (*defined.get(statement.name, ()), ast.unparse(statement))
    return _Around(paths, defined)


def _bound_to(tree: ast.Module, around: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """What a cell's own names stand for, where that is of the lab."""
    reader = Reader(around)
    reader.read(tree)
    return {name: paths for (scope, name), paths in reader.known.items() if scope == 0}
