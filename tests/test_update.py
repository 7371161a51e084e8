"""A working copy: put there once, brought to a newer release with all that a student has done, never at its cost."""

import json
import os
import shutil
import subprocess
import sys
from copy import deepcopy

import nbformat
import pytest
from lab import ROOT, released, solved
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from typer.testing import CliRunner

from labkit.authoring import copies
from labkit.authoring.cell_ids import fingerprint
from labkit.authoring.merging import merge
from labkit.authoring.source import _digest
from labkit.cli import app
from labkit.errors import LabError

NAME = "01_first_layer_filters.ipynb"
NOTEBOOK = released()
ANSWERS = {cell.id: cell.source for cell in solved().cells}
TASK, CHECK = "01-1-task", "01-1-check"
TEXT, SETUP = (
    next(cell.id for cell in NOTEBOOK.cells[1:] if cell.cell_type == kind and "nbgrader" not in cell.metadata)
    for kind in ("markdown", "code")
)


def cell_of(notebook, name):
    (found,) = [cell for cell in notebook.cells if cell.id == name]
    return found


def place_of(notebook, name):
    return [cell.id for cell in notebook.cells].index(name)


def newer(change):
    """The next release, in which some cells are others: those of text or code get another id, as build gives it."""
    notebook = released()
    for name, source in change.items():
        cell = cell_of(notebook, name)
        cell.source = source
        if "nbgrader" not in cell.metadata:
            cell.id = _digest(cell)
    return notebook


def base_of(notebook):
    return {cell.id: fingerprint(cell) for cell in notebook.cells}


def texts(notebook):
    return [cell.source for cell in notebook.cells]


@pytest.fixture
def mine():
    """A student's notebook: 01.1 is solved and has been run, a note and a cell of code were added after its check."""
    notebook = released()
    task = cell_of(notebook, TASK)
    task.source, task.execution_count = ANSWERS[TASK], 7
    cell_of(notebook, CHECK).outputs = [new_output("stream", text="passed")]
    after = place_of(notebook, CHECK) + 1
    notebook.cells[after:after] = [
        new_markdown_cell("my note", id="note"),
        new_code_cell("my_code = 1", id="code"),
    ]
    return notebook


@pytest.fixture
def known():
    return base_of(NOTEBOOK)


# merging ------------------------------------------------------------------------------------------------


def test_the_same_release_changes_nothing(mine, known):
    for base in (known, None):
        merged = merge(mine, NOTEBOOK, base)
        assert merged.notebook == mine
        assert (merged.changed, merged.withdrawn, merged.replaced) == ([], [], 0)


def test_answers_and_added_cells_are_kept_where_they_are_and_what_nobody_touched_is_the_releases(mine, known):
    new = newer(
        {TEXT: "Another text.", "01-2-task": "def another():\n    raise NotImplementedError('TODO 01.2')"}
    )
    merged = merge(mine, new, known)
    expected = deepcopy(mine)
    for name in (TEXT, "01-2-task"):
        expected.cells[place_of(mine, name)] = new.cells[place_of(new, _id_in(new, name))]
    assert texts(merged.notebook) == texts(expected)
    assert cell_of(merged.notebook, TASK).execution_count == 7
    assert cell_of(merged.notebook, CHECK).outputs[0].text == "passed"
    assert merged.changed == []
    nbformat.validate(merged.notebook)


def _id_in(new, name):
    ids = [cell.id for cell in new.cells]
    return name if name in ids else ids[place_of(NOTEBOOK, name)]


def test_a_task_that_has_changed_keeps_the_answer_and_shows_the_new_text_above_it_once(mine, known):
    stub = "def first_layer_filters(net, n):\n    raise NotImplementedError('TODO 01.1')"
    new = newer({TASK: stub})
    merged = merge(mine, new, known)
    assert merged.changed == ["01.1"]
    at = place_of(merged.notebook, TASK)
    assert merged.notebook.cells[at].source == ANSWERS[TASK]
    assert stub in merged.notebook.cells[at - 1].source
    again = merge(merged.notebook, newer({TASK: stub, TEXT: "And another text."}), base_of(new))
    assert again.changed == []
    assert not any(cell.id.endswith("-changed") for cell in again.notebook.cells)


def test_an_exercise_that_is_asked_no_longer_leaves_its_answer(mine, known):
    new = released()
    new.cells = [cell for cell in new.cells if cell.id not in (TASK, CHECK)]
    for base in (known, None):
        merged = merge(mine, new, base)
        assert merged.withdrawn == ["01.1"]
        (kept,) = [cell for cell in merged.notebook.cells if cell.source == ANSWERS[TASK]]
        assert kept.id != TASK
        assert "nbgrader" not in kept.metadata
        assert CHECK not in [cell.id for cell in merged.notebook.cells]


