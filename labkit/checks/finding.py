"""How the answer to one case stands."""

from dataclasses import dataclass
from typing import Any

from labkit.checks.answer import Answer, State
from labkit.checks.exercise import CheckFailed, Evidence, Exercise


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
        exercise.judge(case, answer.tensors)
        if answer.message:  # last, since what a judge has to say is about this exercise
            raise CheckFailed(answer.message)
    except CheckFailed as failure:
        return Finding(State.WRONG, str(failure), failure.mistake, failure.evidence)
    except Exception as error:  # a dtype that torch does not compute with; a name that a forger left out
        kinds = ", ".join(f"{name} {tensor.dtype}" for name, tensor in answer.tensors.items())
        message = f"cannot compute with what came ({kinds}): {error}; expected floats as given"
        return Finding(State.WRONG, message)
    return Finding(State.PASSED)
