"""The exercises as a collection: one file each, found by being there, and a new one is a copy of an old one."""

import ast
import os
import re
import shutil
import subprocess
import sys
from textwrap import dedent

import pytest
from lab import ROOT

from labkit.errors import LabError
from labkit.exercises import exercises, find, stages

LABKIT = ROOT / "labkit"
FILES = sorted((LABKIT / "exercises").glob("stage_*/ex*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_file_holds_the_exercise_that_its_name_says(path):
    exercise = find(f"{path.parent.name[-2:]}.{path.stem[2]}")
    assert path.read_text().startswith(f'"""{exercise.id} ')
    assert f'id="{exercise.id}"' in path.read_text()


def test_every_exercise_has_its_file():
    assert len(FILES) == sum(len(exercises(stage)) for stage in stages())


def test_an_unknown_exercise_or_stage_is_told_what_there_is():
    with pytest.raises(LabError, match=r"no exercise '01.9'; try one of .*'01.6'"):
        find("01.9")
    with pytest.raises(LabError, match=r"no exercise 'saliency'; try one of .*'00.1'"):
        find("saliency")
    with pytest.raises(LabError, match=r"no stage '9'; there are 00, 01"):
        exercises("9")


ADDED = """
    from pathlib import Path
    from labkit.authoring import source
    from labkit.authoring.build import student_notebook
    from labkit.exercises import check, find, hint

    path = Path("solutions/01_first_layer_filters.py")
    cells = {cell.id: cell.source for cell in source.read(path).cells}
    assert "raise NotImplementedError(\\"TODO 01.7\\")" in "".join(c.source for c in student_notebook(path).cells)
    assert "| [01.7](#exercise-01-7) | Scale each filter again |" in "".join(cells.values())
    names = {}
    exec("import torch", names)
    exec(source.without_markers(cells["01-7-task"]), names)
    check("01.7", names["scale_filters"])
    hint("01.7")
    try:
        check("01.7", lambda filters: filters)
    except Exception as wrong:
        print(wrong)
"""


def test_a_new_exercise_is_a_copy_of_a_file_and_of_a_section_of_the_notebook(tmp_path):
    """What CONTRIBUTING.md describes, step by step, in a copy of the project."""
    for folder in ("labkit", "solutions"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.ipynb")
        )
    stage = tmp_path / "labkit" / "exercises" / "stage_01"
    file = (stage / "ex2_scale_filters.py").read_text().replace("01.2", "01.7")
    (stage / "ex7_scale_again.py").write_text(
        file.replace("Scale each filter for display", "Scale each filter again")
    )
    notebook = tmp_path / "solutions" / "01_first_layer_filters.py"
    cells = re.split(r"(?m)^(?=# %%)", notebook.read_text())
    section = [cell for cell in cells if re.search(r"Exercise 01\.2|TODO 01\.2|check\(\"01\.2\"", cell)]
    assert len(section) == 3
    notebook.write_text(notebook.read_text() + "\n" + "".join(section).replace("01.2", "01.7"))

    run = subprocess.run(
        [sys.executable, "-c", dedent(ADDED)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert run.returncode == 0, run.stderr
    assert "✓ 01.7 Scale each filter again: passed" in run.stdout
    assert "Hint 1 of" in run.stdout
    assert "✗ 01.7 Scale each filter again: wrong" in run.stdout


SOURCES = sorted(LABKIT.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(LABKIT)))
def test_no_file_is_longer_than_200_lines_and_no_function_longer_than_30(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 200
    functions = (
        n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert {f.name: n for f in functions if (n := f.end_lineno - f.lineno + 1) > 30} == {}


def test_the_core_path_is_the_course_in_three_hours():
    core = [exercise for stage in stages() for exercise in exercises(stage) if exercise.core]
    assert 15 <= len(core) <= 18
    assert 150 <= sum(exercise.minutes for exercise in core) <= 195
    assert {exercise.stage for exercise in core} == set(stages()) - {"00"}  # a review, which can be skipped
