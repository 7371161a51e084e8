"""nbgrader for real, where LABKIT_NBGRADER names its command: from our --nbgrader tree to grades and feedback."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from lab import ROOT, mistaken, released, solved, with_cell
from light import light_source

from labkit.authoring.release import plan, release
from labkit.exercises import exercises, find, stages

NBGRADER = os.environ.get("LABKIT_NBGRADER", "")
needs_nbgrader = pytest.mark.skipif(not Path(NBGRADER).is_file(), reason="LABKIT_NBGRADER names no nbgrader")
STAGE = "03_activations"
POINTS = sum(exercise.points for exercise in exercises("03"))


def test_where_nbgrader_is_required_it_is_there():
    if os.environ.get("LABKIT_REQUIRE_NBGRADER"):
        assert Path(NBGRADER).is_file(), "nbgrader is required here; LABKIT_NBGRADER names its command"


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory):
    """Run nbgrader in a course root, with a kernel that has the lab; what it said."""
    kernels = tmp_path_factory.mktemp("jupyter")
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "language": "python",
    }
    (kernels / "kernels" / "python3").mkdir(parents=True)
    (kernels / "kernels" / "python3" / "kernel.json").write_text(
        json.dumps({**spec, "display_name": "Python 3"})
    )
    private = dict.fromkeys(
        ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"), str(kernels)
    )
    environment = {**os.environ, **private, "JUPYTER_PATH": str(kernels), "OMP_NUM_THREADS": "1"}
    environment["PATH"] = (
        f"{Path(NBGRADER).parent}{os.pathsep}{os.environ['PATH']}"  # it calls alembic by name
    )
    environment["TORCH_HOME"] = os.environ.get("TORCH_HOME", str(Path("~/.cache/torch").expanduser()))

    def run(root, *arguments):
        done = subprocess.run(
            [NBGRADER, *arguments], cwd=root, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def without_checksum(notebook):
    """nbgrader's release without what it adds to each of its cells."""
    for cell in notebook.cells:
        cell.metadata.get("nbgrader", {}).pop("checksum", None)
    return notebook


@needs_nbgrader
@pytest.mark.slow
def test_nbgraders_release_of_every_stage_is_ours_cell_by_cell(nbgrader, tmp_path):
    release(plan(ROOT / "solutions"), tmp_path / "fall", zip_too=False, nbgrader=True)
    root = tmp_path / "fall-nbgrader"
    nbgrader(root, "generate_assignment", "--assignment=*")
    ours = sorted((tmp_path / "fall" / "notebooks").iterdir())
    assert len(ours) == len(stages())
    for path in ours:
        theirs = nbformat.read(root / "release" / path.stem / path.name, as_version=4)
        assert without_checksum(theirs) == nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def graded(nbgrader, tmp_path_factory):
    """A course root after a week: three students, right, wrong in one exercise, untouched."""
    place = tmp_path_factory.mktemp("course")
    sources = light_source(place / "solutions")
    release(plan(sources, course="Seeing"), place / "fall", zip_too=False, nbgrader=True)
    root = place / "fall-nbgrader"
    nbgrader(root, "generate_assignment", STAGE)
    for student, notebook in students(sources / f"{STAGE}.py").items():
        folder = root / "submitted" / student / STAGE
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{STAGE}.ipynb")
    nbgrader(root, "autograde", STAGE)
    nbgrader(root, "generate_feedback", STAGE)
    nbgrader(root, "export")
    return root


def students(path):
    wrong = find("03.2")
    code = mistaken(wrong, wrong.mistakes[0], "grey_maps")
    right = solved(path)
    return {"ada": right, "ben": with_cell(right, "03-2-task", code), "cem": released(path)}


@needs_nbgrader
@pytest.mark.slow
def test_nbgraders_scores_are_the_right_ones(graded):
    rows = {row["student_id"]: row for row in csv.DictReader((graded / "grades.csv").open())}
    assert {student: float(row["raw_score"]) for student, row in rows.items()} == {
        "ada": POINTS, "ben": POINTS - find("03.2").points, "cem": 0,
    }  # fmt: skip
    assert {float(row["max_score"]) for row in rows.values()} == {POINTS}


@needs_nbgrader
@pytest.mark.slow
def test_nbgraders_feedback_holds_our_lesson_and_says_what_is_open(graded):
    pages = {
        student: (graded / "feedback" / student / STAGE / f"{STAGE}.html").read_text()
        for student in ("ada", "ben", "cem")
    }
    assert pages["ada"].count("passed") >= 5
    assert "Likely cause" in pages["ben"]
    assert "not attempted" in pages["cem"]
