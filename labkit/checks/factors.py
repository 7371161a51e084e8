"""Symptoms that are numbers: an answer off by a factor or by a constant, and which."""

from collections.abc import Iterator

import torch
from torch import Tensor

from labkit.checks.facts import Facts, near

_KNOWN = (("2", 2.0), ("255", 255.0), ("256", 256.0), ("the root of 2", 2**0.5), ("10", 10.0), ("100", 100.0))


def factor(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """Every value times one number; of very few values, only where that number has a name."""
    times = _times(got, expected)
    if times is None or abs(times - 1) < 1e-3:
        return None
    named = _name(times, facts)
    if named:
        return (
            f"every value is {times:.4g} times what is expected, {named}: multiplied, divided or averaged once too "
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
        return f"every number is one too {_size(off)}: is it counted from 0?"
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
        f"along dimension 0 each is off by a factor of its own ({told}): is something taken over all that belongs "
        "to each, such as a norm, a mean or a maximum?"
    )


def _size(off: float) -> str:
    return "large" if off > 0 else "small"


def _times(got: Tensor, expected: Tensor) -> float | None:
    """The number that turns what is expected into what came; None where there is none."""
    size = expected.square().sum()
    times = ((got * expected).sum() / size).item() if size > 0 else 0.0
    return times if times and near(got, times * expected, scale=times * expected) else None


def _name(times: float, facts: Facts) -> str:
    for name, number in _numbers(facts):
        if abs(times / number - 1) < 3e-4:
            return f"and {number:.4g} is {name}" if not name[0].isdigit() else "exactly"
    return ""


def _numbers(facts: Facts) -> Iterator[tuple[str, float]]:
    known = (*facts.numbers, *_KNOWN)
    for name, n in known:
        yield from ((name, n), (f"1 / {name}", 1 / n))
    for name, n in facts.numbers:
        yield from (
            (f"the square of {name}", n * n),
            (f"the root of {name}", n**0.5),
            (f"1 / root of {name}", n**-0.5),
        )
