"""What every kind of change is made of: a place in a syntax tree, and what may stand there instead."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
Change = tuple[ast.AST, str]  # what stands there instead, and the change in words


@dataclass(frozen=True)
class Around:
    """What a change may need to know of a node's surroundings.

    parent:     the node that holds it
    parameters: of the outermost function
    variables:  every name that the function binds, its parameters included
    examples:   variable -> what was in it when the reference answer ran, as far as it is known
    """

    parent: ast.AST
    parameters: tuple[str, ...]
    variables: tuple[str, ...]
    examples: dict[str, object]

    def like(self, name: str) -> Iterator[str]:
        """The other variables of the same type."""
        kinds = {known: kind(example) for known, example in self.examples.items()}
        return (
            other
            for other in self.variables
            if name in kinds and other != name and kinds.get(other) == kinds[name]
        )

    def is_value(self, node: ast.AST) -> bool:
        """Whether an expression hangs on a variable, rather than on an imported module: x.abs, not F.relu."""
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            node = node.func if isinstance(node, ast.Call) else node.value
        return not isinstance(node, ast.Name) or node.id in self.variables


def kind(example: object) -> str:
    """The type of a value in words; of a tensor with its dimensions: "int", "Tensor 4"."""
    return type(example).__name__ + (f" {example.ndim}" if hasattr(example, "ndim") else "")


def expression(template: str, **parts: ast.AST) -> ast.expr:
    """The tree of a formula in which names stand for parts: expression("x + 1", x=node)."""
    tree = ast.parse(template, mode="eval").body
    filled: ast.expr = _Filled(parts).visit(tree)
    return filled


class _Filled(ast.NodeTransformer):
    def __init__(self, parts: dict[str, ast.AST]):
        self._parts = parts

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._parts.get(node.id, node)


def copy(node: Node, **fields: object) -> Node:
    """The node with some fields exchanged; the parts are shared."""
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def exchanged(parts: list[Node], words: str) -> Iterator[tuple[list[Node], str]]:
    """The list with each two neighbours exchanged in turn."""
    for i in range(len(parts) - 1):
        if ast.dump(parts[i]) != ast.dump(parts[i + 1]):
            yield (
                [*parts[:i], parts[i + 1], parts[i], *parts[i + 2 :]],
                f"{words} {i + 1} and {i + 2} exchanged",
            )


def left_out(parts: list[Node], words: str) -> Iterator[tuple[list[Node], str]]:
    """The list with each part left out in turn."""
    for i in range(len(parts)):
        yield [*parts[:i], *parts[i + 1 :]], f"{words} {i + 1} left out"


def short(node: ast.AST, most: int = 40) -> str:
    text = ast.unparse(node).replace("\n", " ")
    return text if len(text) <= most else f"{text[: most - 1]}…"
