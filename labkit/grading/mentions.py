"""What of the lab a task's code names, under whatever name, read from its syntax tree; nothing is run."""

import ast
import builtins
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, takewhile

from labkit.grading.mentioned import Mentions
from labkit.grading.reading import Reader, read
from labkit.grading.scopes import LONGEST, bound, parse

_MOST, _EACH = 300_000, 100  # characters of a notebook, and as how many each cell counts besides
_ALWAYS_THERE = {*vars(builtins), "get_ipython", "display", "exit", "quit", "In", "Out"}
_NONE = ""
_CHECK = re.compile(r"^check\(", re.MULTILINE)


def mentions(code: str, cells: Sequence[str] = (), released: Sequence[str] = ()) -> Mentions:
    """What a task's code mentions itself, and by the helpers from other cells that it calls.

    Of statements that give its names their values, as in `width = …`, only ways to names that a run could tell count.

    cells:    the notebook's code cells, for their imports and definitions
    released: those that were handed out; ways to names in statements of theirs are the course's, not the student's
    """
    around, course = _around(tuple(cells)), _statements(tuple(released))
    found = Mentions(unread=set(around.unread))
    if len(code) > LONGEST:
        found.unread.add("its cell")
    own = set() if (tree := parse(code)) is None else bound(tree.body)
    anew = _around(_before_its_check(code, cells))
    todo, done, met = [(code, True)], set[tuple[str, bool]](), set[tuple[str, bool]]()
    for name in sorted(own):
        found.paths |= {path for path in anew.paths.get(name, ()) if path.startswith("labkit")}
        todo += [(again, True) for again in anew.defined.get(name, ())]
        todo += [(again, False) for again in anew.made.get(name, ())]
    while todo:
        if (text := todo.pop()) not in done:
            done.add(text)
            seen, whole = around.read(text[0]), text[1]
            found.add(seen.without_ways() if text[0] in course else seen if whole else seen.ways())
            for name in sorted(around.known_or_none(seen.names)):
                if (name, whole) not in met:
                    met.add((name, whole))
                    todo += [(helper, whole) for helper in around.defined.get(name, ())]
                    todo += [(maker, False) for maker in around.made.get(name, ()) if name not in own]
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
    """What the rest of a notebook binds.

    paths:   names -> paths of the lab;  defined: names -> the functions themselves
    made:    names -> other statements that bind them; none -> those that bind nothing that stands there
    already: what was read, for the next task
    """

    paths: Mapping[str, frozenset[str]]
    defined: Mapping[str, Iterable[str]]
    made: Mapping[str, Iterable[str]]
    unread: frozenset[str]
    already: dict[str, Mentions] = field(default_factory=dict)

    def read(self, text: str) -> Mentions:
        if text not in self.already:
            self.already[text] = read(text, self.paths)
        return self.already[text]

    def known_or_none(self, names: Set[str]) -> set[str]:
        """The names that something here binds; with _NONE for those that nothing does, and that anything may bind."""
        known = {name for name in names if name in self.paths or name in self.defined or name in self.made}
        return known | ({_NONE} if names - known - _ALWAYS_THERE else set())


@lru_cache(maxsize=64)
def _around(cells: tuple[str, ...]) -> _Around:
    paths: dict[str, frozenset[str]] = {}
    defined: dict[str, dict[str, None]] = {}  # texts in their order, each once
    made: dict[str, dict[str, None]] = {}
    sizes = accumulate(len(cell) + _EACH for cell in cells)
    near = [cell for cell, size in zip(cells, sizes, strict=True) if size <= _MOST]
    for tree in filter(None, map(parse, near)):
        with suppress(RecursionError):
            for name, found in _bound_to(tree, paths).items():
                paths[name] = paths.get(name, frozenset()) | found
            for statement in tree.body:
                text, names = ast.unparse(statement), _made_by(statement)
                holder = defined if _is_function(statement) else made
                for name in names or {_NONE}:
                    holder.setdefault(name, {})[text] = None
    is_cut = len(near) < len(cells) or any(len(cell) > LONGEST for cell in near)
    unread = frozenset({"a part of the notebook"} if is_cut else ())
    return _Around(paths, defined, made, unread)


@lru_cache(maxsize=64)
def _statements(cells: tuple[str, ...]) -> frozenset[str]:
    """All statements of some cells, written as `_around` writes them."""
    return frozenset(ast.unparse(one) for tree in filter(None, map(parse, cells)) for one in tree.body)


def _made_by(statement: ast.stmt) -> set[str]:
    """The names that a statement binds or changes: def f, f = …, f.__code__ = …, setattr(f, …)."""
    names = bound([statement])
    for node in ast.walk(statement):
        match node:
            case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store()):
                names.add(name)
            case ast.Call(func=ast.Name("setattr"), args=[ast.Name(id=name), *_]):
                names.add(name)
    return names


def _is_function(statement: ast.stmt) -> bool:
    """Whether what a statement binds or changes is a function, of which it says what it calls."""
    match statement:
        case ast.FunctionDef() | ast.ClassDef() | ast.Assign(value=ast.Lambda()):
            return True
        case ast.Assign(value=ast.Call(func=ast.Name("partial") | ast.Attribute(attr="partial"))):
            return True
        case ast.Assign(targets=[ast.Attribute(attr="__code__")]):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name("setattr"), args=[_, ast.Constant("__code__"), _])):
            return True
    return False


def _bound_to(tree: ast.Module, around: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """What a cell's own names stand for, where that is of the lab."""
    reader = Reader(around)
    reader.read(tree)
    return {name: paths for (scope, name), paths in reader.known.items() if scope == 0}
