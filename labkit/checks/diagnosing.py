"""Why an answer is wrong: the planted mistake that explains it, else what it looks like beside the right one."""

from contextlib import suppress
from typing import Any

from labkit.checks.answer import Answer, State, same
from labkit.checks.crashes import meaning
from labkit.checks.exercise import CheckFailed, Evidence, Exercise, Mistake
from labkit.checks.expect import only_values
from labkit.checks.finding import Finding, judge_case
from labkit.checks.mistaken import Mistaken, mistaken
from labkit.checks.numbers import is_number, number_symptom
from labkit.checks.symptoms import symptom

_MANY = 2  # so many cases explained outweigh one that is not


def explaining_mistake(
    exercise: Exercise, given: dict[str, Answer], seed: int, first: str, finding: Finding
) -> Mistake | None:
    """The planted mistake that the judge named, or else the one that explains the first case that failed.

    given: the answers by the names of their cases;  first: the first that failed
    A mistake explains an answer that is like its own. It is out where its own answer is wrong in another way;
    of several the one that explains most cases counts.
    """
    for mistake in exercise.mistakes:
        if mistake.name == finding.mistake:
            return mistake
    best, most, planted = None, 0, mistaken(exercise, seed)
    for mistake in exercise.mistakes:
        count = _explained(exercise, mistake, given, first, planted)
        if count > most:
            best, most = mistake, count
    return best


def _explained(
    exercise: Exercise, mistake: Mistake, given: dict[str, Answer], first: str, planted: Mistaken
) -> int:
    """How many cases a mistake explains; none, if not the first that failed, or if others speak against it.

    Where the mistake happens to be right and the answer is not, there is more wrong than this: one such case may be.
    """
    count = besides = 0
    if not same(planted.answer(mistake, first), given[first]):
        return 0
    for name, case in planted.cases.items():
        alike = same(planted.answer(mistake, name), given[name])
        if not alike and not planted.is_right(mistake, name):
            return 0
        count += alike
        besides += not alike and not judge_case(exercise, case, given[name]).passed
    return count if count > _MANY * besides else 0


def look(exercise: Exercise, given: dict[str, Answer], seed: int, first: str, finding: Finding) -> str:
    """What a wrong answer looks like beside the right one, or what its exception means; empty where nothing tells."""
    if finding.state == State.CRASHED:
        return meaning(finding.message)
    cases, answer = exercise.draw_cases(seed), given[first]
    evidence = _values(exercise, answer, cases[first]) or finding.evidence
    of_number = evidence is not None and is_number(evidence)
    seen = number_symptom(exercise, cases, given, first) if of_number else None
    if seen is None:
        seen = symptom(evidence, cases[first]) if evidence else ""
    _, _, advice = answer.message.partition("; ")  # "got NoneType; is there a return at the end?"
    return seen or (answer.message if answer.message != finding.message else advice)


def _values(exercise: Exercise, answer: Answer, case: Any) -> Evidence | None:
    """The values that a judge compares, also where a shape or a range has failed before."""
    if answer.state is None and not any(tensor.is_complex() for tensor in answer.tensors.values()):
        with suppress(Exception), only_values():
            try:
                exercise.judge(case, answer.tensors)
            except CheckFailed as failure:
                return failure.evidence
    return None
