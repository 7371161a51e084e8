"""Changes within formulas: operators, constants, names, subscripts."""

import ast
from collections.abc import Iterator

from labkit.checks.edits.changes import Around, Change, copy, exchanged, expression, left_out, short

ARITHMETIC = {
    ast.Add: "- *",
    ast.Sub: "+",
    ast.Mult: "/ +",
    ast.Div: "* //",
    ast.FloorDiv: "/ * %",
    ast.Mod: "// *",
    ast.Pow: "* /",
    ast.MatMult: "*",
    ast.BitAnd: "| ^",
    ast.BitOr: "& ^",
}
COMPARISONS = {
    ast.Lt: "<= > >=",
    ast.LtE: "< >= ==",
    ast.Gt: ">= < <=",
    ast.GtE: "> <= ==",
    ast.Eq: "!= <= >=",
    ast.NotEq: "==",
    ast.Is: "is-not",
    ast.IsNot: "is",
    ast.In: "not-in",
    ast.NotIn: "in",
}
ORDERED = ast.Sub | ast.Div | ast.FloorDiv | ast.Mod | ast.Pow | ast.MatMult
TEXTS = {"inf": ["-inf"], "-inf": ["inf"], "bilinear": ["bicubic"], "ij": ["xy"], "xy": ["ij"]}
ATTRIBUTES = {"values": "indices", "indices": "values", "weight": "bias"}


def arithmetic(node: ast.AST, _around: Around) -> Iterator[Change]:
    """+ becomes -, * becomes /, an operand is left out, both are exchanged; rounded down becomes rounded up."""
    if not isinstance(node, ast.BinOp):
        return
    for symbol in ARITHMETIC.get(type(node.op), "").split():
        yield expression(f"a {symbol} b", a=node.left, b=node.right), f"{_symbol(node.op)} -> {symbol}"
    for part in (node.left, node.right):
        yield part, f"{short(node)} -> {short(part)}"
    if isinstance(node.op, ORDERED):
        yield copy(node, left=node.right, right=node.left), f"both sides of {_symbol(node.op)} exchanged"
    if isinstance(node.op, ast.FloorDiv):
        yield expression("-(-a // b)", a=node.left, b=node.right), "rounded up, not down"


def comparison(node: ast.AST, _around: Around) -> Iterator[Change]:
    """< becomes <=, == becomes !=, in becomes not in."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for symbol in COMPARISONS[type(node.ops[0])].split():
            other = expression(f"a {symbol.replace('-', ' ')} b", a=node.left, b=node.comparators[0])
            yield other, f"{_symbol(node.ops[0])} -> {symbol}"


def logic(node: ast.AST, _around: Around) -> Iterator[Change]:
    """And becomes or, an operand is left out, a not, - or ~ is left out, a choice is made the other way."""
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield copy(node, op=other), "and -> or" if isinstance(other, ast.Or) else "or -> and"
        for values, words in left_out(node.values, "operand"):
            yield values[0] if len(values) == 1 else copy(node, values=values), words
    if isinstance(node, ast.UnaryOp):
        yield node.operand, f"{short(node)} -> {short(node.operand)}"
    if isinstance(node, ast.IfExp):
        yield node.body, f"always {short(node.body)}"
        yield node.orelse, f"always {short(node.orelse)}"
        yield copy(node, body=node.orelse, orelse=node.body), "the choice negated"
    if isinstance(node, ast.comprehension):
        for ifs, words in left_out(node.ifs, "condition"):
            yield copy(node, ifs=ifs), words


def negation(node: ast.AST, around: Around) -> Iterator[Change]:
    """A minus, or a not, where none was."""
    if not isinstance(node, ast.Name | ast.Call | ast.Subscript | ast.BinOp):
        return
    if isinstance(getattr(node, "ctx", None), ast.Store):
        return
    parent = around.parent
    if isinstance(parent, ast.Assign | ast.Return | ast.AugAssign) or (
        isinstance(parent, ast.BinOp)
        and not (node is parent.right and isinstance(parent.op, ast.Add | ast.Sub))
    ):
        minus = ast.UnaryOp(ast.USub(), node)
        yield minus, f"{short(node)} -> {short(minus)}"
    if isinstance(
        parent, ast.If | ast.While | ast.IfExp | ast.BoolOp | ast.comprehension
    ) and node is not getattr(parent, "iter", None):
        negated = ast.UnaryOp(ast.Not(), node)
        yield negated, f"{short(node)} -> {short(negated)}"


def constant(node: ast.AST, _around: Around) -> Iterator[Change]:
    """A number is moved by one, halved, doubled, zero; True becomes False; a word becomes its opposite."""
    if not isinstance(node, ast.Constant):
        return
    value, others = node.value, list[object]()
    if isinstance(value, bool):
        others = [not value]
    elif isinstance(value, int):
        others = [value + 1, value - 1, 0, value // 2]
    elif isinstance(value, float):
        others = [value + 1, value / 2, value * 2, 0.0]
    elif isinstance(value, str):
        others = [*TEXTS.get(value, [])]
    for other in dict.fromkeys(others):
        if other != value:
            yield expression(repr(other)), f"{value!r} -> {other!r}"


def name(node: ast.AST, around: Around) -> Iterator[Change]:
    """A variable is exchanged for another of its type, cut down to its first entry, or written down as a number."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for other in around.like(node.id):
            yield ast.Name(other, ast.Load()), f"{node.id} -> {other}"
        example = around.examples.get(node.id)
        if isinstance(example, int | float):
            yield expression(repr(example)), f"{node.id} -> {example!r}, as in the first case"
        elif node.id in around.parameters and _has_rest(example) and not _of_shape(around.parent):
            yield expression("x[:1]", x=node), f"{node.id} -> {node.id}[:1]"


