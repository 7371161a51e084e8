"""One source, two notebooks: what is unchanged stays, to the byte."""

import nbformat
import pytest
from lab import STAGE_01, released

from labkit.authoring import source
from labkit.authoring.build import build, is_task, stale, student_notebook
from labkit.errors import LabError
from labkit.exercises import exercises

# A stage in small: real exercises, nothing slow to show. FILTERS stands for a line that a test changes.
SMALL = '''# %% [markdown]
# # Small
#
# <!-- exercises -->

# %%
import torch
from torch import nn
from labkit import check

# %% [markdown]
# ### Exercise 01.1

# %%
def first_layer_filters(net):
    """Weights."""
    # TODO 01.1: find it
    ### BEGIN SOLUTION
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            return module.weight.detach()
    ### END SOLUTION

# %%
check("01.1", first_layer_filters)

# %%
def scale_filters(filters):
    # TODO 01.2: FILTERS
    if True:
        ### BEGIN SOLUTION
        low = filters.amin((1, 2, 3), keepdim=True)
        span = filters.amax((1, 2, 3), keepdim=True) - low
        return torch.where(span > 0, (filters - low) / span, 0.5)
        ### END SOLUTION

# %%
check("01.2", scale_filters)

# %%
sum(range(10))
'''


@pytest.fixture
def course(tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "01_small.py").write_text(SMALL)
    return tmp_path


def make(course, **options):
    return build([course / "solutions" / "01_small.py"], course / "notebooks", **options)


def cells(path):
    return {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}


def test_stubs_stand_where_solutions_were_and_indentation_is_kept(course):
    found = {cell.id: cell for cell in student_notebook(course / "solutions" / "01_small.py").cells}
    assert found["01-1-task"].source.endswith(
        '    # TODO 01.1: find it\n    raise NotImplementedError("TODO 01.1")'
    )
    assert found["01-2-task"].source.endswith('    if True:\n        raise NotImplementedError("TODO 01.2")')
    assert "SOLUTION" not in nbformat.writes(student_notebook(course / "solutions" / "01_small.py"))


def test_the_released_stage_holds_no_line_of_a_solution():
    text = nbformat.writes(released())
    for cell in source.read(STAGE_01).cells:
        if is_task(cell):
            inside = cell.source.split(source.BEGIN)[1].split(source.END)[0]
            code = [
                line.strip() for line in inside.splitlines() if len(line.strip()) > 25 and "return" in line
            ]
            assert not any(line in text for line in code)


def test_headings_and_the_overview_come_from_the_exercises():
    text = "\n".join(cell.source for cell in released().cells)
    for exercise in exercises("01"):
        place = f'<a id="exercise-{exercise.slug}"></a>'  # to which the table links
        assert f"### Exercise {exercise.id} · {exercise.title} {place}\n\n*" in text
        path = "core path" if exercise.core else "beyond the core path"
        assert f"about {exercise.minutes} minutes, {path}*\n\n" in text  # a paragraph of its own
        mark = "●" if exercise.core else ""
        anchor = f"exercise-{exercise.slug}"
        row = f"| [{exercise.id}](#{anchor}) | {exercise.title} | {mark} | {exercise.points} | {exercise.minutes} |"
        assert row in text
    assert f"about {sum(e.minutes for e in exercises('01'))} minutes" in text


def test_tasks_and_checks_carry_nbgraders_metadata(course):
    found = {cell.id: cell.metadata for cell in student_notebook(course / "solutions" / "01_small.py").cells}
    task, check = found["01-1-task"]["nbgrader"], found["01-1-check"]["nbgrader"]
    assert (task["solution"], task["grade"], task["locked"]) == (True, False, False)
    assert (check["solution"], check["grade"], check["locked"], check["points"]) == (False, True, True, 1)
    assert task["schema_version"] == check["schema_version"] == 3
    assert {task["grade_id"], check["grade_id"]} == {"01-1-task", "01-1-check"}


def test_building_twice_changes_nothing(course):
    first = make(course)
    assert all(built.changed for built in first)
    before = {built.path: built.path.read_bytes() for built in first}
    assert not any(built.changed for built in make(course))
    assert {path: path.read_bytes() for path in before} == before
    make(course, again=True)  # and executing anew gives the same outputs
    assert {path: path.read_bytes() for path in before} == before
    assert stale([course / "solutions" / "01_small.py"], course / "notebooks") == []


