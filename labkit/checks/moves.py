"""Symptoms of steps: how an answer has moved away from an input, beside how it should have."""

from collections.abc import Iterator

from torch import Tensor

from labkit.checks.facts import Facts, near

_ENOUGH = 12  # values, for a direction to be one


def step_factor(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """The right change of an input, but for one factor."""
    for name, moved, wanted in _moves(got, expected, facts):
        times = ((moved * wanted).sum() / wanted.square().sum()).item()
        if abs(times) > 1e-3 and near(moved, times * wanted, scale=times * wanted):
            if abs(times + 1) < 1e-3:
                return f"this is the right step away from {name}, the other way: is a sign turned round?"
            return f"you move {times:.4g} times as far from {name} as expected, the right way: how long is a step?"
    return None


def opposite(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """Nearly everything moves away from an input the other way."""
    for name, moved, wanted in _moves(got, expected, facts):
        both = (moved.abs() > 1e-6) & (wanted.abs() > 1e-6)
        count, against = int(both.sum()), int((moved * wanted < 0)[both].sum())
        if count >= _ENOUGH and against > 0.9 * count:
            return f"{against} of {count} values move away from {name} the other way: is a sign turned round?"
    return None


def distance(got: Tensor, expected: Tensor, facts: Facts) -> str | None:
    """Much the same direction, but another distance."""
    for name, moved, wanted in _moves(got, expected, facts):
        likeness = (moved * wanted).sum() / (moved.norm() * wanted.norm())
        times = (moved.abs().max() / wanted.abs().max()).item()
        if likeness > 0.6 and not 0.8 < times < 1.25:
            far = "further" if times > 1 else "less far"
            return (
                f"you move {far} from {name} than expected, by {moved.abs().max().item():.4g} at most and not by "
                f"{wanted.abs().max().item():.4g}: look at how large steps are, how many, and at what limits them."
            )
    return None


def _moves(got: Tensor, expected: Tensor, facts: Facts) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(name of an input, how far the answer is from it, how far it should be), where what is expected is near to it."""
    for name, tensor in facts.tensors:
        if tensor.shape == got.shape and tensor.numel() >= _ENOUGH:
            moved, wanted = got - tensor, expected - tensor
            if moved.abs().max() > 1e-6 and 1e-6 < wanted.norm() < 0.5 * (tensor - tensor.mean()).norm():
                yield name, moved, wanted
