"""What a wrong answer looks like beside the right one: symptoms that an answer to any exercise can show.

Each symptom is a fact about the two tensors, so it is true whatever the cause; the cause is offered as a question.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from labkit.checks.axes import AXES, shape_symptom
from labkit.checks.differences import along_one, input_too_much, line, line_of_input, order_kept, unfinite
from labkit.checks.exercise import Evidence
from labkit.checks.factors import factor, own_factors, shift
from labkit.checks.facts import Facts, near
from labkit.checks.moves import distance, opposite, step_factor
from labkit.checks.places import along, by_sign, gaps, window

Symptom = Callable[[Tensor, Tensor, Facts], str | None]


def symptom(evidence: Evidence, case: object) -> str:
    """What tells a wrong result from the right one, in a sentence; empty where nothing simple does.

    case: the inputs, whose tensors, sizes and numbers may explain the difference
    """
    got, expected = evidence.got, evidence.expected
    if got.is_complex():
        return ""
    facts = Facts.of(case)
    if isinstance(expected, tuple):
        return _input(got.double(), got, facts) or shape_symptom(tuple(got.shape), expected)
    got, expected = got.double(), expected.double()
    if not (got.numel() and expected.numel()):
        return shape_symptom(tuple(got.shape), tuple(expected.shape))
    if not expected.isfinite().all():
        return ""
    seen = next(filter(None, (look(got, expected, facts) for look in _looks(got, expected))), "")
    return seen or (
        "" if got.shape == expected.shape else shape_symptom(tuple(got.shape), tuple(expected.shape))
    )


def _looks(got: Tensor, expected: Tensor) -> tuple[Symptom, ...]:
    """The symptoms that there can be."""
    if not got.isfinite().all():
        return (unfinite,)
    if got.shape == expected.shape:
        return _VALUES
    return (*AXES, window, _input) if got.min() < got.max() else ()


# Values: one shape ------------------------------------------------------------------------------------
def _constant(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    if got.numel() < 2 or got.min() != got.max() or expected.min() == expected.max():
        return None
    return f"every value is the same, {got.flatten()[0].item():.4g}, where those expected differ."


def _input(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    for name, tensor in facts.tensors:
        if tensor.numel() > 1 and near(got, tensor, rtol=1e-6):  # a small step is a step
            return f"this is {name} as it came: nothing has happened to it, or what happened is not returned."
    return None


def _signs(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    if near(got, -expected):
        return "this is what is expected with its sign turned round: is a minus missing, or one too many?"
    if near(got, expected.abs()):
        return "the sizes are right and the signs are lost: is there an abs() or a square too many?"
    if near(got.abs(), expected):
        return "the sizes are right, but some values are negative: is an abs() missing?"
    return None


def _power(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    if got.min() < 0 or expected.min() < 0 or expected.numel() < 4 or expected.max() == expected.min():
        return None
    if near(got, expected.square()):
        return "this is the square of what is expected: is a root missing?"
    if near(got, expected.sqrt()):
        return "this is the root of what is expected: is there a root too many?"
    return None


def _clamped(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    if expected.numel() < 4:
        return None
    low, high = expected.min().item(), expected.max().item()
    if low < high and near(got.clamp(low, high), expected):
        return f"all is right except beyond {low:.4g}..{high:.4g}: is a clamp missing, or is it at another place?"
    for name, cut in {"below 0": expected.clamp(min=0), "outside 0..1": expected.clamp(0, 1)}.items():
        if not near(cut, expected) and near(got, cut):
            return f"all is right except what is {name}, which you cut off: is there a clamp too many?"
    return None


def _rounded(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """Of values that have room for more than three steps: else any two or three values look rounded."""
    for levels, unit in ((1, "whole numbers"), (255, "multiples of 1/255")):
        for name in ("round", "floor", "ceil", "trunc"):
            cut = getattr(torch, name)
            stepped = cut(expected * levels) / levels
            if len(stepped.unique()) > 3 and near(got, stepped) and not near(expected, stepped):
                return f"these are the values expected, made {unit} ({name}): does a //, an int() or a round() do it?"
            if (
                len(expected.unique()) > 3
                and near(cut(got * levels) / levels, expected)
                and near(expected, stepped)
            ):
                return f"the values are right, but not yet {unit}: is a {name}() missing?"
    return None


def _mirrored(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    for dim in range(expected.ndim):
        if near(got, expected.flip(dim)):
            return f"the values are right, but in reverse along dimension {dim}: is an order turned round?"
    for first, second in torch.combinations(torch.arange(expected.ndim)).tolist():
        if expected.shape[first] == expected.shape[second] and near(got, expected.transpose(first, second)):
            return (
                f"the values are right, but dimensions {first} and {second} are exchanged: rows for columns?"
            )
    for dim in range(expected.ndim):
        for by in (1, -1):
            if expected.shape[dim] > 2 and near(got, expected.roll(by, dim)):
                return f"the values are right, but moved by one place along dimension {dim}: off by one?"
    return None


def _other_order(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    if expected.numel() > 2 and near(got.flatten().sort().values, expected.flatten().sort().values):
        return "the values are all there, but at other places: in another order, or is an index off?"
    return None


def _border(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """Right but along the four sides of maps or images, to a depth of a quarter at most."""
    sides = expected.shape[-2:]
    for k in range(1, min(sides) // 4 + 1 if expected.ndim > 2 else 1):
        if near(got[..., k:-k, k:-k], expected[..., k:-k, k:-k], scale=expected):
            whole, first, last = slice(None), slice(None, k), slice(-k, None)
            strips = [(first, whole), (last, whole), (whole, first), (whole, last)]
            if any(near(got[..., r, c], expected[..., r, c], scale=expected) for r, c in strips):
                return None
            pixels = "one pixel" if k == 1 else f"{k} pixels"
            return f"all is right except within {pixels} of the border: look at padding, rolling, and where ranges end."
    return None


_VALUES: tuple[Symptom, ...] = (
    *(_constant, _input, _signs, shift, factor, _power, _clamped, _rounded),
    *(_mirrored, _other_order, own_factors, along, along_one, _border),
    *(step_factor, input_too_much, line_of_input, line, gaps, by_sign, order_kept, opposite, distance),
)
