"""Plain nbval, as students and nbgrader have it, agrees with `labkit grade` on an honest notebook of every stage."""

from copy import deepcopy

import pytest
from lab import ROOT, function_of, nbval_on_each, released, solved, with_cell

from labkit.exercises import exercises
from labkit.grading.executing.assembling import assemble
from labkit.grading.executing.needs import needed
from labkit.grading.records import HandedIn
from labkit.grading.unit import Unit, grade_unit

SOURCES = sorted((ROOT / "solutions").glob("[0-9][0-9]_*.py"))


def honest(path):
    """A student's notebook: the second exercise wrong, the third untouched, the others right; and who is which."""
    handed_out, right = released(path), solved(path)
    _, wrong, untouched, *_ = exercises(path.stem[:2])
    code = f"def {function_of(right, wrong)}(*given, **options):\n    return None"
    (stub,) = [cell for cell in handed_out.cells if cell.id == f"{untouched.slug}-task"]
    return with_cell(with_cell(right, f"{wrong.slug}-task", code), stub.id, stub.source), {
        wrong.id,
        untouched.id,
    }


def quick(handed_out, notebook):
    """Without the cells that only show, as grading runs it."""
    kept = deepcopy(notebook)
    wanted = {piece.source.strip() for piece in needed(assemble(handed_out, notebook).pieces)}
    kept.cells = [cell for cell in kept.cells if cell.cell_type == "code" and cell.source.strip() in wanted]
    return kept


@pytest.fixture(scope="module")
def died(tmp_path_factory):
    """Stage -> the ids of the cells that died under nbval."""
    runs = {path.stem: quick(released(path), honest(path)[0]) for path in SOURCES}
    found = nbval_on_each(runs, tmp_path_factory.mktemp("nbval"))
    return {stem: {runs[stem].cells[number].id for number in numbers} for stem, numbers in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_nbval_and_grading_pass_the_same_exercises(path, died):
    handed_out = released(path)
    notebook, not_passed = honest(path)
    ids = tuple(exercise.id for exercise in exercises(path.stem[:2]))
    by_nbval = {e.id for e in exercises(path.stem[:2]) if f"{e.slug}-check" not in died[path.stem]}

    handed_in = HandedIn("ada", path.stem[:2], f"{path.stem}.ipynb", "0", notebook, "")
    graded = grade_unit(Unit(handed_in, handed_out, ids, seed=3))
    by_grading = {outcome.exercise for outcome in graded.result.outcomes if str(outcome.state) == "passed"}
    assert by_nbval == by_grading == set(ids) - not_passed
