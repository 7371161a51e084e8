"""Changes that put back what may have been left out: an abs, a clamp, a copy, a dimension, a step."""

import ast
from collections.abc import Iterator

from labkit.checks.edits.changes import Around, Change, copy, expression, short

_METHODS = (
    "x.abs()", "x.clamp(0, 1)", "x.clamp(min=0)", "x.clone()", "x.clone().requires_grad_()", "x.detach()", "x.square()",
    "x.sqrt()", "x.sign()", "x.sum()", "x.mean()", "x.float()", "x.round()", "x.argsort(dim=1)", "x.T",
)  # fmt: skip
_RETURNED = (
    "x[0]",
    "x[None]",
    "x.flatten()",
    "x.flip(0)",
    "x.values",
    "x.indices",
    "x + 1",
    "x - 1",
    "x / 255",
    "255 * x",
)
_OTHERS = {
    "children": "modules", "named_children": "named_modules", "extend": "append", "sum": "amax", "mean": "amax",
    "softmax": "log_softmax", "nll_loss": "cross_entropy", "sort": "argsort", "ceil": "floor", "log": "exp",
    "relu": "abs", "norm": "abs", "std": "var", "view": "reshape", "sigmoid": "exp",
}  # fmt: skip


def method(node: ast.AST, around: Around) -> Iterator[Change]:
    """x becomes x.abs() and its kin, where x is a value that something is done with."""
    is_value = isinstance(node, ast.Name | ast.Call | ast.BinOp | ast.Subscript) and around.is_value(node)
    if is_value and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        returned = _RETURNED if isinstance(around.parent, ast.Return) else ()
        for template in (*_METHODS, *returned):
            yield expression(template, x=node), template


def other_function(node: ast.AST, _around: Around) -> Iterator[Change]:
    """The function that is meant where a near one stands."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _OTHERS:
        other = _OTHERS[node.func.attr]
        yield copy(node, func=copy(node.func, attr=other)), f"{node.func.attr} -> {other}"


def keyword(node: ast.AST, _around: Around) -> Iterator[Change]:
    """keepdim=True, or a dim, for a call that has none."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return
    given = {word.arg for word in node.keywords}
    for name, values in {"keepdim": (True,), "dim": (0, 1, (2, 3), (1, 2, 3))}.items():
        for value in values if name not in given else ():
            word = ast.keyword(name, expression(repr(value)))
            yield copy(node, keywords=[*node.keywords, word]), f"{short(node.func, 20)}: {name}={value}"


def number(node: ast.AST, around: Around) -> Iterator[Change]:
    """The numbers that formulas here are made of, twice or half as much, and what holds a number written down."""
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        for other in dict.fromkeys((0, 1, -1, 2, 3, 0.5, 255, 2 * node.value, node.value / 2)):
            if other != node.value:
                yield expression(repr(other)), f"{node.value!r} -> {other!r}"
        for name, example in around.examples.items():
            if type(example) in (int, float) and example == node.value:
                yield expression(name), f"{node.value!r} -> {name}"


INSERTIONS = (other_function, number, keyword, method)
