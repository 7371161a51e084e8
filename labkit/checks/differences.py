"""Symptoms that are differences: what an answer has too much or too little of, beside the right one."""

from torch import Tensor

from labkit.checks.facts import Facts, near

_ENOUGH = 6  # values, for two that are alike by chance to be unlikely


def input_too_much(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """The difference is one of the inputs, or a multiple of it."""
    apart = got - expected
    for name, tensor in facts.tensors:
        if tensor.shape == apart.shape and _enough(tensor):
            times = ((apart * tensor).sum() / tensor.square().sum()).item()
            if abs(times) > 1e-3 and near(apart, times * tensor, scale=expected):
                much = f"{abs(times):.4g} times {name}" if abs(abs(times) - 1) > 1e-3 else name
                return (
                    f"this is {much} too {'much' if times > 0 else 'little'}: added once too often, or never?"
                )
    return None


def line_of_input(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """An input, multiplied by a number and moved by one, and nothing else."""
    for name, tensor in facts.tensors:
        if (line := _line(tensor, got)) and tensor.shape == got.shape:
            return f"this is {line.format(name)}, and nothing else has happened to it."
    return None


def line(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """What is expected, multiplied by one number and moved by another."""
    found = _line(expected, got)
    told = found.format("what is expected") if found else ""
    return f"this is {told}: is it scaled or moved otherwise, or twice?" if told else None


def _line(values: Tensor, got: Tensor) -> str:
    """How the second is a multiple of the first and a constant: "2 · {} + 3"; empty where it is not."""
    if values.shape != got.shape or not _enough(values):
        return ""
    centred = values - values.mean()
    slope = ((got - got.mean()) * centred).sum() / centred.square().sum()
    moved = got.mean() - slope * values.mean()
    if abs(slope) < 1e-6 or not near(got, slope * values + moved, scale=got - got.mean()):
        return ""
    return f"{slope.item():.4g} · {{}} {'-' if moved < 0 else '+'} {abs(moved.item()):.4g}"


def along_one(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """The difference is the same all along a dimension, or the factor is."""
    apart = got - expected
    for dim in range(expected.ndim):
        if not _varies_along(expected, dim):
            continue
        if near(apart, apart.mean(dim, keepdim=True).expand_as(apart), scale=expected) and not near(
            got, expected
        ):
            return (
                f"the difference from what is expected is the same all along dimension {dim}: is something added or "
                "taken off that depends on the other dimensions alone?"
            )
    for dim in range(expected.ndim):
        if not _varies_along(expected, dim):
            continue
        size = expected.square().sum(dim, keepdim=True)
        times = (got * expected).sum(dim, keepdim=True) / size
        if bool((size > 0).all()) and bool((times != 0).all()) and near(got, times * expected, scale=got):
            return (
                f"all along dimension {dim} the values are right but for a factor that they share, each row its own: "
                "what is multiplied or divided by, and over which dimension is it taken?"
            )
    return None


def order_kept(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """Larger where a larger one is expected, or the other way round, and yet not by one factor."""
    if expected.numel() < 8 or len(expected.unique()) < 8:
        return None
    if any(tensor.shape == expected.shape for _, tensor in facts.tensors):
        return None  # a small step keeps the order of what came
    order = expected.flatten().argsort(stable=True)
    steps, wanted = got.flatten()[order].diff(), expected.flatten()[order].diff()
    if bool(((steps > 0) == (wanted > 0)).all()) and bool((steps >= 0).all()):
        return (
            "the order is right and the values are not: larger ones stand where larger ones are expected. Is a root, a "
            "power, an exp or a log missing, or one too many?"
        )
    if bool(((steps < 0) == (wanted > 0)).all()) and bool((steps <= 0).all()):
        return (
            "the order is turned round: the largest stands where the smallest is expected. Is a sign wrong?"
        )
    return None


def _varies_along(expected: Tensor, dim: int) -> bool:
    """Whether what is expected differs along a dimension, so that a difference that does not tells something."""
    if expected.shape[dim] < 3 or expected.numel() < 2 * _ENOUGH:
        return False
    return not near(expected, expected.mean(dim, keepdim=True).expand_as(expected))


def _enough(values: Tensor) -> bool:
    return values.numel() >= _ENOUGH and bool(values.min() < values.max())


def unfinite(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """Values that are no numbers: where they come from, and whether the others are right."""
    nan, infinite = got.isnan(), got.isinf()
    kinds = []
    if nan.any():
        kinds.append(
            f"{int(nan.sum())} values are NaN, which 0 / 0 and roots or logs of negative numbers give"
        )
    if infinite.any():
        kinds.append(
            f"{int(infinite.sum())} values are infinite, which x / 0, log(0) and exp of a large number give"
        )
    fine = ~(nan | infinite)
    same = got.shape == expected.shape and fine.any() and near(got[fine], expected[fine])
    return f"{' and '.join(kinds)}{'; all others are right' if same else ''}."
