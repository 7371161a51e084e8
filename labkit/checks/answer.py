"""What came of asking a student's function: plain data, tensors and a few words, that any process can judge."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

import torch
from torch import Tensor


class State(StrEnum):
    """How an exercise stands."""

    PASSED = "passed"
    WRONG = "wrong"
    NOT_ATTEMPTED = "not attempted"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    UNREADABLE = "unreadable"
    TO_BE_LOOKED_AT = "to be looked at"  # the judge failed, not the student


@dataclass(frozen=True)
class Answer:
    """What came of one case: named tensors, or the state and the words that explain why there are none.

    With tensors, words are what is wrong whatever they hold: a touched input, another answer when asked again.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    state: State | None = None
    message: str = ""


def alike(a: Tensor, b: Tensor) -> bool:
    """Whether two answers are the same but for rounding."""
    if a.shape != b.shape or a.is_complex() != b.is_complex():
        return False
    exact = torch.complex128 if a.is_complex() else torch.float64
    return torch.allclose(a.to(exact), b.to(exact), rtol=1e-3, atol=1e-5, equal_nan=True)


def same(ours: Answer, theirs: Answer) -> bool:
    """Whether two answers to one case agree: alike in all results, or in trouble of one kind."""
    if ours.state is not None or theirs.state is not None:
        return ours.state == theirs.state and _kind(ours.message) == _kind(theirs.message)
    if ours.tensors.keys() != theirs.tensors.keys() or _trouble(ours.message) != _trouble(theirs.message):
        return False
    return all(alike(tensor, theirs.tensors[name]) for name, tensor in ours.tensors.items())


def _kind(message: str) -> str:
    """What kind of trouble a message tells of: an exception's text, to the number, or a wrong type's without them.

    An index out of bounds, or two shapes that do not fit, may be anybody's: the numbers say whose.
    """
    text = message.partition("\nin line")[0]
    if "Error: " in text:
        return re.sub(r"0x[0-9a-f]+", "0x0", text)
    return re.sub(r"\d+(\.\d+)?", "0", text.partition(";")[0])


def _trouble(message: str) -> str:
    """What was touched, or differed when asked again, without the names of the places: "hooks have been left on it"."""
    return re.sub(r"\d+", "0", message.partition(": ")[2].partition(";")[0])
