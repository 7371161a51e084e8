"""What `labkit lab` adds to a folder: the page that it opens with, and, out of sight, the solved notebooks."""

import re
import shutil
import time
from types import SimpleNamespace
from urllib.parse import unquote

import nbformat
import pytest
from lab import ROOT, released, solved
from markdown_it import MarkdownIt

from labkit import models
from labkit.authoring import solved as solved_notebooks
from labkit.authoring.build import solution_notebook
from labkit.authoring.solved import put_solved
from labkit.commands import common
from labkit.commands import lab as command
from labkit.commands.start_page import FILE, write_start_page
from labkit.exercises import exercises, find, rendered, stages
from labkit.exercises.memory import Said, append
from labkit.exercises.texts import fingerprint
from labkit.grading.collecting import collect

NAME = "01_first_layer_filters.ipynb"


@pytest.fixture
def folder(tmp_path):
    """A student's folder: stage 01 solved and saved, stage 02 as it is handed out."""
    place = tmp_path / "my wörk"
    place.mkdir()
    nbformat.write(solved(), place / NAME)
    nbformat.write(released(ROOT / "solutions" / "02_last_layer_neighbors.py"), place / "02 (mine) | b.ipynb")
    return place


def passed(folder, *ids):
    cells = {cell.id: cell.source for cell in solved().cells}
    for exercise in map(find, ids):
        text = fingerprint(cells[f"{exercise.slug}-task"])
        append(Said(exercise.id, exercise.title, True, text, time.time() - 60), folder)


def shown(folder):
    """The page as HTML, as Jupyter makes it."""
    page = write_start_page(folder)
    assert page == folder / FILE
    return MarkdownIt("commonmark").enable("table").render(page.read_text(encoding="utf-8"))


def test_the_page_says_the_stages_where_you_are_and_what_is_next(folder):
    minutes = sum(exercise.minutes for exercise in exercises("01"))
    page = shown(folder)
    assert "Begin with" in page
    assert f'○○○○○○ 0 of 6</td>\n<td style="text-align:right">1 h {minutes - 60} min</td>' in page
    passed(folder, "01.1", "01.3")
    page = shown(folder)
    assert "✓○✓○○○ 2 of 6" in page
    assert "Go on with" in page
    assert "01.2 " in page
    assert f"The whole lab: 2 of {sum(len(exercises(stage)) for stage in stages())} exercises pass" in page
    passed(folder, *(exercise.id for exercise in exercises("01")))
    assert "✓✓✓✓✓✓ 6 of 6" in shown(folder)
    assert ">done</td>" in shown(folder)


def test_every_link_leads_to_a_notebook_and_to_a_cell_in_it_whatever_it_is_called(folder):
    links = re.findall(r'href="([^"]+)"', shown(folder))
    assert len(links) == 3
    for link in links:
        name, _, cell = unquote(link).partition("#cell-id=")
        notebook = nbformat.read(folder / name, as_version=4)
        assert not cell or "### Exercise 01.1 " in next(c.source for c in notebook.cells if c.id == cell)


def test_the_page_says_what_is_missing(folder, monkeypatch):
    absent = ", ".join(stage for stage in stages() if stage not in ("01", "02"))
    assert f"No notebook of stage {absent} is in this folder." in shown(folder)
    monkeypatch.setattr(models, "available", lambda: models.EMBEDDED)
    assert "alexnet (233 MB), vgg16" in shown(folder)
    monkeypatch.setattr(models, "available", lambda: tuple(models.NETWORKS))
    assert "MB" not in shown(folder)
    append(Said("01.2", find("01.2").title, True, "another text", 1.0), folder)
    assert "01.2: passed, but changed since" in shown(folder)


def test_a_page_of_the_students_own_and_other_folders_stay_as_they_are(folder, tmp_path):
    (folder / FILE).write_text("# My notes\n")
    assert write_start_page(folder) is None
    assert (folder / FILE).read_text() == "# My notes\n"
    (tmp_path / "other").mkdir()
    assert write_start_page(tmp_path / "other") is None
    assert list((tmp_path / "other").iterdir()) == []


