"""Trying one answer: what the judge says to the code of a cell."""

import re
from dataclasses import dataclass

from labkit.authoring.reference import Reference
from labkit.checks.answer import State
from labkit.checks.answering import produce
from labkit.checks.exercise import PUBLIC_SEED, Exercise
from labkit.checks.judging import judge
from labkit.checks.repairing import line_to_look_at
from labkit.checks.watching import values_of_variables
from labkit.errors import LabError
from mutation.mutants import Mutant

SEEDS = (PUBLIC_SEED, 1, 20_260_101)  # a survivor passes with all of them


@dataclass(frozen=True)
class Outcome:
    """What was said to a mutant.

    named: the mistake or the cause that was told, or nothing
    place: the line to look at that was told, or nothing; asked for only where no mistake was named
    """

    mutant: Mutant
    state: str
    message: str = ""
    named: str = ""
    place: str = ""

    @property
    def survived(self) -> bool:
        return self.state == State.PASSED

    @property
    def misplaced(self) -> bool:
        """Whether another line was told than the one that is changed, or the one beside it."""
        told = re.search(r"\bline (\d+)", self.place)
        return told is not None and int(told[1]) not in self.mutant.changed_lines


def examples(exercise: Exercise, reference: Reference) -> dict[str, object]:
    """Try the reference answer, and see what its variables hold when it returns for the first time.

    Raises: LabError if the reference answer does not pass
    """
    function = reference.function()
    for seed in SEEDS:
        verdict = judge(exercise, produce(exercise, function, exercise.draw_cases(seed)), seed)
        if not verdict.passed:
            raise LabError(f"the reference answer to {exercise.id} does not pass: {verdict.message}")
    cases = exercise.draw_cases(PUBLIC_SEED)
    return values_of_variables(reference.file, lambda: produce(exercise, function, cases))


def verdict_of(
    exercise: Exercise, reference: Reference, code: str, *, places: bool = False
) -> tuple[str, str, str, str]:
    """(state, message, what was named, the line told) of a cell's code, judged with seed after seed until it fails."""
    try:
        function = reference.function(code)
    except Exception as error:
        return State.CRASHED, f"{type(error).__name__}: {error}", "", ""
    for seed in SEEDS:
        verdict = judge(exercise, produce(exercise, function, exercise.draw_cases(seed)), seed)
        if not verdict.passed:
            named = verdict.mistake.name if verdict.mistake else verdict.cause
            asked = places and verdict.case and not verdict.mistake
            place = line_to_look_at(exercise, function, seed, verdict.case) if asked else ""
            return str(verdict.state), verdict.message, named, place
    return State.PASSED, "", "", ""
