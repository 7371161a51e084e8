"""Gradescope's autograder.zip, run as its documentation says, in a scratch root in place of /autograder."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import nbformat
import pytest
from lab import released, solved, with_cell
from light import STAGE_03, light_source

from labkit.authoring.release import plan, release
from labkit.checks.answer import State
from labkit.errors import LabError
from labkit.exercises import exercises, find
from labkit.grading import gradescope
from labkit.grading.executing import isolation
from labkit.grading.one_submission import limits_here, of_one_student
from labkit.grading.records import Outcome, Result

POINTS = {exercise.id: exercise.points for exercise in exercises("03")}
METADATA = {
    "created_at": "2026-12-02T08:00:00.000000+01:00",
    "assignment": {"due_date": "2026-12-01T23:59:00.000000+01:00"},
    "users": [{"email": "ada@example.edu"}, {"email": "ben@example.edu"}],
}
DIVIDES_BY_ZERO = """
def grey_maps(maps, shared):
    fired = maps.clamp(min=0)
    return fired / (fired.amax() if shared else fired.amax(dim=(1, 2), keepdim=True))
"""
ENDS_THE_KERNEL = "import os\ndef count_silence(maps):\n    os._exit(3)"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder that --gradescope writes, and the sources that it was made from."""
    place = tmp_path_factory.mktemp("course")
    sources = light_source(place / "solutions")
    done = release(plan(sources, course="Seeing"), place / "fall", zip_too=False, gradescope="after_due_date")
    return done.gradescope, sources


def fresh_root(folder, archive):
    """What Gradescope's harness sets up: the zip unpacked into source/, run_autograder beside it."""
    for name in ("source", "submission", "results"):
        (folder / name).mkdir(parents=True)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder / "source")
    (folder / "run_autograder").write_bytes((folder / "source" / "run_autograder").read_bytes())
    (folder / "run_autograder").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def image(made, tmp_path_factory):
    """A root after setup.sh, which installs the lab's wheel into an environment of its own.

    What the lab needs is not downloaded again: that environment finds it in the one that runs this test.
    """
    root = fresh_root(tmp_path_factory.mktemp("autograder"), made[0] / "autograder.zip")
    there = {"LABKIT_AUTOGRADER_ROOT": str(root), "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1"}
    setup = subprocess.run(
        ["bash", root / "source" / "setup.sh"], env=os.environ | there, capture_output=True, text=True
    )
    assert setup.returncode == 0, setup.stdout + setup.stderr
    (packages,) = root.glob("venv/lib/python*/site-packages")
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return root


