"""Symptoms of shapes: what happened to the axes of a wrong answer."""

from itertools import permutations

from torch import Tensor

from labkit.checks.facts import Facts, near

Shape = tuple[int, ...]


def _reshaped(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    if got.numel() != expected.numel() or not near(got.flatten(), expected.flatten()):
        return None
    if [n for n in got.shape if n > 1] == [n for n in expected.shape if n > 1]:
        return "the values are right; only a dimension of size 1 is there that should not be, or is missing."
    return "the values are right; only their shape is another one: reshape them, or leave out a flatten."


def _permuted(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    if got.ndim != expected.ndim or got.ndim > 4:
        return None
    for order in permutations(range(got.ndim)):
        if got.permute(order).shape == expected.shape and near(got.permute(order), expected):
            return (
                f"the values are right, in another order of dimensions; permute{order} would put them right."
            )
    return None


def _kept(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """A dimension is still there that should have been summed, averaged, or searched for its largest value."""
    for dim in range(got.ndim if got.ndim == expected.ndim + 1 else 0):
        for name in ("sum", "mean", "amax", "amin"):
            if near(getattr(got, name)(dim), expected):
                return f"dimension {dim} is still there; its {name} is what is expected."
    return None


def _lost(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """A dimension has been summed or averaged away, or only the first along it was taken; it may be kept as 1."""
    for dim in range(expected.ndim):
        one = got.select(dim, 0) if got.ndim == expected.ndim and got.shape[dim] == 1 else got
        for name in ("sum", "mean", "amax", "amin"):
            if near(one, getattr(expected, name)(dim)):
                return f"this is the {name} of what is expected along dimension {dim}, which is lost."
        if near(one, expected.select(dim, 0)):
            return f"this is the first along dimension {dim} alone, and there are {expected.shape[dim]}."
    return None


AXES = (_reshaped, _permuted, _kept, _lost)


def shape_symptom(got: Shape, expected: Shape) -> str:
    """What two shapes say about how the axes were treated; empty where nothing simple does."""
    looks = (_ones, _exchanged, _one_more, _one_less, _one_size, _column_met_row, _smaller_maps)
    return next(filter(None, (look(got, expected) for look in looks)), "")


def _ones(got: Shape, expected: Shape) -> str:
    if [n for n in got if n != 1] != [n for n in expected if n != 1]:
        return ""
    dims = "there that should not be" if len(got) > len(expected) else "missing"
    return f"a dimension of size 1 is {dims}: keepdim, squeeze, unsqueeze or [0]?"


def _exchanged(got: Shape, expected: Shape) -> str:
    same = sorted(got) == sorted(expected)
    return "the sizes are right, but in another order: permute or transpose?" if same else ""


def _one_more(got: Shape, expected: Shape) -> str:
    for dim, size in enumerate(got):
        if got[:dim] + got[dim + 1 :] == expected:
            return (
                f"dimension {dim}, of {size}, is still there: is a sum, a mean or a maximum over it missing?"
            )
    return ""


def _one_less(got: Shape, expected: Shape) -> str:
    for dim, size in enumerate(expected):
        if expected[:dim] + expected[dim + 1 :] == got:
            return f"dimension {dim}, of {size}, is gone: summed, averaged, or only one of them taken?"
    return ""


def _one_size(got: Shape, expected: Shape) -> str:
    apart = [i for i, (g, e) in enumerate(zip(got, expected, strict=False)) if g != e]
    if len(got) != len(expected) or len(apart) != 1 or got[apart[0]] != 1:
        return ""
    return f"along dimension {apart[0]} there is 1 where {expected[apart[0]]} are expected: is only the first taken?"


def _column_met_row(got: Shape, expected: Shape) -> str:
    """n times n where n are expected: (n, 1) and (n,) have made (n, n)."""
    apart = [i for i, (g, e) in enumerate(zip(got, expected, strict=False)) if g != e]
    if len(got) != len(expected) or len(apart) != 1 or got[apart[0]] != expected[apart[0]] ** 2:
        return ""
    n = expected[apart[0]]
    return (
        f"along dimension {apart[0]} there are {n} · {n} where {n} are expected: has a column (n, 1) met a row (n,), "
        "which makes (n, n)?"
    )


def _smaller_maps(got: Shape, expected: Shape) -> str:
    more = {g - e for g, e in zip(got[-2:], expected[-2:], strict=False)}
    if len(got) != len(expected) or len(got) < 2 or got[:-2] != expected[:-2] or len(more) != 1:
        return ""
    by = more.pop()
    return (
        f"height and width are {abs(by)} too {'large' if by > 0 else 'small'}: padding, a border, or a range?"
    )
