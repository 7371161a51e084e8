"""Running a student's function on the cases: the one place where code under judgement runs.

What comes out is plain data, tensors and a few words, so that it can be judged here, or in another
process that never sees the code, today or in a regrade.
"""

import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise
from labkit.checks.untouched import Untouched
from labkit.checks.values import WrongKindError, as_tensor
from labkit.errors import LabError

_WORDS = 2_000  # characters kept of what a student's exception says
_TWICE = (
    "expected the same answer when asked twice, got another one; does anything stay between two calls, such as a "
    "gradient that is added up in .grad, a list outside the function, or a random draw without its generator"
)


class State(StrEnum):
    """How an exercise stands."""

    PASSED = "passed"
    WRONG = "wrong"
    NOT_ATTEMPTED = "not attempted"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Answer:
    """What came of one case: named tensors, or the state and the words that explain why there are none.

    With tensors, words are what is wrong whatever they hold: a touched input, another answer when asked again.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    state: State | None = None
    message: str = ""


def produce(exercise: Exercise, function: Callable[..., Any], cases: Cases) -> list[Answer]:
    """Run a function on every case, and on the first one twice; stops where it turns out not to be attempted.

    Whatever the exercise, the function has to leave what it is given as it was, and to answer alike when it is
    asked again.

    Returns: one answer for each case, in order; fewer where the function is not attempted
    """
    answers: list[Answer] = []
    for case in cases.values():
        before = Untouched(case)
        answer = _produce_one(exercise, function, case)
        trouble = "" if answer.state else before.trouble()
        if not (answers or answer.state or trouble):
            before.wind_back()
            trouble = _differs(answer, _produce_one(exercise, function, case))
        answers.append(replace(answer, message=answer.message or trouble))
        if answer.state == State.NOT_ATTEMPTED:
            break
    return answers


def _differs(first: Answer, second: Answer) -> str:
    """What tells two answers to one question apart, in a sentence; empty where they are alike."""
    if second.state is not None:
        return f"{_TWICE}; the second time it is {second.state}: {second.message}"
    for name, tensor in first.tensors.items():
        if name not in second.tensors or not alike(tensor, second.tensors[name]):
            return f"{name}: {_TWICE}"
    return ""


def alike(a: Tensor, b: Tensor) -> bool:
    """Whether two answers are the same but for rounding."""
    if a.shape != b.shape or a.is_complex() != b.is_complex():
        return False
    exact = torch.complex128 if a.is_complex() else torch.float64
    return torch.allclose(a.to(exact), b.to(exact), rtol=1e-3, atol=1e-5, equal_nan=True)


def _produce_one(exercise: Exercise, function: Callable[..., Any], case: Any) -> Answer:
    try:
        named = exercise.answer(function, case)
        return Answer({name: as_tensor(name, value) for name, value in named.items()})
    except NotImplementedError as error:
        if not str(error) or str(error).startswith("TODO"):
            return Answer(state=State.NOT_ATTEMPTED)
        return Answer(state=State.CRASHED, message=_explain(error, function))
    except WrongKindError as error:
        return Answer(state=State.WRONG, message=str(error))
    except Exception as error:
        hungry = isinstance(error, MemoryError) or "can't allocate memory" in str(error)
        state = State.OUT_OF_MEMORY if hungry else State.CRASHED
        return Answer(state=state, message=_explain(error, function))


def _explain(error: BaseException, function: Callable[..., Any]) -> str:
    """The exception and the line of the student's cell that it came from."""
    said = f"{type(error).__name__}: {error}"[:_WORDS]
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{said}\nin line {lines[-1].lineno} of your cell: {lines[-1].line}" if lines else said


def save(answers: list[Answer], path: Path) -> None:
    """Write answers as one safetensors file: tensors named CASE.NAME, states and words as metadata."""
    tensors = {f"{i}.{name}": t for i, answer in enumerate(answers) for name, t in answer.tensors.items()}
    notes = [{"state": answer.state, "message": answer.message} for answer in answers]
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata={"answers": json.dumps(notes)})
    partial.replace(path)


def load(path: Path, *, most_mb: int = 256) -> list[Answer]:
    """Read what `save` wrote, trusting nothing: neither its size, nor its shape, nor its words.

    Raises: LabError if the file is no such thing
    """
    try:
        if path.stat().st_size > most_mb * 2**20:
            raise LabError(f"the answers in {path.name} are larger than {most_mb} MB")
        with safe_open(path, framework="pt") as file:
            notes = json.loads((file.metadata() or {})["answers"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
        return [_restore(i, note, tensors) for i, note in enumerate(notes)]
    except (
        OSError,
        SafetensorError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise LabError(f"the answers in {path.name} cannot be read ({type(error).__name__})") from error


def _restore(index: int, note: dict[str, Any], tensors: dict[str, Tensor]) -> Answer:
    prefix = f"{index}."
    mine = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    state = State(note["state"]) if note["state"] is not None else None
    return Answer(mine, state, str(note["message"])[:_WORDS])