def graded(root, files, metadata=METADATA):
    """results.json for a submission of these files: name -> notebook or text."""
    for old in (root / "submission").iterdir():
        old.unlink()
    for name, content in files.items():
        text = content if isinstance(content, str) else nbformat.writes(content)
        (root / "submission" / name).write_text(text)
    (root / "submission_metadata.json").write_text(json.dumps(metadata))
    environment = os.environ | {"LABKIT_AUTOGRADER_ROOT": str(root)}
    done = subprocess.run(
        [root / "run_autograder"], cwd=root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((root / "results" / "results.json").read_text()), done.stdout


def scores(results):
    return {test["number"]: test["score"] for test in results["tests"]}


@pytest.mark.slow
def test_four_submissions_get_their_scores_as_gradescope_runs_them(image, made):
    source = made[1] / STAGE_03.name
    right, mistake = solved(source), next(m for m in find("03.2").mistakes if m.name == "0/0")
    name = "03_activations.ipynb"

    results, log = graded(image, {name: right})
    assert scores(results) == POINTS
    assert {test["status"] for test in results["tests"]} == {"passed"}
    assert f"Isolation: {isolation()}." in results["output"]
    assert "Handed in after the due date." in results["output"]
    assert f"Seed: {results['extra_data']['seed']}." in log

    wrong = with_cell(with_cell(right, "03-2-task", DIVIDES_BY_ZERO), "03-3-task", ENDS_THE_KERNEL)
    results, _ = graded(image, {"my work.ipynb": wrong}, metadata={})
    assert scores(results) == POINTS | {"03.2": 0, "03.3": 0}
    assert mistake.lesson in results["tests"][1]["output"]
    assert results["tests"][2]["output"].startswith("crashed")
    assert "due date" not in results["output"]

    results, _ = graded(image, {name: released(source)})
    assert scores(results) == dict.fromkeys(POINTS, 0)
    assert all(test["output"].startswith("not attempted") for test in results["tests"])

    results, _ = graded(image, {"03_activations.ipynb": "%PDF-1.7"})
    assert scores(results) == dict.fromkeys(POINTS, 0)
    assert all(test["output"].startswith("unreadable: ") for test in results["tests"])


def test_the_zip_is_as_gradescope_asks(made):
    with zipfile.ZipFile(made[0] / "autograder.zip") as opened:
        entries = {entry.filename: entry for entry in opened.infolist()}
        assert {
            "setup.sh",
            "run_autograder",
            "requirements.txt",
            "notebooks/03_activations.ipynb",
        } <= entries.keys()
        for name in ("setup.sh", "run_autograder"):
            assert opened.read(name).startswith(b"#!/usr/bin/env bash\n")
            assert b"\r" not in opened.read(name)
            assert entries[name].external_attr >> 16 & 0o111
        text = b"\n".join(opened.read(name) for name in entries if not name.endswith(".whl"))
    assert b"### BEGIN SOLUTION" not in text


def setup_without_new_python(made, folder, apt_get):
    """Run setup.sh where python3 is too old, with a stand-in for apt-get: what came of it, and the root."""
    root, commands = fresh_root(folder / "root", made[0] / "autograder.zip"), folder / "bin"
    commands.mkdir()
    for name, script in {"python3": "exit 1", "apt-get": f'test "$1" = update || {apt_get}'}.items():
        (commands / name).write_text(f"#!/bin/sh\n{script}\n")
        (commands / name).chmod(0o755)
    (commands / "ln").symlink_to(shutil.which("ln"))
    there = {
        "PATH": str(commands),
        "LABKIT_AUTOGRADER_ROOT": str(root),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
    }
    command = [shutil.which("bash"), root / "source" / "setup.sh"]
    return subprocess.run(command, env=there, capture_output=True, text=True), root


def test_setup_installs_a_python_that_is_new_enough(made, tmp_path):
    newer = f"ln -s {os.path.realpath(sys.executable)} {tmp_path}/bin/python3.11"
    apt_get = f'case "$*" in *python3.11*) {newer};; *) false;; esac'
    done, root = setup_without_new_python(made, tmp_path, apt_get)
    assert done.returncode == 0, done.stderr
    assert (root / "venv" / "bin" / "labkit").is_file()


def test_setup_says_which_python_it_needs_where_there_is_none(made, tmp_path):
    done, root = setup_without_new_python(made, tmp_path, "false")
    assert done.returncode == 2
    assert done.stderr == "labkit needs Python 3.11 or newer; choose a newer Ubuntu in Gradescope\n"
    assert not (root / "venv").exists()


# what is written, without running anything --------------------------------------------------------------


@pytest.fixture
def root(made, tmp_path):
    return fresh_root(tmp_path / "autograder", made[0] / "autograder.zip")


def with_state(state, **more):
    """A grader that finds every exercise in this state."""

    def grade(one, _released, exercise_ids, _seed, _limits):
        outcomes = tuple(Outcome(exercise, state, "this and that", **more) for exercise in exercise_ids)
        return Result(one.student, one.stage, one.file, "", outcomes, late=one.late, notes=one.notes)

    return grade


def test_an_exercise_whose_judge_failed_is_never_a_silent_zero(root):
    results = gradescope.grade_root(root, grade=with_state(State.TO_BE_LOOKED_AT))
    assert "To be looked at by your instructor: 03.1, 03.2" in results["output"]
    assert "Your instructor decides" in results["tests"][0]["output"]


def test_lessons_and_flags_go_to_students_and_instructors_each_their_own(root):
    grade = with_state(State.WRONG, lesson="the axes are swapped", flags=("calls the lab's own",))
    results = gradescope.grade_root(root, grade=grade)
    assert results["tests"][0]["output"].splitlines() == [
        "wrong: this and that", "Likely cause: the axes are swapped", "In your notebook, hint('03.1') helps.",
    ]  # fmt: skip
    shown = json.dumps({key: value for key, value in results.items() if key != "extra_data"})
    assert "calls the lab's own" not in shown
    assert results["extra_data"]["flags"][0] == "03.1: calls the lab's own"
    assert {test["visibility"] for test in results["tests"]} == {results["visibility"]} == {"after_due_date"}
    assert results["stdout_visibility"] == "hidden"


def test_nothing_handed_in_is_said_with_what_there_was(root):
    (root / "submission" / "answers.pdf").write_text("%PDF")
    results = gradescope.grade_root(root)
    assert scores(results) == dict.fromkeys(POINTS, 0)
    assert (
        "no notebook of this stage was handed in; answers.pdf is not a notebook"
        in results["tests"][0]["output"]
    )


@pytest.mark.parametrize(
    "metadata", ["", "[]", "{}", '{"users": 3}', '{"users": [], "created_at": 5, "assignment": {}}']
)
def test_metadata_that_is_not_as_documented_stops_nothing(root, metadata):
    (root / "submission_metadata.json").write_text(metadata)
    results = gradescope.grade_root(root, grade=with_state(State.PASSED))
    assert scores(results) == POINTS


def test_of_two_notebooks_the_one_with_more_work_counts(root, made):
    name = made[1] / STAGE_03.name
    nbformat.write(solved(name), root / "submission" / "a.ipynb")
    nbformat.write(released(name), root / "submission" / "03_activations.ipynb")
    found, _ = of_one_student(root / "submission", ["03"])
    assert Path(found["03"].file).name == "a.ipynb"
    assert found["03"].notes


def test_what_is_no_autograder_is_one_sentence_and_no_result(tmp_path, capsys):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "results.json").write_text('{"score": 100}')
    with pytest.raises(LabError, match="no autograder of labkit"):
        gradescope.grade_root(tmp_path)
    assert gradescope.main(tmp_path) == 2
    assert "no autograder of labkit" in capsys.readouterr().err
    assert not (tmp_path / "results" / "results.json").exists()


def test_limits_keep_within_the_container_and_gradescopes_time(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text(f"{3 * 2**30}\n")
    (tmp_path / "unlimited").write_text("max\n")
    monkeypatch.setattr(
        "labkit.grading.one_submission._CGROUPS", (tmp_path / "memory.max", tmp_path / "unlimited")
    )
    assert limits_here(1).memory_mb == 1228
    assert limits_here(9).timeout_s * 9 < 40 * 60
    assert limits_here(1).timeout_s == 600
