"""Running a student's function on the cases: the one place where code under judgement runs.

Whatever the exercise, a function leaves what it is given as it was, answers alike when it is asked again, and
answers a batch as it answers its images alone.
"""

import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from labkit.checks.answer import Answer, State, alike
from labkit.checks.exercise import Cases, Exercise
from labkit.checks.surroundings import usual_surroundings
from labkit.checks.untouched import Untouched
from labkit.checks.values import WrongKindError, as_tensor

_WORDS = 2_000  # characters kept of what a student's exception says
_TWICE = (
    "expected the same answer when asked twice, got another one; does anything stay between two calls, such as a "
    "gradient that adds up in .grad, or a list outside the function, or is anything drawn at random"
)
_ALONE = (
    "number {index} of {count}, counted from 0, gets another answer when it is given alone; is a mean or a maximum "
    "taken over all of them, is one used for all, or is a size written down as a number"
)


def produce(exercise: Exercise, function: Callable[..., Any], cases: Cases) -> list[Answer]:
    """Run a function on every case, on the first one twice; stops where it turns out not to be attempted.

    Returns: one answer for each case, in order; fewer where the function is not attempted
    """
    answers: list[Answer] = []
    for case in cases.values():
        answers.append(answer_to(exercise, function, case, twice=not answers))
        if answers[-1].state == State.NOT_ATTEMPTED:
            break
    return answers


def answer_to(exercise: Exercise, function: Callable[..., Any], case: Any, *, twice: bool) -> Answer:
    """What a function answers to a case, with all that is wrong about it whatever it holds.

    twice: whether it is asked again
    """
    before = Untouched(case)
    answer = answer_case(exercise, function, case)
    trouble = "" if answer.state else before.trouble()
    if twice and not (answer.state or trouble):
        before.wind_back()
        trouble = _differs(answer, answer_case(exercise, function, case))
    if not (answer.state or trouble) and exercise.alone:
        trouble = _differs_alone(answer, exercise, function, exercise.alone(case))
    return replace(answer, message=answer.message or trouble)


def _differs(first: Answer, second: Answer) -> str:
    """What tells two answers to one question apart, in a sentence; empty where they are alike."""
    if second.state is not None:
        return f"{_TWICE}; the second time it is {second.state}: {second.message}"
    for name, tensor in first.tensors.items():
        if name not in second.tensors or not alike(tensor, second.tensors[name]):
            return f"{name}: {_TWICE}"
    return ""


def _differs_alone(whole: Answer, exercise: Exercise, function: Callable[..., Any], cases: list[Any]) -> str:
    """What tells a batch's answer from those of its images alone, in a sentence; empty where they are alike."""
    if len(cases) < 2:
        return ""
    for index, case in enumerate(cases):
        alone = answer_case(exercise, function, case)
        told = _ALONE.format(index=index, count=len(cases))
        if alone.state is not None:
            return f"{told}; alone it is {alone.state}: {alone.message}"
        for name, tensor in whole.tensors.items():
            if (
                tensor.ndim
                and len(tensor) == len(cases)
                and not _one_alike(tensor[index], alone.tensors.get(name))
            ):
                return f"{name}: {told}"
    return ""


def _one_alike(of_batch: Tensor, alone: Tensor | None) -> bool:
    return alone is not None and alone.ndim > 0 and len(alone) == 1 and alike(of_batch, alone[0])


def answer_case(exercise: Exercise, function: Callable[..., Any], case: Any) -> Answer:
    """Run a function on one case."""
    try:
        with usual_surroundings():
            named = exercise.answer(function, case)
            return Answer({name: _numbers(name, as_tensor(name, value)) for name, value in named.items()})
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


def _numbers(name: str, tensor: Tensor) -> Tensor:
    """A tensor that can be computed with, which those of a few kinds cannot, such as four bits a number."""
    try:
        tensor.flatten()[:1].to(torch.complex128 if tensor.is_complex() else torch.float64)
    except (NotImplementedError, RuntimeError):
        raise WrongKindError(
            f"{name}: expected numbers, got {tensor.dtype}; return them as .float()"
        ) from None
    return tensor


def _explain(error: BaseException, function: Callable[..., Any]) -> str:
    """The exception and the line of the student's cell that it came from."""
    said = f"{type(error).__name__}: {error}"[:_WORDS]
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{said}\nin line {lines[-1].lineno} of your cell: {lines[-1].line}" if lines else said
