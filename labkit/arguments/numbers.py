"""Whole numbers, numbers in a range, sizes and boxes, seeds."""

import math
import operator
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from labkit.arguments.showing import shown
from labkit.errors import LabError
from labkit.units import number_mend, whole_mend


def expect_whole(
    name: str, given: Any, low: int | None = None, high: int | None = None, *, mend: str = ""
) -> int:
    """Require a whole number, not below `low` and not above `high`; True and False are none.

    Raises: LabError
    """
    try:
        number = operator.index(given)
        fits = not _is_bool(given)
    except (TypeError, ValueError, RuntimeError):
        number, fits = 0, False
    if not fits or (low is not None and number < low) or (high is not None and number > high):
        raise LabError(
            f"expected {name} as a whole number{_range(low, high)}, got {shown(given)}"
            f"; try {whole_mend(name, given) or mend or _inside(low, high)}"
        )
    return number


def expect_wholes(
    name: str, given: Any, low: int | None = None, high: int | None = None, *, empty: bool = False
) -> list[int]:
    """Require whole numbers, in any row or as the keys of a dict; one at least, unless it may be empty.

    Raises: LabError
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable) or getattr(given, "ndim", 1) != 1:
        raise LabError(f"expected {name} such as [0, 3], got {shown(given)}; try [{_inside(low, high)}]")
    numbers = [expect_whole(f"each of {name}", one, low, high) for one in given]
    if not numbers and not empty:
        raise LabError(f"expected at least one of {name}, got none; try [{_inside(low, high)}]")
    return numbers


def expect_size(name: str, given: Any) -> tuple[int, int]:
    """Require a height and a width in pixels, (H, W). Raises: LabError"""
    if not isinstance(given, tuple | list | torch.Size) or len(given) != 2:
        raise LabError(f"expected {name} as (H, W), got {shown(given)}; try (224, 224)")
    height, width = (expect_whole(f"each side of {name}", side, 1) for side in given)
    return height, width


def expect_box(given: Any) -> None:
    """Require a box in pixels: top, left, bottom, right. Raises: LabError"""
    if not isinstance(given, tuple | list) or len(given) != 4:
        raise LabError(f"expected a box (top, left, bottom, right), got {shown(given)}; try (0, 0, 8, 8)")
    top, left, bottom, right = (expect_whole("each side of the box", side, 0) for side in given)
    if bottom <= top or right <= left:
        raise LabError(f"expected a box whose top is above its bottom, got {shown(given)}; try (0, 0, 8, 8)")


def seeded(seed: Any) -> torch.Generator:
    """A generator of its own, which draws the same for the same seed. Raises: LabError for no whole number"""
    return torch.Generator().manual_seed(expect_whole("seed", seed, -(2**63), 2**63 - 1, mend="0"))


def is_index(given: Any, count: int) -> bool:
    """Whether something is one of 0 to count - 1; True and False are none."""
    try:
        return not _is_bool(given) and given in range(count)
    except (TypeError, ValueError, RuntimeError):
        return False


def expect_number(
    name: str,
    given: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    above: bool = False,
    mend: str = "",
) -> float:
    """Require a number that is not NaN or infinite, in low..high; True and False are none.

    above: whether it must be larger than `low`
    Raises: LabError
    """
    try:
        plain = given.detach() if isinstance(given, Tensor) else given
        number = math.nan if isinstance(plain, str | bytes) or _is_bool(plain) else float(plain)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and low <= number <= high and not (above and number == low)):
        want = (
            f" above {low:g}" + (f", up to {high:g}" if high < math.inf else "")
            if above
            else _range(low, high)
        )
        raise LabError(
            f"expected {name} as a number{want}, got {shown(given)}; try {_mend(number, low, high, mend, above)}"
        )
    return number


def _mend(number: float, low: float, high: float, mend: str, above: bool) -> str:
    return mend or number_mend(number, low, high) or _inside(low, high, above)


def _is_bool(given: Any) -> bool:
    return isinstance(given, bool) or str(getattr(given, "dtype", "")) in ("bool", "torch.bool")


def _range(low: float | None, high: float | None) -> str:
    low, high = (None if end is None or math.isinf(end) else end for end in (low, high))
    if low is None:
        return "" if high is None else f" up to {high:g}"
    return f" of {low:g} or more" if high is None else f" in {low:g}..{high:g}"


def _inside(low: float | None, high: float | None, above: bool = False) -> str:
    """A number that is in range."""
    if low is not None and not math.isinf(low):
        return f"{low + 1 if high is None or math.isinf(high) else high:g}" if above else f"{low:g}"
    return f"{high:g}" if high is not None and not math.isinf(high) else "1"
