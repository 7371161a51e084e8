"""Symptoms that are places: where an answer is wrong, and where it is right."""

import torch
from torch import Tensor

from labkit.checks.factors import factor, shift
from labkit.checks.facts import Facts, near

_FEW = 6  # places along a dimension that are told one by one


def along(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """Along one dimension some places are right as a whole; of several dimensions the one with most that is right."""
    found = []
    for dim in reversed(range(expected.ndim)):
        right = _right_places(got, expected, dim)
        if any(right) and not all(right) and _tells(expected, dim, right, facts):
            found.append((sum(right) / len(right), dim, right))
    if not found:
        return None
    _, dim, right = max(found, key=lambda place: place[0])
    told = _told(dim, right)
    wrong = ~torch.tensor(right)
    there = _there(got.movedim(dim, 0)[wrong], expected.movedim(dim, 0)[wrong], facts) if told else None
    return f"{told} There, {there}" if there else told


def _there(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    return shift(got, expected, facts) or factor(got, expected, facts)


def _right_places(got: Tensor, expected: Tensor, dim: int) -> list[bool]:
    """For each place along a dimension, whether all is right there."""
    right = (got - expected).abs() <= 2e-4 * expected.abs().max().clamp(min=1e-12)
    return right.movedim(dim, 0).flatten(1).all(dim=1).tolist() if right.ndim > 1 else right.tolist()


def _tells(expected: Tensor, dim: int, right: list[bool], facts: Facts) -> bool:
    """Whether what is right could have been wrong: not all of one value, as a sheet's gaps, nor as it came."""
    there = torch.tensor(right)
    values = expected.movedim(dim, 0)[there]
    inputs = (tensor for _, tensor in facts.tensors if tensor.shape == expected.shape)
    if any(near(values, tensor.movedim(dim, 0)[there], rtol=5e-3) for tensor in inputs):
        return False
    return bool(values.min() < values.max()) or (expected.ndim == 1 and sum(right) == 1)


def _told(dim: int, right: list[bool]) -> str | None:
    count, wrong = len(right), [place for place, fine in enumerate(right) if not fine]
    first, last = wrong[0], wrong[-1]
    where = f"along dimension {dim}"
    if len(wrong) == 1 and first in (0, count - 1):
        which, end = ("first", "begin") if first == 0 else ("last", "end")
        return f"{where} only the {which} of {count} is wrong: is it treated otherwise? Does a range {end} elsewhere?"
    if right == [True] + [False] * (count - 1):
        return f"{where} only the first is right: is something of the first used for all, or does a loop end too early?"
    if right == [False] * (count - 1) + [True]:
        return f"{where} only the last is right: does each round of a loop write over the one before?"
    if count <= _FEW and 2 * len(wrong) <= count:
        numbers = " and ".join(str(place) for place in wrong)
        return f"{where}, of {count}, what is wrong is number {numbers}, counted from 0: what is it made of?"
    if len(wrong) == last - first + 1 and (first == 0 or last == count - 1):
        span = f"from {first} on" if last == count - 1 else f"up to {last}"
        return (
            f"{where}, of {count}, all is wrong {span} and right elsewhere: where does a range begin and end?"
        )
    return None


def gaps(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """What is wrong is of one value throughout, in the answer or in what is expected; the rest is right and varies."""
    right = (got - expected).abs() <= 2e-4 * expected.abs().max().clamp(min=1e-12)
    if not _varies(expected[right]) or (count := int((~right).sum())) < 3:
        return None
    came, wanted = got[~right], expected[~right]
    share = f"{count} of {right.numel()} values"
    if came.min() == came.max() and _varies(wanted):
        return (
            f"what is wrong is {came[0].item():.4g} in yours ({share}), and all else is right: is it never written, "
            "written over, or masked away?"
        )
    if wanted.min() == wanted.max() and _varies(came):
        return (
            f"only where {wanted[0].item():.4g} is expected is yours another ({share}): is a mask, a clamp or a "
            "comparison missing, or another one meant?"
        )
    return None


def by_sign(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """What is wrong lies just where an input is above 0, or below."""
    wrong = (got - expected).abs() > 2e-4 * expected.abs().max().clamp(min=1e-12)
    if not 2 < int(wrong.sum()) < wrong.numel() - 2:
        return None
    for name, tensor in facts.tensors:
        if tensor.shape == wrong.shape:
            for words, there in (("above 0", tensor > 0), ("below 0", tensor < 0)):
                if torch.equal(there, wrong):
                    return f"all is right except where {name} is {words}; there all is wrong: what happens to it?"
    return None


def window(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """A piece of what is expected, or what is expected and more: along one dimension a few are lacking, or too many."""
    if got.ndim != expected.ndim:
        return None
    apart = [dim for dim in range(got.ndim) if got.shape[dim] != expected.shape[dim]]
    if len(apart) != 1:
        return None
    dim = apart[0]
    small, large = (got, expected) if got.shape[dim] < expected.shape[dim] else (expected, got)
    for first in range(large.shape[dim] - small.shape[dim] + 1):
        if _varies(small) and near(large.narrow(dim, first, small.shape[dim]), small):
            few, many = small.shape[dim], large.shape[dim]
            span = f"{first} to {first + few - 1}"
            if small is got:
                return f"what is there is right, but along dimension {dim} only {span} are there, of {many}."
            return f"{span} along dimension {dim} are what is expected; there are {many} in place of {few}."
    return None


def _varies(values: Tensor) -> bool:
    return values.numel() > 2 and bool(values.min() < values.max())
