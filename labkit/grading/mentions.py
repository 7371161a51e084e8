"""What of the lab a task's code names, under whatever name, read from its syntax tree; nothing is run."""

import ast
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, takewhile

from labkit.grading.reading import Mentions, Reader, read
from labkit.grading.scopes import LONGEST, bound, parse

_MOST, _EACH = 300_000, 100  # characters of a notebook, and as how many each cell counts besides
_CHECK = re.compile(r"^check\(", re.MULTILINE)


def mentions(code: str, cells: Sequence[str] = ()) -> Mentions:
    """What a task's code mentions itself, and by the helpers from other cells that it calls.

    cells: the notebook's code cells, for their imports and definitions
    """
    around = _around(tuple(cells))
    found, todo, done = Mentions(unread=set(around.unread)), [code], set()
    if len(code) > LONGEST:
        found.unread.add("its cell")
    own = set() if (tree := parse(code)) is None else bound(tree.body)
    anew = _around(_before_its_check(code, cells))
    for name in sorted(own):
        found.paths |= {path for path in anew.paths.get(name, ()) if path.startswith("labkit")}
        todo += anew.defined.get(name, ())
    while todo:
        if (text := todo.pop()) not in done:
            done.add(text)
            seen = read(text, around.paths)
            found.add(seen)
            todo += [helper for name in sorted(seen.names) for helper in around.defined.get(name, ())]
    return found


def _before_its_check(code: str, cells: Sequence[str]) -> tuple[str, ...]:
    """The cells between a task and its check: what they define anew is what is checked."""
    texts = [cell.strip() for cell in cells]
    if code.strip() not in texts:
        return ()
    after = texts[texts.index(code.strip()) + 1 :]
    return tuple(takewhile(lambda text: not _CHECK.search(text), after))


@dataclass(frozen=True)
class _Around:
    """What the rest of a notebook binds: names -> paths of the lab, and names -> the definitions themselves."""

    paths: Mapping[str, frozenset[str]]
    defined: Mapping[str, tuple[str, ...]]
    unread: frozenset[str]


@lru_cache(maxsize=64)
def _around(cells: tuple[str, ...]) -> _Around:
    paths: dict[str, frozenset[str]] = {}
    defined: dict[str, tuple[str, ...]] = {}
    sizes = accumulate(len(cell) + _EACH for cell in cells)
    near = [cell for cell, size in zip(cells, sizes, strict=True) if size <= _MOST]
    for tree in filter(None, map(parse, near)):
        with suppress(RecursionError):
            for name, found in _bound_to(tree, paths).items():
                paths[name] = paths.get(name, frozenset()) | found
            for statement in tree.body:
                if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                    defined[statement.name] = (*defined.get(statement.name, ()), ast.unparse(statement))
    is_cut = len(near) < len(cells) or any(len(cell) > LONGEST for cell in near)
    return _Around(paths, defined, frozenset({"a part of the notebook"} if is_cut else ()))


def _bound_to(tree: ast.Module, around: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """What a cell's own names stand for, where that is of the lab."""
    reader = Reader(around)
    reader.read(tree)
    return {name: paths for (scope, name), paths in reader.known.items() if scope == 0}
