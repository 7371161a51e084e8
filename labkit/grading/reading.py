"""Reading one piece of code for what it names of the lab: names are followed from where they are bound to their use."""

import ast
from collections.abc import Mapping
from contextlib import suppress

from labkit.grading.lab_functions import is_module, module_called, public_names
from labkit.grading.mentioned import Mentions
from labkit.grading.run_time import GETATTR, IMPORTS, RUNS, VARS, Paths, always, is_followed, of_a_thing
from labkit.grading.scopes import Scoped, Variable, parse, text

_SAME = {*VARS, "mine", "labkit.mine", "labkit.exercises.mine", "labkit.exercises.own_functions.mine"}
_DEEPEST = 4  # code in texts in code


def read(code: str, around: Mapping[str, Paths], depth: int = 0) -> Mentions:
    if (tree := parse(code)) is None:
        return Mentions()
    reader = Reader(around, depth)
    with suppress(RecursionError):
        reader.read(tree)
    return reader.found


class Reader(Scoped):
    """Follows names from where they are imported or given another name to where they are used."""

    def __init__(self, around: Mapping[str, Paths], depth: int = 0) -> None:
        super().__init__()
        self.known: dict[Variable, Paths] = {}
        self.found = Mentions()
        self._around, self._depth = around, depth
        self._bases: set[int] = set()  # of the nodes that a name is taken of, as in base.name

    def read(self, tree: ast.Module) -> None:
        """Twice: a name may be used further up than where it is bound."""
        self.visit(tree)
        self._count, self.found = 0, Mentions()
        self.visit(tree)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self._bind(alias.asname or top, {alias.name if alias.asname else top})
            self._mention({alias.name})

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            names = public_names(node.module or "") if alias.name == "*" else [alias.name]
            for name in names:
                self._bind(alias.asname or name, {f"{node.module}.{name}"})
            if alias.name != "*":
                self._mention({f"{node.module}.{alias.name}"})

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._assign(target, node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign | ast.NamedExpr) -> None:
        if node.value:
            self._assign(node.target, node.value)
        self.generic_visit(node)

    visit_NamedExpr = visit_AnnAssign

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._look(node)
            if self.variable(node.id) is None:
                self.found.names.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._look(node)
        if not node.attr.startswith("__"):
            self._bases.add(id(node.value))
        if isinstance(node.value, ast.Name) and self._paths(node.value) == {"lab"}:
            self.found.of_lab.add(node.attr)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._mention(self._paths(node))
        if is_followed(node, self._paths):
            self.visit_all(getattr(node.value, "args", []))
        else:
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self._look(node)
        called, texts = self._paths(node.func), [text(argument) for argument in node.args]
        if called & GETATTR and len(texts) > 1 and texts[1] is None:
            self.found.computed |= {p for p in self._paths(node.args[0]) if p.startswith("labkit")}
        if called & RUNS and texts and texts[0] and self._depth < _DEEPEST:
            visible = {**self._around, **{name: paths for (_, name), paths in self.known.items()}}
            self.found.add(read(texts[0], visible, self._depth + 1))
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.found.texts.add(node.value)

    def _bind(self, name: str, paths: set[str] | Paths) -> None:
        variable = self.variable(name) or (0, name)
        if paths:
            self.known[variable] = self.known.get(variable, frozenset()) | frozenset(paths)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, self._paths(value))
        elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
            for one, other in zip(target.elts, value.elts, strict=False):
                self._assign(one, other)

    def _mention(self, paths: set[str] | Paths) -> None:
        self.found.paths |= {path for path in paths if path.startswith("labkit")}

    def _look(self, node: ast.expr) -> None:
        """Note what an expression is of the lab, and by which ways it comes by names that do not stand there."""
        paths = self._paths(node)
        self._mention(paths)
        self.found.hidden.update(always(node, self._paths))
        self.found.lookups.update(of_a_thing(node, self._paths))
        if id(node) not in self._bases:
            self.found.handed |= {path for path in paths if is_module(path)}

    def _paths(self, node: ast.expr) -> Paths:
        """The dotted paths that an expression may stand for."""
        match node:
            case ast.Name(id=name):
                return self._named(name)
            case ast.Attribute(value=value, attr=name):
                return frozenset(p if name == "__dict__" else f"{p}.{name}" for p in self._paths(value))
            case ast.Subscript(value=ast.Call(func=ast.Name("globals" | "locals")), slice=key):
                return self._named(text(key) or "")
            case ast.Subscript(value=value, slice=key) if (item := text(key)) is not None:
                holders = self._paths(value)
                return frozenset(item if p == "sys.modules" else f"{p}.{item}" for p in holders)
            case ast.NamedExpr(value=value):
                return self._paths(value)
            case ast.IfExp(body=one, orelse=other):
                return self._paths(one) | self._paths(other)
            case ast.BoolOp(values=values):
                return frozenset(path for value in values for path in self._paths(value))
            case ast.Call(func=function, args=[first, *more]):
                return self._called(self._paths(function), first, more)
        return frozenset()

    def _named(self, name: str) -> Paths:
        variable = self.variable(name)
        if variable is not None:
            return self.known.get(variable, frozenset())
        if name in self._around or (0, name) in self.known:
            return self._around.get(name, frozenset()) | self.known.get((0, name), frozenset())
        return frozenset({module_called(name) or name})

    def _called(self, functions: Paths, first: ast.expr, more: list[ast.expr]) -> Paths:
        """What a call gives back, where that is a module of the lab or a thing in it."""
        if functions & IMPORTS:
            path = text(first)
            return frozenset() if path is None else frozenset({path})
        if functions & GETATTR and more and (name := text(more[0])) is not None:
            return frozenset(f"{path}.{name}" for path in self._paths(first))
        return self._paths(first) if functions & _SAME else frozenset()
