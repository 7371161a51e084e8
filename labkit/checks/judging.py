"""From answers to a verdict. Runs the project's own code alone, so it can be trusted with scores."""

from dataclasses import dataclass
from itertools import chain, repeat

from labkit.checks.answer import Answer, State
from labkit.checks.diagnosing import explaining_mistake, look
from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.finding import Finding, judge_case
from labkit.checks.surroundings import usual_surroundings


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


@usual_surroundings()
def judge(exercise: Exercise, answers: list[Answer], seed: int) -> Verdict:
    """Judge answers to the cases that this seed draws. The first case that fails decides."""
    if not _attempted(answers):
        return Verdict(exercise, State.NOT_ATTEMPTED)
    cases = exercise.draw_cases(seed)
    given = _by_case(cases, answers)
    if (failure := _first_failure(exercise, cases, given)) is None:
        return Verdict(exercise, State.PASSED)
    name, finding = failure
    mistake = explaining_mistake(exercise, given, seed, name, finding)
    cause = "" if mistake else look(exercise, given, seed, name, finding)
    told = finding.message.removesuffix(f"; {cause}") if cause else finding.message  # nothing is said twice
    return Verdict(exercise, finding.state, _in_case(told, name), mistake, cause, name)


def _in_case(told: str, name: str) -> str:
    """The message with the case's name: behind what is said, and before the line of code that it is said of."""
    said, line, code = told.partition("\nin line")
    return f"{said} (case: {name}){line}{code}"


def all_right(exercise: Exercise, answers: list[Answer], seed: int) -> bool:
    """Whether `judge` lets these answers pass, for those who do not ask why not, which takes longer."""
    cases = exercise.draw_cases(seed)
    return _attempted(answers) and _first_failure(exercise, cases, _by_case(cases, answers)) is None


def _attempted(answers: list[Answer]) -> bool:
    return not any(answer.state == State.NOT_ATTEMPTED for answer in answers)


def _by_case(cases: Cases, answers: list[Answer]) -> dict[str, Answer]:
    lacking = Answer(state=State.CRASHED, message="no answer came")
    return dict(zip(cases, chain(answers, repeat(lacking)), strict=False))


def _first_failure(exercise: Exercise, cases: Cases, given: dict[str, Answer]) -> tuple[str, Finding] | None:
    """The first case whose answer is not right, and how it stands."""
    for name, case in cases.items():
        finding = judge_case(exercise, case, given[name])
        if not finding.passed:
            return name, finding
    return None
