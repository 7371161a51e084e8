"""What stays of code when names, layout, comments, docstrings and annotations are taken away."""

import ast
import hashlib
from functools import lru_cache
from typing import NamedTuple

from labkit.grading.scopes import Scoped, Variable, parse

_USUAL = {"F": "torch.nn.functional", "nn": "torch.nn", "np": "numpy", "Tensor": "torch.Tensor"}
_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


class Print(NamedTuple):
    """A fingerprint, empty where there is nothing to compare.

    size: of the code, in statements and expressions: a function with `return gradient.abs().amax(dim=1)` has 8
    """

    digest: str
    size: int


def fingerprint(code: str) -> str:
    """Equal for codes that differ in names, layout, comments, docstrings, annotations, or the order of keywords.

    Of a cell with definitions these alone count, and not what is tried out around them.
    Returns: 32 hexadecimal digits, or nothing for what is no Python, or not yet written
    """
    return printed(code).digest


@lru_cache(maxsize=20_000)
def printed(code: str) -> Print:
    """The fingerprint, and how much code it is of."""
    tree = parse(code)
    try:
        return _printed(tree) if tree is not None else Print("", 0)
    except RecursionError:
        return Print("", 0)


def _printed(tree: ast.Module) -> Print:
    imports = _Imports()
    imports.visit(tree)
    _Renamed(imports.paths).visit(tree)
    tree = _Plain().visit(tree)
    defined = [s for s in tree.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    tree.body = [*defined] or tree.body
    size = sum(isinstance(node, ast.stmt | ast.expr) for node in ast.walk(tree))
    if _is_unwritten(tree):
        return Print("", 0)
    return Print(hashlib.sha256(ast.dump(tree, annotate_fields=False).encode()).hexdigest()[:32], size)


def _is_unwritten(tree: ast.Module) -> bool:
    """Whether nothing is left but a stub."""
    bodies = [s.body for s in tree.body if isinstance(s, ast.FunctionDef)]
    stubs = [all(isinstance(s, ast.Raise | ast.Pass) for s in body) for body in bodies]
    return all(stubs) if bodies else not tree.body


class _Imports(Scoped):
    """Which variables are modules, or taken from them: variable -> "torch.nn.functional"."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: dict[Variable, str] = {}

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self._take(alias.asname or top, alias.name if alias.asname else top)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._take(alias.asname or alias.name, f"{node.module}.{alias.name}")

    def _take(self, name: str, path: str) -> None:
        if variable := self.variable(name):
            self.paths[variable] = path


class _Renamed(Scoped):
    """Gives every variable a number in place of its name, in the order in which they are met."""

    def __init__(self, paths: dict[Variable, str]) -> None:
        super().__init__()
        self._paths = paths
        self._numbers: dict[Variable, str] = {}

    def _new(self, name: str) -> str:
        variable = self.variable(name)
        if variable is None:
            return _USUAL.get(name, name)
        if variable in self._paths:
            return self._paths[variable]
        return self._numbers.setdefault(variable, f"{len(self._numbers)}")  # no name begins with a digit

    def visit_Name(self, node: ast.Name) -> None:
        node.id = self._new(node.id)

    def visit_arg(self, node: ast.arg) -> None:
        node.arg = self._new(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        if not isinstance(node, ast.Lambda):
            node.name = self._new(node.name)
        super().visit_FunctionDef(node)

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        node.name = self._new(node.name)
        super().visit_ClassDef(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        node.name = node.name and self._new(node.name)
        self.generic_visit(node)


class _Plain(ast.NodeTransformer):
    """Leaves out what changes nothing: annotations, docstrings, imports, what follows a return; orders keywords."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for field in ("body", "orelse", "finalbody"):
            if isinstance(statements := getattr(node, field, None), list):
                setattr(node, field, _needed(statements))
        for field in ("annotation", "returns", "type_comment"):
            if hasattr(node, field):
                setattr(node, field, None)
        return super().generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return self.visit(ast.Assign([node.target], node.value)) if node.value else None

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        node.keywords.sort(key=lambda keyword: keyword.arg or "")
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """torch.nn.functional.conv2d is one name, however it was imported."""
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and not node.value.id[0].isdigit():
            return ast.Name(f"{node.value.id}.{node.attr}", node.ctx)
        return node


def _needed(statements: list[ast.stmt]) -> list[ast.stmt]:
    kept: list[ast.stmt] = []
    for statement in statements:
        is_words = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not is_words and not isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
            kept.append(statement)
        if isinstance(statement, _ENDS):
            break
    return kept
