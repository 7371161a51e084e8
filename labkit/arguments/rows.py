"""Things in a row, and functions."""

from collections.abc import Iterable
from typing import Any

from labkit.arguments.showing import shown
from labkit.errors import LabError


def expect_row(name: str, given: Any) -> list[Any]:
    """Require some things in a row, one at least. Raises: LabError"""
    if (
        isinstance(given, str | bytes | dict)
        or not isinstance(given, Iterable)
        or getattr(given, "ndim", 1) == 0
    ):
        raise LabError(f"expected {name} in a list, got {shown(given)}; try [it]")
    if not (row := list(given)):
        raise LabError(f"expected at least one of {name}, got none; try a list of one")
    return row


def expect_functions(name: str, *rows: Any) -> None:
    """Require rows of functions. Raises: LabError"""
    for row in rows:
        for one in row if isinstance(row, tuple | list) else [None]:
            if not callable(one):
                got = shown(one if isinstance(row, tuple | list) else row)
                raise LabError(f"expected {name} as a row of functions, got {got} there; try () for none")
