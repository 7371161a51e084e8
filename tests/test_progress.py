"""Progress: what checks say is remembered, and held against what the notebooks hold now."""

import json
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from lab import released, solved, with_cell

from labkit.exercises import find, memory, stages
from labkit.exercises.memory import FILE, Said, append, is_kept, recall
from labkit.exercises.standings import How, Progress, Standing, duration, how_it_stands, progress_in
from labkit.exercises.texts import Notebook, fingerprint, read_notebooks, text_of

NAME = "01_first_layer_filters.ipynb"


def said(exercise_id="01.2", passed=True, text="", *, after=0.0, title=None):
    """What a check says some seconds after the notebooks were saved."""
    return Said(exercise_id, title or find(exercise_id).title, passed, text, time.time() + after)


def code_of(notebook, cell_id):
    (cell,) = [cell for cell in notebook.cells if cell.id == cell_id]
    return cell.source


@pytest.fixture
def folder(tmp_path):
    """A student's folder: stage 01 solved but for 01.1, as it is saved; no check has been run."""
    stub = code_of(released(), "01-1-task")
    nbformat.write(with_cell(solved(), "01-1-task", stub), tmp_path / NAME)
    return tmp_path


# remembering


def test_what_a_check_said_is_read_back_in_order(tmp_path):
    first, second = said(passed=False), said("05.1", text="abc")
    append(first, tmp_path)
    append(second, tmp_path)
    assert recall(tmp_path) == [first, second]
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "damage",
    [
        b'\n{"exercise": "01.2", "title": "Sca',  # the process was killed half-way
        b"\n\xff\xfe\x00\x00",
        b"\nnull",
        b'\n["01.2"]',
        b'\n{"exercise": "01.2"}',
        b'\n{"exercise": 1, "title": "", "passed": "yes", "text": "", "time": 0}',
        b"\n" + b"[" * 100_000,
    ],
)
def test_a_damaged_line_costs_itself_alone(tmp_path, damage):
    first, second = said(), said("01.3")
    append(first, tmp_path)
    with (tmp_path / FILE).open("ab") as file:
        file.write(damage)
    append(second, tmp_path)
    assert recall(tmp_path) == [first, second]


def test_lines_of_another_version_are_left_where_they_are_and_claim_nothing(folder):
    newer = {**vars(said("01.3")), "seconds": 12.5}
    unknown = vars(Said("99.1", "Not yet invented", True, "", 0.0))
    renamed = vars(said("01.4", title="What 01.4 was in another year"))
    lines = "".join(f"\n{json.dumps(line)}" for line in (newer, unknown, renamed))
    (folder / FILE).write_text(lines)
    append(said("01.5"), folder)
    assert (folder / FILE).read_text().startswith(lines)
    assert passing(folder) == {"01.3", "01.5"}


WRITE = """
import sys
from pathlib import Path
from labkit.exercises.memory import Said, append
for number in range(300):
    append(Said("01.2", sys.argv[2] * 50, True, str(number), 0.0), Path(sys.argv[1]))
"""


def test_two_kernels_that_write_at_once_lose_nothing(tmp_path):
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, tmp_path, name]) for name in "ab"]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    found = recall(tmp_path)
    for name in "ab":
        assert [one.text for one in found if one.title == name * 50] == [str(n) for n in range(300)]


def test_where_the_folder_cannot_be_written_to_this_kernel_alone_remembers(tmp_path):
    (
        tmp_path / FILE
    ).mkdir()  # a folder in the file's place, since tests may run as somebody who may write anywhere
    assert is_kept(tmp_path)
    append(said(), tmp_path)
    assert [one.exercise for one in recall(tmp_path)] == ["01.2"]
    assert not is_kept(tmp_path)
    assert is_kept(tmp_path.parent)


def test_the_labs_own_functions_are_not_the_students_and_vs_code_says_where_its_notebook_is(
    tmp_path, monkeypatch
):
    (tmp_path / "lab").mkdir()
    names = {"__vsc_ipynb_file__": str(tmp_path / "lab" / "01.ipynb")}
    for shell, place in (
        (SimpleNamespace(starting_dir=str(tmp_path), user_ns={}), tmp_path),
        (SimpleNamespace(starting_dir=str(tmp_path), user_ns=names), tmp_path / "lab"),
    ):
        monkeypatch.setattr(memory, "students_shell", lambda shell=shell: shell)
        memory.remember(find("01.2"), fingerprint, passed=True)
        assert recall(place) == []
        memory.remember(find("01.2"), said, passed=True)
        assert [(one.exercise, one.passed, one.text) for one in recall(place)] == [("01.2", True, "")]


# held against the notebooks


def passing(folder):
    return {standing.exercise.id for standing in progress_in(folder).standings if standing.passes}


CELL = "def f(x):\n    return x + 1"


@pytest.mark.parametrize(
    "alike",
    [
        "# why\ndef f(x):  # what\n\n    return (x + 1)\n\n",
        "def f( x ):\n        return x+1",
        "    def f(x):\n        return x + 1",
    ],
)
def test_comments_and_layout_are_not_the_text_of_an_answer(alike):
    assert fingerprint(alike) == fingerprint(CELL) != ""


@pytest.mark.parametrize("other", [CELL.replace("1", "2"), f"{CELL}\ny = 2", f"%%time\n{CELL}"])
def test_another_answer_has_another_text(other):
    assert fingerprint(other) not in ("", fingerprint(CELL))


