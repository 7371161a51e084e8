"""From answers to a verdict. Runs the project's own code alone, so it can be trusted with scores."""

from dataclasses import dataclass
from itertools import chain, repeat

from labkit.checks.answering import Answer, State, alike, produce
from labkit.checks.exercise import CheckFailed, Exercise, Mistake


@dataclass(frozen=True)
class Verdict:
    """How one exercise stands, and what to say about it.

    message: what was checked, expected against got, and where
    mistake: the named mistake that it matches, if one does
    """

    exercise: Exercise
    state: State
    message: str = ""
    mistake: Mistake | None = None

    @property
    def passed(self) -> bool:
        return self.state == State.PASSED

    @property
    def points(self) -> int:
        return self.exercise.points if self.passed else 0


def judge(exercise: Exercise, answers: list[Answer], seed: int) -> Verdict:
    """Judge answers to the cases that this seed draws. The first case that fails decides."""
    if any(answer.state == State.NOT_ATTEMPTED for answer in answers):
        return Verdict(exercise, State.NOT_ATTEMPTED)
    lacking = Answer(state=State.CRASHED, message="no answer came")
    cases = exercise.draw_cases(seed).items()
    for (name, case), answer in zip(cases, chain(answers, repeat(lacking)), strict=False):
        state, message, named = _judge_case(exercise, case, answer)
        if state != State.PASSED:
            mistake = _recognise(exercise, answers, seed, named)
            return Verdict(exercise, state, f"{message} (case: {name})", mistake)
    return Verdict(exercise, State.PASSED)


def _judge_case(exercise: Exercise, case: object, answer: Answer) -> tuple[State, str, str | None]:
    """How one answer stands, why, and the mistake that the judge names. An answer never says that it passed."""
    if answer.state not in (None, State.PASSED):
        return answer.state, answer.message, None
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
        return State.WRONG, str(failure), failure.mistake
    except Exception as error:  # a dtype that torch does not compute with; a name that a forger left out
        kinds = ", ".join(f"{name} {tensor.dtype}" for name, tensor in answer.tensors.items())
        return (
            State.WRONG,
            f"cannot compute with what came ({kinds}): {error}; expected floats as given",
            None,
        )
    return State.PASSED, "", None


def _recognise(exercise: Exercise, answers: list[Answer], seed: int, named: str | None) -> Mistake | None:
    """The mistake that the judge named, or whose answers equal these on every case.

    Each draws cases of its own, since a function may write into its inputs.
    """
    for mistake in exercise.mistakes:
        if mistake.name == named:
            return mistake
    for mistake in exercise.mistakes:
        if _same(produce(exercise, mistake.wrong, exercise.draw_cases(seed)), answers):
            return mistake
    return None


def _same(ours: list[Answer], theirs: list[Answer]) -> bool:
    return len(ours) == len(theirs) and all(map(_same_answer, ours, theirs))


def _same_answer(ours: Answer, theirs: Answer) -> bool:
    if ours.state is not None or theirs.state is not None:
        return ours.state == theirs.state and _kind(ours.message) == _kind(theirs.message)
    if ours.tensors.keys() != theirs.tensors.keys() or bool(ours.message) != bool(theirs.message):
        return False
    return all(alike(tensor, theirs.tensors[name]) for name, tensor in ours.tensors.items())


def _kind(message: str) -> str:
    """What kind of trouble a message tells of: "IndexError", "maps: expected a torch.Tensor, got int"."""
    return message.partition(":" if message.partition(":")[0].endswith("Error") else ";")[0]
