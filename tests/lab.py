"""What several tests need: released and solved notebooks, made from the sources, never from the working copy."""

import subprocess
import sys
from copy import deepcopy
from functools import cache
from itertools import count
from pathlib import Path
from textwrap import dedent

import nbformat
import torch

from labkit.authoring import source
from labkit.authoring.build import is_task, student_notebook
from labkit.authoring.reference import defined

ROOT = Path(__file__).parent.parent
STAGE_01 = ROOT / "solutions" / "01_first_layer_filters.py"
CELLS = count()


def released(path=STAGE_01):
    """A student's copy as it is handed out."""
    return deepcopy(_released(path))


@cache  # reading a source takes a part of a second, and some tests ask a hundred times
def _released(path):
    return student_notebook(path)


def solved(path=STAGE_01):
    """The released copy with every task cell filled in, and nothing else changed."""
    answers = _answers(path)
    notebook = released(path)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    return notebook


@cache
def _answers(path):
    return {cell.id: source.without_markers(cell.source) for cell in source.read(path).cells if is_task(cell)}


def with_cell(notebook, cell_id, code):
    """A copy in which one cell has other code."""
    changed = deepcopy(notebook)
    (cell,) = [cell for cell in changed.cells if cell.id == cell_id]
    cell.source = code
    return changed


def slim(notebook):
    """A copy without the cells that only show: set-up, tasks and checks stay, and it runs in seconds."""
    kept = deepcopy(notebook)
    code = [cell for cell in kept.cells if cell.cell_type == "code"]
    kept.cells = [code[0], *(cell for cell in code if "nbgrader" in cell.metadata)]
    return kept


def mistaken(exercise, mistake, function):
    """The code of a task cell that makes one of the listed mistakes."""
    return (
        "from labkit.exercises import find\n"
        f"{function} = next(m for m in find({exercise.id!r}).mistakes if m.name == {mistake.name!r}).wrong"
    )


def written(code, name, **names):
    """A function as a notebook's cell defines it, text included."""
    return defined(name, dedent(code), f"<cell {next(CELLS)}>", {"torch": torch, **names})


def function_of(notebook, exercise):
    """The name that the exercise's check cell hands over."""
    (check,) = [cell for cell in notebook.cells if cell.id == f"{exercise.slug}-check"]
    return check.source.partition(",")[2].strip(" )\n")


def nbval(notebook, folder):
    """Run plain `pytest --nbval-lax` on a notebook, as the README says: number of code cell -> what it died of."""
    (died,) = nbval_on_each({"notebook": notebook}, folder).values()
    return died


def nbval_on_each(notebooks, folder):
    """The same on several, by their names, one after the other."""
    paths = {name: folder / f"{name}.ipynb" for name in notebooks}
    for name, notebook in notebooks.items():
        nbformat.write(notebook, paths[name])
    report = folder / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval-lax",
        f"--junitxml={report}",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        [*command, "-c", "/dev/null", f"--rootdir={folder}", *paths.values()],
        capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    from xml.etree import ElementTree

    died = {name: {} for name in notebooks}
    for case in ElementTree.parse(report).iter("testcase"):
        if len(case):
            name = next(name for name in notebooks if name in case.get("classname"))
            died[name][int(case.get("name").rpartition(" ")[2])] = "".join(part.text or "" for part in case)
    return died