@pytest.mark.parametrize(
    "as_saved",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
    ],
    ids=["CRLF", "byte-order mark", "both"],
)
def test_a_source_as_other_systems_save_it_is_the_same_source(course, as_saved):
    make(course)
    source = course / "solutions" / "01_small.py"
    before = student_notebook(source)
    source.write_bytes(as_saved(source.read_text()))
    assert student_notebook(source) == before  # its first cell, too
    assert stale([source], course / "notebooks") == []


def test_a_changed_exercise_changes_its_own_cells_only(course):
    make(course)
    paths = [course / "notebooks" / "01_small.ipynb", course / "solutions" / "01_small.ipynb"]
    before = [cells(path) for path in paths]
    (course / "solutions" / "01_small.py").write_text(SMALL.replace("FILTERS", "each filter by itself"))
    assert stale([course / "solutions" / "01_small.py"], course / "notebooks") == paths
    make(course)
    for path, old in zip(paths, before, strict=True):
        new = cells(path)
        assert list(new) == list(old)
        assert [cell_id for cell_id in new if new[cell_id] != old[cell_id]] == ["01-2-task"]


def test_other_text_around_the_same_code_leaves_the_outputs_as_they_are(course):
    make(course)
    path, place = course / "solutions" / "01_small.py", course / "solutions" / "01_small.ipynb"
    marked = nbformat.read(place, as_version=4)
    marked.cells[-1].outputs[0].data["text/plain"] = "as it was"
    nbformat.write(marked, place)
    path.write_text(SMALL.replace("# # Small", "# # Tiny\n#\n# Of ten numbers."))
    assert place in stale([path], course / "notebooks")
    said = []
    make(course, say=said.append)
    found = nbformat.read(place, as_version=4)
    assert found.cells[0].source.startswith("# Tiny\n\nOf ten numbers.\n\n| exercise")
    assert (found.cells[-1].outputs, said) == (marked.cells[-1].outputs, [])
    assert stale([path], course / "notebooks") == []
    path.write_text(SMALL.replace("range(10)", "range(11)"))
    make(course, say=said.append)
    assert said == ["executing 01_small.ipynb"]
    assert nbformat.read(place, as_version=4).cells[-1].outputs[0].data["text/plain"] == "55"


def test_a_new_cell_changes_no_other(course):
    path = course / "solutions" / "01_small.py"
    before = {cell.id for cell in source.read(path).cells}
    path.write_text(SMALL.replace("# %%\nimport torch", "# %%\nx = 1\n\n# %%\nimport torch"))
    after = {cell.id for cell in source.read(path).cells}
    assert before < after
    assert len(after - before) == 1


def test_answers_in_a_notebook_are_moved_aside_not_lost(course):
    make(course)
    place = course / "notebooks" / "01_small.ipynb"
    notebook = nbformat.read(place, as_version=4)
    next(
        cell for cell in notebook.cells if cell.id == "01-1-task"
    ).source = "def first_layer_filters(net): return 7"
    nbformat.write(notebook, place)
    built = make(course)[0]
    assert built.kept is not None
    assert "return 7" in built.kept.read_text()
    assert "return 7" not in place.read_text()
    place.write_text("cut short")
    assert make(course)[0].kept.read_text() == "cut short"
    assert len(list((course / "notebooks").iterdir())) == 3


def test_a_solution_that_fails_is_not_written(course):
    path = course / "solutions" / "01_small.py"
    path.write_text(SMALL.replace("sum(range(10))", "1 / 0"))
    with pytest.raises(LabError, match="ZeroDivisionError"):
        make(course)
    assert not (course / "solutions" / "01_small.ipynb").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("    ### END SOLUTION\n\n# %%\ncheck(\"01.1\"", "\n# %%\ncheck(\"01.1\""), "without '### END SOLUTION'"),
        (("# TODO 01.1: find it", "# find it"), "names no exercise"),
        (("TODO 01.1", "TODO 01.9"), "no exercise '01.9'"),
        (("    ### BEGIN", "    ### BEGIN SOLUTION\n    ### BEGIN"), "stands where it cannot"),
    ],
)  # fmt: skip
def test_a_source_with_a_slip_is_one_sentence(course, change, says):
    path = course / "solutions" / "01_small.py"
    path.write_text(SMALL.replace(*change, 1))
    with pytest.raises(LabError, match=says):
        student_notebook(path)
