"""Every exercise keeps its contract: the stub, the solution, each mistake, the hints."""

import ast
from pathlib import Path

import pytest
import torch

from labkit.authoring import source
from labkit.authoring.build import is_task
from labkit.checks.answering import State, produce
from labkit.checks.exercise import PUBLIC_SEED, exercises, stages
from labkit.checks.judging import judge
from labkit.checks.verdicts import as_html, as_text

ALL = [exercise for stage in stages() for exercise in exercises(stage)]
MISTAKES = [(exercise, mistake) for exercise in ALL for mistake in exercise.mistakes]
SEEDS = [PUBLIC_SEED, 1, 20_260_101]


def verdict(exercise, function, seed=PUBLIC_SEED):
    return judge(exercise, produce(exercise, function, exercise.draw_cases(seed)), seed)


@pytest.fixture(params=ALL, ids=lambda exercise: exercise.id)
def exercise(request):
    return request.param


def test_a_stub_is_not_attempted(exercise):
    def stub(*_args, **_kwargs):
        raise NotImplementedError(f"TODO {exercise.id}")

    found = verdict(exercise, stub)
    assert found.state == State.NOT_ATTEMPTED
    assert "not attempted" in as_text(found)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "mistake"), MISTAKES, ids=lambda p: getattr(p, "id", getattr(p, "name", None))
)
def test_every_mistake_fails_with_its_own_lesson(exercise, mistake, seed):
    found = verdict(exercise, mistake.wrong, seed)
    assert not found.passed
    assert found.mistake is not None, found.message
    assert found.mistake.name == mistake.name
    assert mistake.lesson in as_text(found)


@pytest.fixture(scope="module")
def solutions():
    """Every exercise's solution, as its source has it: id -> function."""
    found = {}
    for path in sorted((Path(__file__).parent.parent / "solutions").glob("*.py")):
        cells = [cell for cell in source.read(path).cells if cell.cell_type == "code"]
        imports = [
            n for c in cells for n in ast.parse(c.source).body if isinstance(n, ast.Import | ast.ImportFrom)
        ]
        for cell in filter(is_task, cells):
            namespace = {}
            exec(compile(ast.Module(imports, []), str(path), "exec"), namespace)
            exec(compile(source.without_markers(cell.source), str(path), "exec"), namespace)
            check = next(c for c in cells if c.id == cell.id.replace("-task", "-check"))
            name = ast.parse(check.source).body[0].value.args[1].id
            found[cell.id.removesuffix("-task").replace("-", ".")] = namespace[name]
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_the_solution_passes(exercise, seed, solutions):
    found = verdict(exercise, solutions[exercise.id], seed)
    assert found.passed, as_text(found)


def test_a_function_of_other_results_fails_without_a_crash_of_the_judge(exercise):
    for rubbish in (None, "text", 3, torch.zeros(0), torch.full((2, 2), torch.nan), [torch.zeros(1)]):
        assert not verdict(exercise, lambda *_a, _r=rubbish, **_k: _r).passed


def test_a_function_that_raises_is_told_where(exercise):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError("by hand")

    found = verdict(exercise, broken)
    assert found.state == State.CRASHED
    assert "ZeroDivisionError: by hand" in found.message
    assert "of your cell: raise ZeroDivisionError" in found.message


def test_it_has_hints_points_minutes_and_three_mistakes(exercise):
    assert len(exercise.hints) >= 2
    assert len(exercise.mistakes) >= 3
    assert exercise.points >= 1
    assert 3 <= exercise.minutes <= 30
    lessons = [mistake.lesson for mistake in exercise.mistakes]
    assert len(set(lessons)) == len(lessons)


def test_text_from_an_answer_is_escaped_in_a_notebook(exercise):
    def hostile(*_args, **_kwargs):
        raise ValueError("<script>alert(1)</script>")

    assert "<script>" not in as_html(verdict(exercise, hostile))


def test_ids_are_in_order_and_belong_to_their_stage():
    for stage in stages():
        assert [e.id for e in exercises(stage)] == [
            f"{stage}.{n}" for n in range(1, len(exercises(stage)) + 1)
        ]