def _of_shape(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "shape"


def _has_rest(example: object) -> bool:
    """Whether something is left out of it by [:1], as far as it is known."""
    shape = getattr(example, "shape", None)
    return (
        (len(shape) > 0 and shape[0] > 1)
        if shape is not None
        else not (callable(example) or isinstance(example, str))
    )


def subscript(node: ast.AST, _around: Around) -> Iterator[Change]:
    """An index is left out, two are exchanged, a slice has no end or ends one sooner or later."""
    if isinstance(node, ast.Subscript):
        yield node.value, f"[{short(node.slice)}] left out"
        if isinstance(node.slice, ast.Tuple) and isinstance(node.ctx, ast.Load):
            for parts, words in exchanged(node.slice.elts, "indices"):
                yield copy(node, slice=ast.Tuple(parts, ast.Load())), words
            for parts, words in left_out(node.slice.elts, "index"):
                yield copy(node, slice=ast.Tuple(parts, ast.Load()) if len(parts) > 1 else parts[0]), words
        if isinstance(node.slice, ast.Name):
            yield from _moved_index(node)
    if isinstance(node, ast.Slice):
        for end in ("lower", "upper"):
            if bound := getattr(node, end):
                yield copy(node, **{end: None}), f"slice without its {end} end"
                for template in () if isinstance(bound, ast.Constant) else ("x + 1", "x - 1"):
                    moved = expression(template, x=bound)
                    yield copy(node, **{end: moved}), f"slice {end} end: {short(moved)}"


def _moved_index(node: ast.Subscript) -> Iterator[Change]:
    for template in ("x + 1", "x - 1"):
        moved = expression(template, x=node.slice)
        yield copy(node, slice=moved), f"[{short(node.slice)}] -> [{short(moved)}]"


def collection(node: ast.AST, around: Around) -> Iterator[Change]:
    """Two neighbours in a tuple, list or dict are exchanged, or one is left out; .T is left out."""
    in_index = isinstance(around.parent, ast.Subscript) and around.parent.slice is node
    reduced = isinstance(around.parent, ast.keyword) and around.parent.arg == "dim"  # in either order
    if isinstance(node, ast.Tuple | ast.List) and not in_index:
        for parts, words in exchanged(node.elts, "parts") if not reduced else ():
            yield copy(node, elts=parts), words
        for parts, words in left_out(node.elts, "part") if isinstance(node.ctx, ast.Load) else ():
            yield copy(node, elts=parts), words
    if isinstance(node, ast.Dict):
        for parts, words in exchanged(node.values, "values"):
            yield copy(node, values=parts), words
    if isinstance(node, ast.Attribute):
        if node.attr in ("T", "mT"):
            yield node.value, f".{node.attr} left out"
        if other := ATTRIBUTES.get(node.attr):
            yield copy(node, attr=other), f".{node.attr} -> .{other}"


def _symbol(op: ast.operator | ast.cmpop) -> str:
    """How an operator is written."""
    a, b = ast.Name("a", ast.Load()), ast.Name("b", ast.Load())
    node = ast.Compare(a, [op], [b]) if isinstance(op, ast.cmpop) else ast.BinOp(a, op, b)
    return ast.unparse(node)[2:-2]


VALUES = (arithmetic, comparison, logic, negation, constant, name, subscript, collection)
