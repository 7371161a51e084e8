"""From answers to a verdict. Runs the project's own code alone, so it can be trusted with scores."""

from dataclasses import dataclass

import torch

from labkit.checks.answering import Answer, State, produce
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake


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
    cases = exercise.draw_cases(seed)
    if any(answer.state == State.NOT_ATTEMPTED for answer in answers):
        return Verdict(exercise, State.NOT_ATTEMPTED)
    for index, (name, case) in enumerate(cases.items()):
        answer = (
            answers[index] if index < len(answers) else Answer(state=State.CRASHED, message="no answer came")
        )
        try:
            state, message, named = (
                _claimed(answer) or _judge_case(exercise, case, answer),
                answer.message,
                None,
            )
        except CheckFailed as failure:
            state, message, named = State.WRONG, str(failure), failure.mistake
        if state != State.PASSED:
            return Verdict(
                exercise, state, f"{message} (case: {name})", _recognise(exercise, answers, seed, named)
            )
    return Verdict(exercise, State.PASSED)


def _claimed(answer: Answer) -> State | None:
    """What the answer says went wrong. That all went well is for the judge to say."""
    if answer.state == State.PASSED:
        raise CheckFailed("the answer claims to have passed")
    return answer.state


def _judge_case(exercise: Exercise, case: object, answer: Answer) -> State:
    try:
        exercise.judge(case, answer.tensors)
    except KeyError as missing:  # only a forged answer lacks a name
        raise CheckFailed(f"the answer lacks {missing}") from None
    return State.PASSED


def _recognise(exercise: Exercise, answers: list[Answer], seed: int, named: str | None) -> Mistake | None:
    """The mistake that the judge named, or whose answers equal these on every case."""
    for mistake in exercise.mistakes:
        if mistake.name == named:
            return mistake
    for mistake in exercise.mistakes:
        if _same(produce(exercise, mistake.wrong, _fresh(exercise, seed)), answers):
            return mistake
    return None


def _fresh(exercise: Exercise, seed: int) -> Cases:
    """Cases of their own for every run, since a function may write into its inputs."""
    return exercise.draw_cases(seed)


def _same(ours: list[Answer], theirs: list[Answer]) -> bool:
    return len(ours) == len(theirs) and all(map(_same_answer, ours, theirs))


def _same_answer(ours: Answer, theirs: Answer) -> bool:
    if ours.state is not None or theirs.state is not None:
        return ours.state == theirs.state and _kind(ours.message) == _kind(theirs.message)
    return ours.tensors.keys() == theirs.tensors.keys() and all(
        a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-3, atol=1e-5, equal_nan=True)
        for a, b in zip(ours.tensors.values(), (theirs.tensors[name] for name in ours.tensors), strict=True)
    )


def _kind(message: str) -> str:
    """What kind of trouble a message tells of: "IndexError", "maps: expected a torch.Tensor, got int"."""
    return message.partition(":" if message.partition(":")[0].endswith("Error") else ";")[0]
