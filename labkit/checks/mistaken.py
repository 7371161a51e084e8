"""What the planted mistakes of an exercise answer: each is asked once, however many answers are held beside them."""

from dataclasses import replace
from functools import lru_cache

from labkit.checks.answer import Answer
from labkit.checks.answering import answer_to
from labkit.checks.exercise import Exercise, Mistake
from labkit.checks.finding import judge_case
from labkit.checks.untouched import Untouched


class Mistaken:
    """The mistakes' answers to the cases that a seed draws, asked for when they are needed.

    cases: for judges, which leave them as they are
    """

    def __init__(self, exercise: Exercise, seed: int):
        self.cases = exercise.draw_cases(seed)
        self._exercise, self._seed = exercise, seed
        self._given = exercise.draw_cases(seed)
        self._answers: dict[tuple[Mistake, str], Answer] = {}
        self._right: dict[tuple[Mistake, str], bool] = {}

    def answer(self, mistake: Mistake, name: str) -> Answer:
        """What a mistake answers to the case of that name."""
        if (mistake, name) not in self._answers:
            self._answers[mistake, name] = self._asked(mistake, name)
        return self._answers[mistake, name]

    def is_right(self, mistake: Mistake, name: str) -> bool:
        """Whether that happens to be a right answer."""
        if (mistake, name) not in self._right:
            finding = judge_case(self._exercise, self.cases[name], self.answer(mistake, name))
            self._right[mistake, name] = finding.passed
        return self._right[mistake, name]

    def _asked(self, mistake: Mistake, name: str) -> Answer:
        case = self._given[name]
        before = Untouched(case)
        its = answer_to(self._exercise, mistake.wrong, case, twice=name == next(iter(self.cases)))
        # an answer may be a view of what was given, which the next one writes into
        kept = replace(its, tensors={part: tensor.detach().clone() for part, tensor in its.tensors.items()})
        if before.trouble():  # it has written into its inputs: the next one gets fresh ones
            self._given = self._exercise.draw_cases(self._seed)
        else:
            before.wind_back()
        return kept


@lru_cache(maxsize=128)
def mistaken(exercise: Exercise, seed: int) -> Mistaken:
    """Kept for whoever checks again, or judges one after the other: some megabytes, if it is all of the lab."""
    return Mistaken(exercise, seed)
