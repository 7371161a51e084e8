"""Which names of a piece of code are one and the same variable: Python's scopes, walked in its syntax tree."""

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

Variable = tuple[int, str]  # the scope that binds it, in the order in which they are entered, and its name
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LONGEST = 50_000  # characters; more takes seconds to walk
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Scoped(ast.NodeVisitor):
    """Walks a tree and knows, at each node, which variable a name is. The outermost scope has number 0."""

    def __init__(self) -> None:
        self._scopes: list[tuple[int, set[str]]] = []
        self._count = 0

    def variable(self, name: str) -> Variable | None:
        """What the name stands for here; None for what the code does not bind itself."""
        return next(((number, name) for number, names in reversed(self._scopes) if name in names), None)

    @contextmanager
    def scope(self, names: set[str]) -> Iterator[None]:
        self._scopes.append((self._count, names))
        self._count += 1
        yield
        self._scopes.pop()

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def visit_Module(self, node: ast.Module) -> None:
        with self.scope(bound(node.body)):
            self.visit_all(node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        arguments = node.args
        self.visit_all(getattr(node, "decorator_list", []))
        self.visit_all([*arguments.defaults, *arguments.kw_defaults])
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        own = [argument for argument in ast.walk(arguments) if isinstance(argument, ast.arg)]
        with self.scope(bound(body) | {argument.arg for argument in own}):
            self.visit_all([*own, *body])

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_all([*node.decorator_list, *node.bases, *node.keywords])
        with self.scope(bound(node.body)):
            self.visit_all(node.body)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        first = node.generators[0]
        self.visit(first.iter)
        targets = {name for generator in node.generators for name in bound([generator.target])}
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        with self.scope(targets):
            for generator in node.generators:
                own_iter = [] if generator is first else [generator.iter]
                self.visit_all([*own_iter, generator.target, *generator.ifs])
            self.visit_all(results)

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp


def bound(body: Iterable[ast.AST]) -> set[str]:
    """The names that these statements bind in their own scope."""
    names: set[str] = set()
    elsewhere: set[str] = set()
    todo = list(body)
    while todo:
        node = todo.pop()
        names.update(_binds(node))
        if isinstance(node, ast.Global | ast.Nonlocal):
            elsewhere.update(node.names)
        if isinstance(node, _COMPREHENSIONS):  # a walrus in it binds out here
            todo += [inner.target for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)]
        elif not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            todo += ast.iter_child_nodes(node)
    return names - elsewhere


def _binds(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.alias(name=path, asname=name):
            return [name or path.partition(".")[0]]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.MatchMapping(rest=str(name)):
            return [name]
    return []


def parse(code: str) -> ast.Module | None:
    """A cell's tree, without lines that only IPython understands; None for what is no Python, or LONGEST."""
    if len(code) > LONGEST:
        return None
    for text in (
        code,
        "\n".join("" if line.lstrip()[:1] in ("%", "!") else line for line in code.split("\n")),
    ):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def text(node: ast.expr) -> str | None:
    """A text that is put together of constants; None where it is known only when it runs."""
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            one, other = text(left), text(right)
            return None if one is None or other is None else one + other
        case ast.JoinedStr(values=values):
            parts = [
                text(value.value if isinstance(value, ast.FormattedValue) else value) for value in values
            ]
            return None if None in parts else "".join(part for part in parts if part)
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str(glue)), attr="join"), args=[ast.List() as parts]
        ):
            texts = [text(part) for part in parts.elts]
            return None if None in texts else glue.join(part for part in texts if part)
    return None