def test_text_that_a_student_changed_stays_beside_what_the_release_has_now(mine, known):
    cell_of(mine, TEXT).source += "\n\nMy answer: because."
    for base in (known, None):
        assert texts(merge(mine, NOTEBOOK, base).notebook) == texts(mine)
        found = texts(merge(mine, newer({TEXT: "Another text."}), base).notebook)
        assert "Another text." in found
        assert cell_of(mine, TEXT).source in found


def test_the_labs_code_that_a_student_changed_stays_until_the_release_changes_it(mine, known):
    cell_of(mine, SETUP).source += "\nNETWORK = 'alexnet'"
    for base in (known, None):
        assert texts(merge(mine, NOTEBOOK, base).notebook) == texts(mine)
        merged = merge(mine, newer({SETUP: "import torch"}), base)
        assert merged.replaced == 1
        assert not any("alexnet'" in source for source in texts(merged.notebook))


def test_checks_are_the_releases_with_the_points_of_the_course(mine, known):
    check = cell_of(mine, CHECK)
    check.source, check.metadata.nbgrader["points"] = "check = print", 7
    found = cell_of(merge(mine, NOTEBOOK, known).notebook, CHECK)
    assert found.source == cell_of(NOTEBOOK, CHECK).source
    assert (found.outputs, found.metadata.nbgrader["points"]) == ([], 7)


def test_the_table_of_exercises_is_the_releases(mine, known):
    new = newer({NOTEBOOK.cells[0].id: NOTEBOOK.cells[0].source.replace("core path (●)", "shorter path (●)")})
    for name in (NOTEBOOK.cells[0].id, new.cells[0].id):  # a table alone is not in the id
        new.cells[0].id = name
        for base in (known, None):
            merged = merge(mine, new, base)
            assert sum("| exercise |" in source for source in texts(merged.notebook)) == 1
            assert "shorter path" in merged.notebook.cells[0].source


def test_what_a_student_deleted_comes_back_and_their_own_function_still_counts(mine, known):
    mine.cells = [cell for cell in mine.cells if cell.id not in (TASK, TEXT, "01-3-check")]
    mine.cells.insert(place_of(mine, CHECK), new_code_cell(ANSWERS[TASK], id="own"))
    merged = merge(mine, NOTEBOOK, known).notebook
    assert {cell.id for cell in NOTEBOOK.cells} <= {cell.id for cell in merged.cells}
    assert place_of(merged, TASK) < place_of(merged, "own") < place_of(merged, CHECK)


def test_a_copy_of_a_task_is_a_cell_of_the_students_own(mine, known):
    copy = deepcopy(cell_of(mine, TASK))
    copy.id, copy.source = "copy", "def first_try(net): ..."
    mine.cells.insert(place_of(mine, TASK), copy)  # before it, so that order alone does not tell
    merged = merge(mine, NOTEBOOK, known).notebook
    assert cell_of(merged, TASK).source == ANSWERS[TASK]
    assert "nbgrader" not in cell_of(merged, "copy").metadata


def test_an_editor_that_keeps_no_ids_costs_nothing_and_doubles_nothing(mine, known):
    expected = texts(mine)
    for cell in mine.cells:
        del cell["id"]
    mine.nbformat_minor = 4
    new = newer({TEXT: "Another text."})
    merged = merge(mine, new, known).notebook
    assert texts(merged) == [
        source if source != cell_of(NOTEBOOK, TEXT).source else "Another text." for source in expected
    ]
    nbformat.validate(merged)


def test_no_line_of_a_students_is_lost_whatever_is_known(mine, known):
    """But lines put into checks, and into the lab's code where the release has another."""
    lines = []
    for number, cell in enumerate(mine.cells):
        if not cell.id.endswith("check") and cell.id != NOTEBOOK.cells[0].id:
            cell.source += f"\n# line {number}"
            lines.append(f"# line {number}")
    new = newer({TEXT: "Another text.", TASK: "def f():\n    raise NotImplementedError('TODO 01.1')"})
    for base in (known, None):
        whole = "\n".join(texts(merge(mine, new, base).notebook))
        assert [line for line in lines if line not in whole] == []


# the commands -------------------------------------------------------------------------------------------


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """As from a wheel: the course lies in the installation, and the student is in a folder of their own."""
    course, home = tmp_path / "installed" / "course", tmp_path / "my wörk"
    (course / "notebooks").mkdir(parents=True)
    home.mkdir()
    for path in sorted((ROOT / "notebooks").glob("0[123]_*.ipynb")):
        shutil.copyfile(path, course / "notebooks" / path.name)
    monkeypatch.setattr("labkit.commands.common.ROOT", tmp_path / "installed")
    monkeypatch.setattr("labkit.commands.common.CARRIED", course)
    monkeypatch.chdir(home)
    return course / "notebooks"


