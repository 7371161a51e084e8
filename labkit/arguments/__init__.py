"""What a function is given, asked for in one way: tensors of a shape, whole numbers, numbers in a range.

Each of these asks for one argument, and raises a LabError with what was expected, what came, what to try.
"""

from labkit.arguments.numbers import (
    expect_box,
    expect_number,
    expect_size,
    expect_whole,
    expect_wholes,
    is_index,
    seeded,
)
from labkit.arguments.rows import expect_functions, expect_row
from labkit.arguments.showing import shown
from labkit.arguments.tensors import expect_alike, expect_tensor

__all__ = [
    "expect_alike",
    "expect_box",
    "expect_functions",
    "expect_number",
    "expect_row",
    "expect_size",
    "expect_tensor",
    "expect_whole",
    "expect_wholes",
    "is_index",
    "seeded",
    "shown",
]
