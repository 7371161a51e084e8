"""How the answer to one case stands."""

from dataclasses import dataclass
from typing import Any

import torch

from labkit.checks.answer import Answer, State
from labkit.checks.exercise import CheckFailed, Evidence, Exercise
from labkit.checks.surroundings import usual_surroundings

_COMPUTED_WITH = {
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
}


@dataclass(frozen=True)
class Finding:
    """How the answer to one case stands, why, and what the judge knows about the cause."""

    state: State
    message: str = ""
    mistake: str | None = None
    evidence: Evidence | None = None

    @property
    def passed(self) -> bool:
        return self.state == State.PASSED


def judge_case(exercise: Exercise, case: Any, answer: Answer) -> Finding:
    """Judge one answer. An answer never says that it passed."""
    if answer.state not in (None, State.PASSED):
        return Finding(answer.state, answer.message)
    try:
        if answer.state == State.PASSED:
            raise CheckFailed("the answer claims to have passed")
        for name, tensor in answer.tensors.items():
            if tensor.is_complex():
                raise CheckFailed(f"{name}: expected real numbers, got {tensor.dtype}; try .real or .abs()")
        with usual_surroundings():
            exercise.judge(case, answer.tensors)
        if answer.message:  # last, since what a judge has to say is about this exercise
            raise CheckFailed(answer.message)
    except CheckFailed as failure:
        return Finding(State.WRONG, str(failure), failure.mistake, failure.evidence)
    except Exception as error:
        return _stumbled(error, exercise, case, answer)
    return Finding(State.PASSED)


def _stumbled(error: Exception, exercise: Exercise, case: Any, answer: Answer) -> Finding:
    """A judge stumbles over what it cannot compute with, or lacks; over anything else by its own fault."""
    kinds = ", ".join(f"{name} {tensor.dtype}" for name, tensor in answer.tensors.items())
    lacking = isinstance(error, KeyError) and str(error.args[0]) not in answer.tensors
    odd = any(tensor.dtype not in _COMPUTED_WITH for tensor in answer.tensors.values())
    if lacking or odd or _is_about_truth_values(exercise, case, answer):
        message = f"cannot compute with what came ({kinds}): {error}; expected floats as given"
        return Finding(State.WRONG, message)
    said = f"{type(error).__name__}: {error}"
    return Finding(State.TO_BE_LOOKED_AT, f"the check itself failed ({said}); tell whoever gave you the lab")


def _is_about_truth_values(exercise: Exercise, case: Any, answer: Answer) -> bool:
    """Whether a judge that stumbled does not, once True and False are numbers."""
    if not any(tensor.dtype == torch.bool for tensor in answer.tensors.values()):
        return False
    numbers = {name: t.float() if t.dtype == torch.bool else t for name, t in answer.tensors.items()}
    try:
        with usual_surroundings():
            exercise.judge(case, numbers)
    except CheckFailed:
        return True
    except Exception:
        return False
    return True
