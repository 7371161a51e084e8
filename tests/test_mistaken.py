"""What planted mistakes answer: each is asked once, and gets what no other has written into."""

from dataclasses import replace

import torch

from labkit.checks.answering import produce
from labkit.checks.exercise import Mistake
from labkit.checks.judging import judge
from labkit.checks.mistaken import Mistaken
from labkit.exercises import find


def exercise_with(*wrong):
    mistakes = tuple(Mistake(name, f"lesson of {name}", function) for name, function in wrong)
    return replace(find("01.2"), mistakes=mistakes)


def test_a_mistake_is_asked_once_for_all_answers_that_are_held_beside_it():
    asked = []

    def halves(filters):
        asked.append(1)
        return filters / 2

    exercise = exercise_with(("halves", halves))
    verdicts = []
    for wrong in (halves, lambda filters: filters * 3, lambda filters: filters / 2):
        answers = produce(exercise, wrong, exercise.draw_cases(4))
        asked.clear()
        found = judge(exercise, answers, 4)
        verdicts.append((found.mistake and found.mistake.name, len(asked)))
    cases = len(exercise.draw_cases(4))
    assert [name for name, _ in verdicts] == ["halves", None, "halves"]
    assert (
        0 < verdicts[0][1] <= cases + 1 + 9 * cases
    )  # twice the first, and images alone where it takes a batch
    assert [count for _, count in verdicts[1:]] == [0, 0]


def test_a_mistake_that_writes_into_its_inputs_spoils_them_for_no_other():
    def itself(filters):
        return filters

    def writes(filters):
        return filters.fill_(7)

    exercise = exercise_with(("itself", itself), ("writes", writes), ("again", itself))
    planted = Mistaken(exercise, seed=4)
    given = exercise.draw_cases(4)
    for name in given:
        before, spoilt, after = (planted.answer(mistake, name) for mistake in exercise.mistakes)
        (first,), (third,) = before.tensors.values(), after.tensors.values()
        assert torch.equal(first, third)
        assert not (first == 7).all()
        assert "other values are in it" in spoilt.message


def test_whether_a_mistake_happens_to_be_right_is_known_by_the_case():
    exercise = find("01.2")
    planted = Mistaken(exercise, seed=4)
    for mistake in exercise.mistakes:
        assert not all(planted.is_right(mistake, name) for name in planted.cases)