@pytest.fixture
def home(lab, tmp_path):
    return tmp_path / "my wörk"


def labkit(*arguments):
    done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=True)
    if done.exception and not isinstance(done.exception, SystemExit | LabError):
        raise done.exception
    return done.exit_code, done.output + str(done.exception or "")


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def solve(folder):
    path = folder / NAME
    notebook = nbformat.read(path, as_version=4)
    cell_of(notebook, TASK).source = ANSWERS[TASK]
    nbformat.write(notebook, path)
    return path.read_bytes()


def next_release(lab):
    nbformat.write(newer({TEXT: "Another text."}), lab / NAME)
    (lab / "03_activations.ipynb").rename(lab / "04_new.ipynb")


def test_lab_makes_a_copy_once_and_leaves_alone_what_is_there(lab, home):
    assert "3 notebooks are now in" in labkit("lab", "--copy-only")[1]
    assert {path.name for path in (home / "cnn-lab").glob("*.ipynb")} == {path.name for path in lab.iterdir()}
    solve(home / "cnn-lab")
    before = content(home)
    assert labkit("lab", "--copy-only") == (0, "")
    os.chdir(home / "cnn-lab")
    assert labkit("lab", "--copy-only") == (0, "")
    assert content(home) == before


def test_a_copy_that_was_cut_short_is_completed(lab, home, monkeypatch):
    real, count = copies.write_whole, iter(range(99))

    def killed(path, text):
        if next(count) == 3:
            raise KeyboardInterrupt
        real(path, text)

    monkeypatch.setattr(copies, "write_whole", killed)
    with pytest.raises(KeyboardInterrupt):
        copies.complete(home / "cnn-lab", lab)
    monkeypatch.setattr(copies, "write_whole", real)
    before = solve(home / "cnn-lab")
    assert labkit("lab", "--copy-only")[0] == 0
    assert {path.name for path in (home / "cnn-lab").glob("*.ipynb")} == {path.name for path in lab.iterdir()}
    assert (home / "cnn-lab" / NAME).read_bytes() == before


def test_a_disk_that_fills_up_while_copying_is_said_and_the_next_run_goes_on(lab, home, monkeypatch):
    def full(path, text):
        if path.name.startswith("03"):
            raise OSError(28, "No space left on device", str(path))
        real(path, text)

    real = copies.write_whole
    monkeypatch.setattr(copies, "write_whole", full)
    for _ in range(2):
        status, said = labkit("lab", "--copy-only")
        assert (status, "No space left on device" in said) == (1, True)
    monkeypatch.setattr(copies, "write_whole", real)
    assert "1 notebook is now in" in labkit("lab", "--copy-only")[1]


def test_a_handout_is_opened_as_it_is(lab, home):
    (home / "notebooks").mkdir()
    shutil.copyfile(lab / NAME, home / "notebooks" / NAME)
    assert labkit("lab", "--copy-only") == (0, "")
    assert [path.name for path in home.rglob("*") if path.is_file()] == [NAME]


@pytest.mark.parametrize("there", ["a file", "a link to nowhere"])
def test_where_no_copy_can_be_made_it_is_one_sentence(lab, home, there):
    if there == "a file":
        (home / "cnn-lab").write_text("")
    else:
        (home / "cnn-lab").symlink_to(home / "nowhere" / "at all")
    status, said = labkit("lab", "--copy-only")
    assert status != 0
    assert "cannot put the notebooks into" in said
    assert "go to a folder that is yours" in said


def test_a_folder_that_cannot_be_written_to_is_one_sentence_and_a_copy_in_it_can_still_be_opened(
    lab, home, monkeypatch
):
    def refused(path, _text):
        raise PermissionError(13, "Permission denied", str(path))

    labkit("lab", "--copy-only")
    (home / "cnn-lab" / "02_last_layer_neighbors.ipynb").unlink()
    next_release(lab)
    before = content(home)
    monkeypatch.setattr(copies, "write_whole", refused)
    status, said = labkit("lab", "--copy-only")
    assert (status, "is opened as it is" in said) == (0, True)
    status, said = labkit("update")
    assert (status, "Permission denied; no notebook is half written" in said) == (1, True)
    assert content(home) == before
    shutil.rmtree(home / "cnn-lab")
    assert "Permission denied; go to a folder" in labkit("lab", "--copy-only")[1]


