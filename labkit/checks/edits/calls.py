"""Changes of calls: another function, other arguments, or no call at all."""

import ast
from collections.abc import Iterator

from labkit.checks.edits.changes import Around, Change, copy, exchanged, expression, left_out, short

FUNCTIONS = {
    "abs": "square relu",
    "square": "abs",
    "sqrt": "square",
    "exp": "square log",
    "sign": "abs",
    "min": "max",
    "max": "min",
    "amin": "amax mean",
    "amax": "amin mean",
    "minimum": "maximum",
    "maximum": "minimum",
    "argmax": "argmin",
    "argmin": "argmax",
    "mean": "sum",
    "sum": "mean",
    "prod": "sum",
    "var": "std",
    "std": "var",
    "floor": "ceil round",
    "ceil": "floor round",
    "round": "floor ceil",
    "any": "all",
    "all": "any",
    "argsort": "sort",
    "avg_pool2d": "max_pool2d",
    "zeros": "ones",
    "zeros_like": "ones_like",
    "full_like": "zeros_like",
    "empty": "zeros",
    "eigh": "svd",
    "cross_entropy": "nll_loss",
    "modules": "children",
    "named_modules": "named_children",
    "register_forward_hook": "register_forward_pre_hook register_full_backward_hook",
    "register_forward_pre_hook": "register_forward_hook",
    "register_full_backward_hook": "register_forward_hook register_full_backward_pre_hook",
    "softmax": "log_softmax sigmoid",
    "clamp": "remainder",
    "append": "extend",
    "get_submodule": "__getattr__",
    "clone": "detach",
    "detach": "clone",
    "corrcoef": "cov",
    "divmod": "max",
}
FORMULAS = {  # of a method of x with arguments that are not looked at
    "sign": ("x / x.abs().mean()", "x / x.square().mean().sqrt()", "x / x.abs().amax()", "x / x.norm()"),
    "abs": ("x.abs().sqrt()", "-x.abs()"),
}
OF_MEANS = {  # x.abs().mean(), as it is written -> other sizes of x
    "abs().mean": (
        "x.square().mean().sqrt()",
        "x.abs().amax()",
        "x.norm()",
        "x.std()",
        "x.mean()",
        "x.square().mean()",
    ),
    "square().sum": ("x.square().mean()", "x.abs().sum()", "x.norm()", "x.sum()", "x.square().sum().sqrt()"),
    "square().mean": ("x.abs().mean()", "x.square().sum()", "x.var()", "x.abs().amax()"),
}
KEYWORDS = {"min": "max", "max": "min"}
EITHER_WAY = ("maximum", "minimum", "max", "min")
IN_PLACE = ("clamp", "abs", "square", "sqrt", "exp", "round", "sign")


def function(node: ast.AST, around: Around) -> Iterator[Change]:
    """Another function of the same kind, or the method that writes into its tensor."""
    if not isinstance(node, ast.Call):
        return
    called = node.func
    own = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    others = FUNCTIONS.get(own, "").split()
    if isinstance(called, ast.Attribute) and own in IN_PLACE and _is_parameter(called.value, around):
        others = [*others, f"{own}_"]
    for other in others:
        replaced = (
            copy(called, attr=other) if isinstance(called, ast.Attribute) else ast.Name(other, ast.Load())
        )
        yield copy(node, func=replaced), f"{own} -> {other}"
    if isinstance(called, ast.Name) and own == "model":
        yield copy(node, func=ast.Attribute(called, "net", ast.Load())), "model -> model.net"
    if isinstance(called, ast.Name) and own == "round" and node.args:
        for template in ("int(x)", "-int(-x // 1)", "int(x // 1)"):
            yield expression(template, x=node.args[0]), f"round -> {template}"


def _is_parameter(node: ast.AST, around: Around) -> bool:
    """Whether it is the caller's: a parameter, or a part of one."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name) and node.id in around.parameters


def formula(node: ast.AST, around: Around) -> Iterator[Change]:
    """One size of a tensor in place of another: the root mean square for the mean of absolute values."""
    if not (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and around.is_value(node.func)
    ):
        return
    inner = node.func.value
    for template in FORMULAS.get(node.func.attr, ()):
        other = expression(template, x=inner)
        yield other, f"{short(node)} -> {short(other)}"
    if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        for template in OF_MEANS.get(f"{inner.func.attr}().{node.func.attr}", ()) if not node.args else ():
            other = expression(template, x=inner.func.value)
            yield other, f"{short(node)} -> {short(other)}"


def no_call(node: ast.AST, around: Around) -> Iterator[Change]:
    """x.clone() becomes x; f(a, b) becomes a, or b."""
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Attribute) and around.is_value(node.func.value):
        yield node.func.value, f".{node.func.attr}({'…' * bool(node.args or node.keywords)}) left out"
    for argument in node.args:
        if not isinstance(argument, ast.Starred):
            yield argument, f"{short(node)} -> {short(argument)}"


def arguments(node: ast.AST, _around: Around) -> Iterator[Change]:
    """Two arguments are exchanged, one is left out, one is moved by one, min= becomes max=."""
    if not isinstance(node, ast.Call):
        return
    own = short(node.func, 20)
    for args, words in exchanged(node.args, f"{own}: arguments") if not own.endswith(EITHER_WAY) else ():
        yield copy(node, args=args), words
    for args, words in left_out(node.args, f"{own}: argument"):
        yield copy(node, args=args), words
    for keywords, words in left_out(node.keywords, f"{own}: keyword"):
        yield copy(node, keywords=keywords), words
    for i, keyword in enumerate(node.keywords):
        if other := KEYWORDS.get(keyword.arg or ""):
            renamed = copy(keyword, arg=other)
            yield (
                copy(node, keywords=[*node.keywords[:i], renamed, *node.keywords[i + 1 :]]),
                f"{own}: {other}=",
            )
    if own.endswith("clamp") and len(node.args) == 2:
        yield copy(node, args=[expression("None"), node.args[1]]), f"{own}: no lower end"


def moved_by_one(node: ast.AST, _around: Around) -> Iterator[Change]:
    """A range that begins or ends one sooner or later, a count that is one off."""
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name) and node.func.id == "len":
        yield from ((expression(t, x=node), short(expression(t, x=node))) for t in ("x + 1", "x - 1"))
    is_range = isinstance(node.func, ast.Name) and node.func.id == "range"
    if is_range and len(node.args) == 1:
        yield copy(node, args=[expression("1"), node.args[0]]), "range from 1"
    for i, argument in enumerate(node.args):
        only_shape = short(node.func).endswith(("_like", "len"))
        if (is_range and not isinstance(argument, ast.Constant)) or (
            isinstance(argument, ast.Name) and not only_shape
        ):
            for template in ("x + 1", "x - 1"):
                moved = expression(template, x=argument)
                args = [*node.args[:i], moved, *node.args[i + 1 :]]
                yield copy(node, args=args), f"{short(node.func, 20)}: {short(moved)}"


CALLS = (function, formula, no_call, arguments, moved_by_one)
