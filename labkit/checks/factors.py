"""Symptoms that are numbers: an answer off by a factor or by a constant, and which."""

import torch
from torch import Tensor

from labkit.checks.facts import Facts, near

_KNOWN = (("2", 2.0), ("255", 255.0), ("256", 256.0), ("the root of 2", 2**0.5), ("10", 10.0), ("100", 100.0))


def factor(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """Every value times one number; of very few values, only where that number has a name."""
    times = _times(got, expected)
    if times is None or abs(times - 1) < 1e-3:
        return None
    named = _name(times, facts, simple=expected.numel() < 4)
    if named:
        known = "" if named == f"that is {times:.4g}" else f", {named}"  # 255 need not be called 255
        return (
            f"every value is {times:.4g} times what is expected{known}: multiplied, divided or averaged once too "
            "often, or not at all?"
        )
    if expected.numel() >= 4:
        return f"every value is {times:.4g} times what is expected: is a factor missing, or one too many?"
    return None


def shift(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """Every value off by one number."""
    apart = got - expected
    off = apart.mean().item()
    if expected.abs().max() == 0 or not near(apart, torch.full_like(apart, off), scale=expected, rtol=1e-4):
        return None
    if abs(off) == 1 and bool((expected == expected.round()).all()):
        return f"every number is one too {_size(off)}: where does a count begin, and does its end count?"
    if expected.numel() >= 4 and abs(off) > 1e-3 * expected.abs().max():
        return f"every value is {abs(off):.4g} too {_size(off)}: is something added or taken off twice, or never?"
    return None


def own_factors(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """Each row off by a factor of its own: a norm over everything in place of each, or the other way round."""
    if expected.ndim < 2 or len(expected) < 2:
        return None
    times = [_times(g, e) for g, e in zip(got, expected, strict=True)]
    if any(t is None or t <= 0 for t in times) or expected[0].numel() < 4:
        return None
    told = ", ".join(f"{t:.3g}" for t in times[:4])
    return (
        f"along dimension 0 each is right but for a factor of its own ({told}): look at what it is divided or "
        "multiplied by, and over what that is taken."
    )


def _size(off: float) -> str:
    return "large" if off > 0 else "small"


def _times(got: Tensor, expected: Tensor) -> float | None:
    """The number that turns what is expected into what came; None where there is none."""
    size = expected.square().sum()
    times = ((got * expected).sum() / size).item() if size > 0 else 0.0
    return times if times and near(got, times * expected, scale=times * expected) else None


def _name(times: float, facts: Facts, *, simple: bool) -> str:
    """What the number is in this case; empty if it is nothing. simple: no squares and no roots."""
    for name, number in facts.numbers + _KNOWN + (() if simple else _derived(facts)):
        for told, value in ((name, number), (f"1 / {name}", 1 / number)):
            if abs(times / value - 1) < 3e-4:
                return f"and {value:.4g} is {told}" if (name, number) not in _KNOWN else f"that is {told}"
    return ""


def _derived(facts: Facts) -> tuple[tuple[str, float], ...]:
    squares = tuple((f"the square of {name}", n * n) for name, n in facts.numbers)
    return squares + tuple((f"the root of {name}", n**0.5) for name, n in facts.numbers)