def test_update_brings_newer_notebooks_keeps_the_answers_and_the_old_ones(lab, home):
    labkit("lab", "--copy-only")
    before = solve(home / "cnn-lab")
    assert "those of this lab already" in labkit("update")[1]
    next_release(lab)
    assert "labkit update brings them" in labkit("lab", "--copy-only")[1]
    (home / "cnn-lab" / "04_new.ipynb").unlink()  # which lab has added
    status, said = labkit("update")
    assert status == 0, said
    assert f"{NAME} is brought to this release" in said
    assert "04_new.ipynb is new" in said
    updated = nbformat.read(home / "cnn-lab" / NAME, as_version=4)
    assert "Another text." in texts(updated)
    assert cell_of(updated, TASK).source == ANSWERS[TASK]
    (backup,) = (home / "cnn-lab").glob("backup-*")
    assert [*content(backup).values()] == [before]
    assert (home / "cnn-lab" / "03_activations.ipynb").exists()  # that the release has no more
    after = content(home)
    assert "those of this lab already" in labkit("update")[1]
    assert content(home) == after


def test_a_dry_run_says_the_same_and_writes_nothing(lab, home):
    labkit("lab", "--copy-only")
    solve(home / "cnn-lab")
    next_release(lab)
    before = content(home)
    status, said = labkit("update", "--dry-run", home / "cnn-lab")
    assert (status, f"{NAME} would be brought" in said, "04_new.ipynb would be new" in said) == (
        0,
        True,
        True,
    )
    assert content(home) == before


@pytest.mark.parametrize(
    "spoilt", [b"", b'{"cells": [', b"<<<<<<< HEAD\n{}", b"\xff\xfe\x00", b"[]", b'{"cells": 3}', None]
)
def test_a_notebook_that_cannot_be_read_is_left_alone_and_the_others_are_brought(lab, home, spoilt):
    labkit("lab", "--copy-only")
    next_release(lab)
    nbformat.write(released(ROOT / "solutions" / "03_activations.py"), lab / "02_last_layer_neighbors.ipynb")
    place = home / "cnn-lab" / NAME
    place.unlink()
    if spoilt is None:
        place.mkdir()
    else:
        place.write_bytes(spoilt)
    status, said = labkit("update")
    assert status == 1
    assert f"{NAME} cannot be read and is left alone" in said
    assert place.is_dir() if spoilt is None else place.read_bytes() == spoilt
    assert "02_last_layer_neighbors.ipynb is brought" in said


def test_a_handout_gets_no_other_notebooks_and_a_link_stays_one(lab, home):
    (home / "notebooks").mkdir()
    (home / "elsewhere").mkdir()
    shutil.copyfile(lab / NAME, home / "elsewhere" / NAME)
    (home / "notebooks" / NAME).symlink_to(home / "elsewhere" / NAME)
    next_release(lab)
    for _ in range(2):
        assert labkit("update")[0] == 0
        assert [path.name for path in (home / "notebooks").glob("*.ipynb")] == [NAME]
    assert (home / "notebooks" / NAME).is_symlink()
    assert "Another text." in texts(nbformat.read(home / "elsewhere" / NAME, as_version=4))


def test_a_damaged_memory_of_the_release_costs_no_answer(lab, home):
    labkit("lab", "--copy-only")
    solve(home / "cnn-lab")
    (home / "cnn-lab" / copies.FILE).write_text('{"notebooks": {"01')
    next_release(lab)
    assert labkit("update")[0] == 0
    updated = nbformat.read(home / "cnn-lab" / NAME, as_version=4)
    assert (cell_of(updated, TASK).source, "Another text." in texts(updated)) == (ANSWERS[TASK], True)


def test_what_cannot_be_updated_is_one_sentence(lab, home):
    assert "labkit lab puts them here" in labkit("update")[1]
    assert "no folder" in labkit("update", home / "nowhere")[1]
    assert "belongs to the installation" in labkit("update", lab)[1]
    shutil.rmtree(lab)
    for command in ("lab", "update"):
        assert isinstance(CliRunner().invoke(app, [command]).exception, LabError)


def test_the_clones_own_notebooks_come_by_git(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert "git pull brings newer notebooks" in labkit("update")[1]


def test_a_real_kill_in_the_middle_of_copying_leaves_a_folder_that_the_next_run_completes(lab, home):
    code = (
        "import os, sys; from pathlib import Path; from labkit.authoring import copies\n"
        "real, count = copies.write_whole, iter(range(99))\n"
        "copies.write_whole = lambda *a: real(*a) if next(count) < 2 else os._exit(9)\n"
        "copies.complete(Path('cnn-lab'), Path(sys.argv[1]))"
    )
    assert subprocess.run([sys.executable, "-c", code, lab], cwd=home).returncode == 9
    assert len([*(home / "cnn-lab").glob("*.ipynb")]) == 1
    assert "2 notebooks are now in" in labkit("lab", "--copy-only")[1]
    assert json.loads((home / "cnn-lab" / copies.FILE).read_text())["whole"] is True
