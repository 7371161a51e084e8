"""From answers to a verdict. Runs the project's own code alone, so it can be trusted with scores."""

from dataclasses import dataclass
from itertools import chain, repeat

from labkit.checks.answer import Answer, State
from labkit.checks.diagnosing import explaining_mistake, look
from labkit.checks.exercise import Exercise, Mistake
from labkit.checks.finding import judge_case


@dataclass(frozen=True)
class Verdict:
    """How one exercise stands, and what to say about it.

    message: what was checked, expected against got, and where
    mistake: the planted mistake that explains it, if one does
    cause:   where none does, what the answer looks like beside the right one, in a sentence, or nothing
    case:    the name of the first case that failed
    place:   the line to look at, in a sentence, where somebody has looked at the text
    """

    exercise: Exercise
    state: State
    message: str = ""
    mistake: Mistake | None = None
    cause: str = ""
    case: str = ""
    place: str = ""

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
    cases = exercise.draw_cases(seed)
    given = dict(zip(cases, chain(answers, repeat(lacking)), strict=False))
    for name, case in cases.items():
        finding = judge_case(exercise, case, given[name])
        if finding.passed:
            continue
        mistake = explaining_mistake(exercise, given, seed, name, finding)
        cause = "" if mistake else look(exercise, given[name], exercise.draw_cases(seed)[name], finding)
        return Verdict(exercise, finding.state, f"{finding.message} (case: {name})", mistake, cause, name)
    return Verdict(exercise, State.PASSED)