@pytest.mark.parametrize("nothing", ["", "# TODO", "def f(x:", "\0"])
def test_what_is_no_python_has_no_text(nothing):
    assert fingerprint(nothing) == ""


def test_a_function_that_is_from_no_cell_has_no_text():
    circle = lambda x: x
    circle.__wrapped__ = circle
    for function in (said, len, time.time, HTMLParser, circle, "scale_filters"):
        assert text_of(function) == ""


A, B = fingerprint("a = 1"), fingerprint("b = 1")


@pytest.mark.parametrize(
    ("checks", "saved", "how"),
    [
        ([], [A], How.OPEN),
        ([(A, True, -9)], [A], How.PASSES),
        ([(A, False, -9)], [A], How.OPEN),
        ([(A, True, -9), (A, False, -8)], [A], How.OPEN),  # the latest counts
        ([(A, False, -9), (A, True, -8)], [A], How.PASSES),
        ([(A, True, -9)], [B], How.CHANGED),  # edited since, and saved
        ([(A, False, -9)], [B], How.OPEN),
        ([(A, True, -9), (B, False, -8)], [B], How.OPEN),  # edited since, checked, and wrong
        ([(A, True, -9), (B, False, -8)], [A], How.PASSES),  # and taken back
        ([(A, True, 9)], [B], How.NOT_SAVED),  # passed a moment ago
        ([(B, True, -9), (A, False, 9)], [B], How.OPEN),  # failed a moment ago
        ([(A, True, 9)], [A], How.PASSES),  # asked again, nothing to save
        ([("", True, -9)], [B], How.PASSES),  # no text to compare, such as of functools.partial
        ([(A, True, -9), ("", False, -8)], [A], How.OPEN),
        ([(A, True, -9)], None, How.PASSES),  # the notebook is elsewhere
        ([(A, False, -9)], None, How.OPEN),
    ],
)
def test_an_exercise_passes_if_the_latest_check_of_what_is_saved_has_passed(tmp_path, checks, saved, how):
    notebooks = (
        [] if saved is None else [Notebook(tmp_path / "01.ipynb", time.time(), texts=frozenset(saved))]
    )
    assert how_it_stands([said("01.2", ok, text, after=at) for text, ok, at in checks], notebooks) == how


def test_a_pristine_copy_beside_a_solved_notebook_takes_nothing_away(folder):
    nbformat.write(released(), folder / NAME.replace(".ipynb", "-Copy1.ipynb"))
    solution, stub = (code_of(notebook, "01-2-task") for notebook in (solved(), released()))
    append(said(text=fingerprint(solution), after=-60), folder)
    append(said(passed=False, text=fingerprint(stub), after=-30), folder)
    assert passing(folder) == {"01.2"}
    assert progress_in(folder).of_stage("01").notebook.path.name == NAME


def test_a_copy_of_the_folder_brings_its_progress_along_and_a_fresh_one_has_none(folder, tmp_path_factory):
    append(said(text=fingerprint(code_of(solved(), "01-2-task")), after=-60), folder)
    fresh = tmp_path_factory.mktemp("fresh")
    nbformat.write(released(), fresh / NAME)
    assert passing(fresh) == set()
    (fresh / FILE).write_bytes((folder / FILE).read_bytes())
    assert passing(fresh) == set()  # the answer is not there
    nbformat.write(solved(), fresh / NAME)
    assert passing(fresh) == {"01.2"}


def test_files_that_are_no_notebooks_of_the_lab_are_passed_over(folder):
    (folder / "cut.ipynb").write_text('{"cells": [{"cell_type": "code", "sour')
    (folder / "odd.ipynb").write_text('{"cells": [1, null]}')
    (folder / "binary.ipynb").write_bytes(bytes(range(256)))
    (folder / "a_folder.ipynb").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), folder / "mine.ipynb")
    assert [notebook.path.name for notebook in read_notebooks(folder)] == [NAME]
    assert read_notebooks(folder)[0].title == "01 · First-layer filters"
    assert read_notebooks(folder)[0].sections.keys() == {f"01.{number}" for number in range(1, 7)}


def progress_with(*passed):
    """The course of somebody whose checks of these exercises pass."""
    known = progress_in(Path("/no/such/folder")).standings
    states = {True: How.PASSES, False: How.OPEN}
    return Progress(tuple(Standing(one.exercise, states[one.exercise.id in passed]) for one in known))


def test_sums_and_what_is_next():
    course = progress_with("01.1", "01.2", "01.3", "00.1")
    assert (course.passed, course.total) == (4, len(course.standings))
    assert course.of_stage("01").points == (
        4,
        sum(s.exercise.points for s in course.of_stage("01").standings),
    )
    assert course.of_stage("01").minutes_left == 8 + 15 + 15
    assert (course.core.passed, course.next.exercise.id) == (
        2,
        "02.1",
    )  # the rest of 01 is not on the core path
    assert course.of_stage("01").next.exercise.id == "01.4"
    assert list(course.stages) == list(stages())
    everything = progress_with(*(standing.exercise.id for standing in course.standings))
    assert (everything.next, everything.minutes_left) == (None, 0)


def test_minutes_as_one_reads_them():
    assert [duration(minutes) for minutes in (0, 5, 60, 125)] == ["0 min", "5 min", "1 h", "2 h 5 min"]
