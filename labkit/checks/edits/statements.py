"""Changes of statements: left out, done twice, in another order, in the loop or outside it."""

import ast
from collections.abc import Iterator

from labkit.checks.edits.changes import copy, expression, short

Change = tuple[list[ast.stmt], str]  # the whole block as it becomes, and the change in words
Block = list[ast.stmt]
LOOPS = ast.For | ast.While


def left_out(block: Block, i: int) -> Iterator[Change]:
    """A statement left out; a with, if, try or loop left out around what it holds."""
    statement = block[i]
    if isinstance(statement, ast.FunctionDef):
        return
    yield _put(block, i, []), f"left out: {short(statement)}"
    match statement:
        case ast.If(test, body, orelse):
            yield _put(block, i, body), f"always: if {short(test)}"
            yield _put(block, i, orelse), f"never: if {short(test)}"
        case ast.With(items, body):
            yield _put(block, i, body), f"no with {short(items[0].context_expr)}"
        case ast.Try(body=body, finalbody=finalbody):
            yield _put(block, i, body), "try without its finally"
            yield _put(block, i, [*body, *finalbody]), "no try"
            yield _put(block, i, [*_before_return(body, finalbody)]), "no try, cleaned up before the return"


def errors_swallowed(block: Block, i: int) -> Iterator[Change]:
    """A try that passes over every error."""
    statement = block[i]
    if isinstance(statement, ast.Try) and not statement.handlers:
        handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
        yield _put(block, i, [copy(statement, handlers=[handler])]), "errors are passed over"


def condition(block: Block, i: int) -> Iterator[Change]:
    """A condition negated; a while that ends never, or after one round."""
    statement = block[i]
    if isinstance(statement, ast.If | ast.While):
        negated = copy(statement, test=ast.UnaryOp(ast.Not(), statement.test))
        yield _put(block, i, [negated]), f"negated: {short(statement.test)}"
    if isinstance(statement, ast.While):
        yield _put(block, i, [copy(statement, test=ast.Constant(True))]), "while True"
        yield _put(block, i, [ast.If(statement.test, statement.body, [])]), "while -> if"


def rounds(block: Block, i: int) -> Iterator[Change]:
    """A loop that runs once, without its first or last round, or backwards."""
    statement = block[i]
    if isinstance(statement, LOOPS):
        yield _put(block, i, [copy(statement, body=[*statement.body, ast.Break()])]), "one round only"
    if isinstance(statement, ast.For):
        only_counts = isinstance(statement.target, ast.Name) and statement.target.id == "_"
        for template in () if only_counts else ("list(x)[1:]", "list(x)[:-1]", "list(x)[::-1]"):
            other = expression(template, x=statement.iter)
            yield (
                _put(block, i, [copy(statement, iter=other)]),
                f"for … in {template.replace('x', short(statement.iter))}",
            )


def in_or_out(block: Block, i: int) -> Iterator[Change]:
    """A statement of a loop before it or behind it; the statement behind a loop in it, and the one before."""
    loop = block[i]
    if not isinstance(loop, LOOPS):
        return
    for j, statement in enumerate(loop.body):
        if rest := [*loop.body[:j], *loop.body[j + 1 :]]:
            less = copy(loop, body=rest)
            yield _put(block, i, [statement, less]), f"before the loop: {short(statement)}"
            yield _put(block, i, [less, statement]), f"behind the loop: {short(statement)}"
    if i + 1 < len(block):
        more = copy(loop, body=[*loop.body, block[i + 1]])
        yield [*block[:i], more, *block[i + 2 :]], f"in the loop: {short(block[i + 1])}"
    if i and isinstance(block[i - 1], ast.Assign | ast.AugAssign):
        more = copy(loop, body=[block[i - 1], *loop.body])
        yield [*block[: i - 1], more, *block[i + 1 :]], f"in the loop: {short(block[i - 1])}"


def order(block: Block, i: int) -> Iterator[Change]:
    """Two statements exchanged, where the one touches what the other needs."""
    if i + 1 < len(block) and not isinstance(block[i], ast.FunctionDef):
        first, second = block[i : i + 2]
        if (
            _bound(first) & _names(second)
            or _bound(second) & _names(first)
            or not (_bound(first) or _bound(second))
        ):
            yield [*block[:i], second, first, *block[i + 2 :]], f"exchanged with the next: {short(first)}"


def sums(block: Block, i: int) -> Iterator[Change]:
    """+= becomes = or another operator, or happens twice; x = x + y becomes x += y."""
    statement = block[i]
    match statement:
        case ast.AugAssign(target, op, value):
            plain = ast.Assign([target], value, lineno=statement.lineno)
            yield _put(block, i, [plain]), f"{short(statement)} -> {short(plain)}"
            yield _put(block, i, [statement, statement]), f"twice: {short(statement)}"
            for other in (ast.Add, ast.Sub, ast.Mult):
                if not isinstance(op, other):
                    changed = copy(statement, op=other())
                    yield _put(block, i, [changed]), f"{short(statement)} -> {short(changed)}"
        case ast.Assign([ast.Name(id=name) as target], ast.BinOp(ast.Name(id=left), op, right)) if (
            name == left
        ):
            changed = ast.AugAssign(target, op, right)
            yield _put(block, i, [changed]), f"{short(statement)} -> {short(changed)}"
        case ast.Expr(ast.Call()):
            yield _put(block, i, [statement, statement]), f"twice: {short(statement)}"


def _put(block: Block, i: int, others: Block) -> Block:
    return [*block[:i], *others, *block[i + 1 :]] or [ast.Pass()]


def _before_return(body: Block, finalbody: Block) -> Block:
    """The body with what cleans up in front of a return that ends it."""
    return [*body[:-1], *finalbody, body[-1]] if isinstance(body[-1], ast.Return) else [*body, *finalbody]


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _bound(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


STATEMENTS = (left_out, errors_swallowed, condition, rounds, in_or_out, order, sums)
