"""Leaving out of Python modules what nobody asks for: from some names, all that they need and nothing else."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass
class Module:
    """A module's text, and which of its statements have been asked for."""

    name: str
    tree: ast.Module
    is_package: bool = False
    asked: set[str] = field(default_factory=set)
    kept: set[int] = field(default_factory=set)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Name -> the numbers of the statements that bind it."""
        found: dict[str, list[int]] = {}
        for number, statement in enumerate(self.tree.body):
            for name in bound(statement):
                found.setdefault(name, []).append(number)
        return found


def bound(statement: ast.stmt) -> set[str]:
    """The names that a statement binds at the level of its module; those in a block that may not run included."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {_as(alias) for alias in statement.names}
    inner = {
        name
        for child in ast.iter_child_nodes(statement)
        if isinstance(child, ast.stmt | ast.ExceptHandler)
        for name in bound(child)  # type: ignore[arg-type]
    }
    names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return inner | {node.id for node in names if isinstance(node.ctx, ast.Store)}


def loaded(node: ast.AST) -> set[str]:
    """Every name that is used in there, at whatever depth."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def prune(modules: Mapping[str, Module], roots: Iterable[tuple[str, str]]) -> None:
    """Mark in `modules` all that the roots need.

    roots: (module, name), or (module, "") for the whole of it
    """
    waiting = list(roots)
    while waiting:
        name, wanted = waiting.pop()
        module = modules.get(name)
        if module is None or wanted in module.asked:
            continue
        first = not module.asked
        module.asked.add(wanted)
        numbers = set(range(len(module.tree.body))) if not wanted else set(module.places.get(wanted, ()))
        if first:
            numbers |= {i for i, s in enumerate(module.tree.body) if not bound(s) and not _is_text(s)}
            waiting += [(parent, "") for parent in _parents(name)]
        if not numbers and f"{name}.{wanted}" in modules:
            waiting.append((f"{name}.{wanted}", ""))
        for number in numbers:
            if number not in module.kept or isinstance(module.tree.body[number], ast.Import | ast.ImportFrom):
                module.kept.add(number)
                waiting += _needs(module, module.tree.body[number], wanted, modules)


def _needs(
    module: Module, statement: ast.stmt, wanted: str, modules: Mapping[str, Module]
) -> list[tuple[str, str]]:
    """What a statement asks for; of an import only what is wanted of it."""
    if isinstance(statement, ast.Import):
        return [(alias.name, "") for alias in statement.names if wanted in ("", _as(alias))]
    if isinstance(statement, ast.ImportFrom):
        origin = statement.module or ""
        asked = [alias for alias in statement.names if wanted in ("", _as(alias))]
        return [(origin, alias.name) for alias in asked] + [
            (f"{origin}.{alias.name}", "")
            for alias in asked
            if f"{origin}.{alias.name}" in modules and alias.name not in _bound_in(modules, origin)
        ]
    return [(module.name, name) for name in loaded(statement) if name in module.places]


def _bound_in(modules: Mapping[str, Module], name: str) -> Iterable[str]:
    return modules[name].places if name in modules else ()


def text(module: Module) -> str:
    """The module's source with what has been asked for, without docstrings and comments."""
    body: list[ast.stmt] = []
    for number in sorted(module.kept):
        statement = module.tree.body[number]
        if isinstance(statement, ast.Import | ast.ImportFrom) and "" not in module.asked:
            statement.names = [alias for alias in statement.names if _as(alias) in module.asked]
        body.append(statement)
    tree = _WithoutText().visit(ast.Module(body, []))
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


class _WithoutText(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        return ast.Pass() if _is_text(node) else node


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _as(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:size]) for size in range(1, len(parts))]
