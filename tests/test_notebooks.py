"""Notebooks under plain nbval: the student's copy, a solved one, and ones with each mistake."""

import pytest
from lab import function_of, mistaken, nbval, released, slim, solved, with_cell

from labkit.exercises import exercises

SOME = 2  # mistakes of each exercise; the contract tests try all of them, without a notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.slow
def test_of_the_students_copy_exactly_the_checks_fail_each_as_not_attempted(tmp_path):
    notebook = released()
    failures = nbval(notebook, tmp_path)
    cells = code_cells(notebook)
    assert {cells[number].id for number in failures} == {f"{e.slug}-check" for e in exercises("01")}
    for message in failures.values():
        assert "not attempted" in message
        assert "NotImplementedError" not in message
        assert "most recent call last" not in message


@pytest.mark.slow
def test_a_copy_solved_from_the_released_notebook_passes(tmp_path):
    assert nbval(solved(), tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(SOME))
def test_each_mistake_in_a_students_copy_fails_with_its_own_lesson(number, tmp_path):
    """The n-th mistake of every exercise at once: each check fails by itself."""
    notebook, lessons = slim(solved()), {}
    for exercise in exercises("01"):
        if number < len(exercise.mistakes):
            mistake = exercise.mistakes[number]
            lessons[f"{exercise.slug}-check"] = mistake.lesson
            code = mistaken(exercise, mistake, function_of(notebook, exercise))
            notebook = with_cell(notebook, f"{exercise.slug}-task", code)
    cells = code_cells(notebook)
    failures = {cells[n].id: message for n, message in nbval(notebook, tmp_path).items()}
    assert failures.keys() == lessons.keys()
    for check, lesson in lessons.items():
        assert lesson in failures[check]
