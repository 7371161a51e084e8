"""Sentences that judges are made of: each returns quietly, or raises CheckFailed with figures and a place."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor

from labkit.checks.exercise import CheckFailed, Evidence

_ONLY_VALUES = ContextVar("only_values", default=False)
_COMPARED: ContextVar[dict[str, Evidence] | None] = ContextVar("compared", default=None)


@contextmanager
def only_values() -> Iterator[None]:
    """Inside, properties pass, so that a judge goes on to compare values, which tell more about a cause."""
    before = _ONLY_VALUES.set(True)
    try:
        yield
    finally:
        _ONLY_VALUES.reset(before)


def compared(judge: Callable[..., None], case: Any, results: dict[str, Tensor]) -> dict[str, Evidence]:
    """What a judge compares, result by result, whether it is right or not; where it breaks off, what came before."""
    found: dict[str, Evidence] = {}
    before = _COMPARED.set(found)
    try:
        with suppress(Exception), only_values():
            judge(case, results)
    finally:
        _COMPARED.reset(before)
    return found


def expect_shape(name: str, got: Tensor, shape: tuple[int, ...]) -> None:
    """Require a shape."""
    if tuple(got.shape) != tuple(shape) and not _ONLY_VALUES.get():
        message = f"{name}: expected shape {tuple(shape)}, got {tuple(got.shape)}"
        raise CheckFailed(message, evidence=Evidence(got, tuple(shape)))


def expect_finite(name: str, got: Tensor) -> None:
    """Require that no value is NaN or infinite."""
    if _ONLY_VALUES.get():
        return
    if bad := int((~torch.isfinite(got)).sum()):
        raise CheckFailed(f"{name}: {bad} of {got.numel()} values are NaN or infinite, expected none")


def expect_between(name: str, got: Tensor, low: float, high: float, *, why: str, slack: float = 1e-6) -> None:
    """Require every value in low..high."""
    if _ONLY_VALUES.get():
        return
    outside = ~((got >= low - slack) & (got <= high + slack))
    if count := int(outside.sum()):
        raise CheckFailed(
            f"{name}: {count} of {got.numel()} values lie outside {low:g}..{high:g}, expected none "
            f"(yours go from {got.min().item():.4g} to {got.max().item():.4g}); {why}"
        )


def expect_close(
    name: str, got: Tensor, expected: Tensor, *, why: str, atol: float = 1e-4, rtol: float = 1e-4
) -> None:
    """Require shape, finiteness, and values within atol + rtol·|expected|; names the worst place."""
    if (found := _COMPARED.get()) is not None:
        found[name] = Evidence(got, expected)
        return
    if got.shape != expected.shape:
        message = f"{name}: expected shape {tuple(expected.shape)}, got {tuple(got.shape)}"
        raise CheckFailed(message, evidence=Evidence(got, expected))
    expect_finite(name, got)
    got, expected = got.double(), expected.double()
    excess = (got - expected).abs() - (atol + rtol * expected.abs())
    if not (excess <= 0).all():
        # numpy's, since torch's imports sympy, which takes a second
        place = tuple(int(i) for i in np.unravel_index(int(excess.argmax()), excess.shape))
        where = f" at {list(place)}" if place else ""
        count = "" if got.numel() == 1 else f"{int((excess > 0).sum())} of {got.numel()} values differ; "
        raise CheckFailed(
            f"{name}: {count}expected {expected[place].item():.4g}{where}, got {got[place].item():.4g}; {why}",
            evidence=Evidence(got, expected),
        )


def expect_whole(name: str, got: Tensor) -> None:
    """Require whole numbers, of whatever type."""
    if not (got == got.round()).all():
        place = tuple(int(i) for i in (got != got.round()).nonzero()[0])
        raise CheckFailed(f"{name}: expected whole numbers, got {got[place].item():.4g}")