def test_where_nothing_can_be_written_the_lab_opens_without_a_page(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("labkit.commands.start_page.write_whole", refuse)
    assert write_start_page(folder) is None
    assert not any("default_url" in word for word in command._command(folder, True, 8888))


def test_the_lab_opens_with_the_page_and_shows_a_clones_solutions_beside_the_notebooks(folder, monkeypatch):
    words = command._command(folder, False, 8888)
    assert f"--ServerApp.root_dir={folder.resolve()}" in words
    assert "--LabApp.default_url=/lab/tree/START.md" in words
    clone = folder.parent
    folder = folder.rename(clone / "notebooks")
    (clone / "solutions").mkdir()
    (clone / "pyproject.toml").touch()
    monkeypatch.setattr(common, "ROOT", clone)
    monkeypatch.setattr(command, "ROOT", clone)
    words = command._command(folder, False, 8888)
    assert f"--ServerApp.root_dir={clone.resolve()}" in words
    assert "--ContentsManager.preferred_dir=notebooks" in words
    assert "--LabApp.default_url=/lab/tree/notebooks/START.md" in words


# the solved notebooks


@pytest.fixture
def sources(tmp_path):
    place = tmp_path / "sources"
    place.mkdir()
    shutil.copyfile(ROOT / "solutions" / "01_first_layer_filters.py", place / "01_first_layer_filters.py")
    return place


def test_the_solved_notebooks_are_put_there_once_and_anew_with_another_release(folder, sources, monkeypatch):
    (place,) = put_solved(folder, sources).iterdir()
    assert nbformat.read(place, as_version=4) == solution_notebook(sources / "01_first_layer_filters.py")
    monkeypatch.setattr(solved_notebooks, "write_whole", None)  # nothing is written where it is there
    assert put_solved(folder, sources) == place.parent
    monkeypatch.undo()
    source = sources / "01_first_layer_filters.py"
    source.write_text(source.read_text().replace("# # 01", "# # New: 01"))
    put_solved(folder, sources)
    assert nbformat.read(place, as_version=4).cells[0].source.startswith("# New: 01")
    place.write_text("cut short")
    put_solved(folder, sources)
    assert nbformat.read(place, as_version=4).cells


def test_where_no_sources_came_along_there_are_no_solved_notebooks(folder, tmp_path):
    before = {*folder.iterdir()}
    assert put_solved(folder, tmp_path / "nowhere") is None
    assert {*folder.iterdir()} == before


def test_a_hint_ends_with_the_solved_notebook_where_the_lab_has_put_one(folder, sources, monkeypatch):
    shell = SimpleNamespace(user_ns={}, starting_dir=str(folder))
    monkeypatch.setattr(rendered, "students_shell", lambda: shell)
    monkeypatch.setattr(rendered, "_roots", lambda _shell: [folder])
    monkeypatch.delenv(rendered.SOLVED, raising=False)
    assert rendered.solution_of(find("01.2")) is None
    monkeypatch.setenv(rendered.SOLVED, str(put_solved(folder, sources)))
    address = rendered.solution_of(find("01.2"))
    assert address == ".labkit-solved/01_first_layer_filters_solved.ipynb#cell-id=01-2-task"
    cells = nbformat.read(folder / address.partition("#")[0], as_version=4).cells
    assert "return torch.where" in next(cell.source for cell in cells if cell.id == "01-2-task")
    assert rendered.solution_of(find("02.1")) is None  # of which there is no solved notebook here


def test_solved_notebooks_are_nobodys_submission(folder, sources, tmp_path):
    for name in ("ada", "ben"):
        place = tmp_path / "class" / name
        place.mkdir(parents=True)
        nbformat.write(released(), place / NAME)
        put_solved(place, sources)
    collected = collect(tmp_path / "class", stages=["01"])
    assert [work.student for work in collected.handed_in] == ["ada", "ben"]
    for work in collected.handed_in:
        assert [cell.source for cell in work.notebook.cells] == [cell.source for cell in released().cells]
