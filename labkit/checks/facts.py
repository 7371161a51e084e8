"""What an exercise's case is made of, by name: tensors, sizes and numbers that may explain a wrong answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from labkit.checks.parts import parts

_INDEXES = {
    "target",
    "targets",
    "labels",
    "layer",
    "row",
    "column",
    "seed",
    "index",
}  # numbers that measure nothing
_AXES = ("the number of images", "the number of channels", "the height", "the width")


@dataclass(frozen=True)
class Facts:
    """tensors: (name, tensor in float64);  numbers: (what it is, its value)"""

    tensors: tuple[tuple[str, Tensor], ...]
    numbers: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, case: Any) -> "Facts":
        found = [*_leaves("the input", case)]
        tensors = tuple((name, value.double()) for name, value in found if isinstance(value, Tensor))
        numbers = [(name, float(value)) for name, value in found if isinstance(value, int | float)]
        for _, tensor in tensors:
            numbers += _sizes(tensor)
        return cls(tensors, tuple(dict.fromkeys((name, n) for name, n in numbers if n > 0 and n != 1)))


def near(got: Tensor, expected: Tensor, *, scale: Tensor | None = None, rtol: float = 2e-4) -> bool:
    """Whether two tensors are one but for rounding, measured by the largest value of the second (or of scale)."""
    if got.shape != expected.shape:
        return False
    largest = (expected if scale is None else scale).abs().max() if expected.numel() else torch.tensor(0.0)
    return bool(((got - expected).abs() <= rtol * largest.clamp(min=1e-12)).all())


def _measures(name: str) -> bool:
    """Whether a number of that name says how much; a place in a list is no name."""
    return name not in _INDEXES and not name.isdigit()


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Tensor):
        yield name, value.detach()
    elif isinstance(value, int | float) and not isinstance(value, bool) and _measures(name):
        yield name, value
    for inner, part in parts(value):
        yield from _leaves(inner, part)


def _sizes(tensor: Tensor) -> Iterator[tuple[str, float]]:
    """Sizes of a batch of images or maps by their names; of anything else by their dimension."""
    shape = tensor.shape
    names = _AXES if tensor.ndim == 4 else [f"the size of dimension {i}" for i in range(tensor.ndim)]
    yield from zip(names, map(float, shape), strict=True)
    if tensor.ndim >= 2:
        yield "the number of pixels", float(shape[-2] * shape[-1])
    if tensor.ndim == 4:
        yield "the number of values of an image", float(tensor[0].numel()) if len(tensor) else 0.0
    yield "the number of values", float(tensor.numel())
