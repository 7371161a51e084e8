"""Answers and judges: what forged, odd or broken answers are worth; a judge's own fault is no student's."""

import json
import multiprocessing
import os
import time
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from labkit.checks.answer import Answer, State
from labkit.checks.answering import produce
from labkit.checks.judging import judge
from labkit.checks.storing import load, save
from labkit.errors import LabError
from labkit.exercises import exercises, find, stages
from labkit.grading import judging
from labkit.grading.judging import judge_answers
from labkit.methods.filters import first_convolution
from labkit.methods.sheets import rescale


@pytest.mark.parametrize("number", [0, 4])
def test_each_kind_of_wrong_answer_is_told_its_mistake(number, tmp_path):
    expected = {}
    for exercise in exercises("01"):
        mistake = exercise.mistakes[number % len(exercise.mistakes)]
        expected[exercise.id] = (mistake.name, mistake.lesson)
        save(produce(exercise, mistake.wrong, exercise.draw_cases(5)), tmp_path / exercise.answer_file)
    judged = judge_answers(tmp_path, list(expected), seed=5)
    assert {id_: (outcome.mistake, outcome.lesson) for id_, outcome in judged.items()} == expected


def test_answers_survive_the_file(tmp_path):
    answers = [Answer({"a": torch.rand(2, 3)}), Answer(state=State.CRASHED, message="oh <no>")]
    save(answers, tmp_path / "x.safetensors")
    first, second = load(tmp_path / "x.safetensors")
    assert torch.equal(first.tensors["a"], answers[0].tensors["a"])
    assert (second.state, second.message) == (State.CRASHED, "oh <no>")


@pytest.mark.parametrize(
    "notes",
    [
        None,
        "no json",
        "{}",
        "[1]",
        "[[]]",
        '[{"state": "magnificent", "message": ""}]',
        '[{"state": null}]',
        "[" * 9999,
    ],
)
def test_forged_files_are_refused_or_worthless(tmp_path, notes):
    save_file({"0.a": torch.zeros(1)}, tmp_path / "x.safetensors", metadata=notes and {"answers": notes})
    try:
        answers = load(tmp_path / "x.safetensors")
    except LabError:
        return
    assert not judge(find("01.1"), answers, 1).passed


def test_answers_that_are_no_file_of_ours_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    for content in (b"", b"\x80\x04pickle", b"\xff" * 64):
        path.write_bytes(content)
        with pytest.raises(LabError, match="cannot be read"):
            load(path)


def test_a_state_passed_in_the_file_is_not_believed(tmp_path):
    exercise = find("01.1")
    save([Answer(state=State.PASSED, message="trust me")] * 3, tmp_path / "x.safetensors")
    assert not judge(exercise, load(tmp_path / "x.safetensors"), 1).passed


def test_right_answers_to_other_questions_do_not_pass():
    exercise = find("01.1")
    answers = produce(exercise, first_convolution, exercise.draw_cases(1))
    assert judge(exercise, answers, 1).passed
    assert not judge(exercise, answers, 2).passed
    assert not judge(exercise, answers[:2], 1).passed


ODD = [
    torch.zeros(0),
    torch.tensor(True),
    torch.zeros(2, 2, dtype=torch.complex64),
    torch.zeros(2, 2, dtype=torch.int64),
    torch.zeros(2, 2, dtype=torch.float8_e4m3fn),
]


@pytest.mark.parametrize("exercise", [e for s in stages() for e in exercises(s)], ids=lambda e: e.id)
def test_answers_of_odd_kinds_never_pass_and_never_stop_the_judge(exercise):
    """A dtype that torch does not compute with would otherwise end the grading of a whole class."""
    answers = produce(exercise, exercise.mistakes[0].wrong, exercise.draw_cases(1))
    for odd in ODD:
        swapped = [Answer(dict.fromkeys(answer.tensors, odd)) for answer in answers]
        assert judge(exercise, swapped, 1).state in (State.WRONG, State.TO_BE_LOOKED_AT)
        cast = [Answer({name: t.to(odd.dtype) for name, t in a.tensors.items()}) for a in answers]
        assert not judge(exercise, cast, 1).passed


# judged in a process of its own -----------------------------------------------------------------------


@pytest.fixture
def answered(tmp_path):
    """A folder with right answers to 01.1 and 01.2."""
    for id_, right in (("01.1", first_convolution), ("01.2", rescale)):
        exercise = find(id_)
        save(produce(exercise, right, exercise.draw_cases(3)), tmp_path / exercise.answer_file)
    return tmp_path


def test_answers_are_judged_one_by_one(answered):
    save([Answer(state=State.CRASHED, message="oh")], answered / "01-3.safetensors")
    (answered / "01-4.safetensors").write_bytes(b"no answers")
    judged = judge_answers(answered, ["01.1", "01.2", "01.3", "01.4"], seed=3)
    assert [str(judged[id_].state) for id_ in judged] == ["passed", "passed", "crashed", "crashed"]
    assert "cannot be read" in judged["01.4"].message


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda: 1 / 0, "the check itself failed (ZeroDivisionError: division by zero)"),
        (lambda: time.sleep(600), "no verdict within 6 s"),
        (lambda: os._exit(3), "the judging process ended by itself"),
    ],
    ids=["raises", "hangs", "ends"],
)
def test_a_judges_own_fault_is_to_be_looked_at_and_costs_the_next_nothing(answered, monkeypatch, fault, says):
    def faulty(exercise, answers, seed):
        if exercise.id == "01.1":
            fault()
        return judge(exercise, answers, seed)

    monkeypatch.setattr(judging, "judge", faulty)
    monkeypatch.setattr(judging, "processes", lambda: multiprocessing.get_context("fork"))
    judged = judge_answers(answered, ["01.1", "01.2"], seed=3, timeout_s=6)
    assert judged["01.1"].state == State.TO_BE_LOOKED_AT
    assert says in judged["01.1"].message
    assert judged["01.2"].state == State.PASSED


def test_a_judge_that_stumbles_over_an_ordinary_answer_is_to_be_looked_at(monkeypatch):
    exercise = find("01.1")
    answers = produce(exercise, first_convolution, exercise.draw_cases(1))

    def stumbles(_case, _answer):
        raise ZeroDivisionError("division by zero")

    verdict = judge(replace(exercise, judge=stumbles), answers, 1)
    assert verdict.state == State.TO_BE_LOOKED_AT
    assert "ZeroDivisionError: division by zero" in verdict.message
    odd = [Answer({name: t.to(torch.float8_e4m3fn) for name, t in a.tensors.items()}) for a in answers]
    assert judge(replace(exercise, judge=stumbles), odd, 1).state == State.WRONG
    lacking = [Answer() for _ in answers]
    assert judge(exercise, lacking, 1).state == State.WRONG


@pytest.mark.parametrize("state", ["to be looked at", "unreadable"])
def test_a_state_that_only_the_grader_gives_is_not_taken_from_a_file(tmp_path, state):
    notes = json.dumps([{"state": state, "message": ""}])
    save_file({"0.a": torch.zeros(1)}, tmp_path / "x.safetensors", metadata={"answers": notes})
    with pytest.raises(LabError, match="cannot be read"):
        load(tmp_path / "x.safetensors")
