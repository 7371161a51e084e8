"""Setting up: which build of PyTorch is taken, by what, and that the rest is installed whatever comes of it."""

import http.server
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from lab import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or Path("/proc/driver/nvidia/version").exists(),
    reason="there is a choice of builds on Linux without a card alone",
)


@pytest.fixture
def install():
    spec = importlib.util.spec_from_file_location("install", ROOT / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def index(tmp_path):
    """The address of a package index that has a page for torch."""
    (tmp_path / "index" / "torch").mkdir(parents=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=tmp_path / "index")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def set_up(tmp_path):
    """Run install.py in a clone of its two files; its status, and the commands that it gave."""
    for name in ("install.py", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / "tools").mkdir()

    def stub(path: Path, script: str):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(*arguments, index="", has_torch=False, fails="", uv=False, card=False):
        log = tmp_path / "log"
        log.unlink(missing_ok=True)
        spoken = f'echo "${{0##*/}} $*" >> {log}\ncase "$*" in *"{fails or "no such"}"*) exit 3;; esac'
        stub(tmp_path / "venv" / "bin" / "python", f'[ "$1" = -c ] && exit {int(not has_torch)}\n{spoken}')
        for name, there in (("uv", uv), ("nvidia-smi", card)):
            (tmp_path / "tools" / name).unlink(missing_ok=True)
            if there:
                stub(tmp_path / "tools" / name, spoken)
        command = [sys.executable, tmp_path / "install.py", "--venv", tmp_path / "venv", *arguments]
        environment = {"PATH": str(tmp_path / "tools"), "LABKIT_TORCH_INDEX": index}
        done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
        return done, log.read_text().splitlines() if log.exists() else []

    return run


def test_without_a_card_the_build_for_cpus_is_taken_where_it_can_be_reached(set_up, index):
    done, (torch, lab) = set_up(index=index)
    assert done.returncode == 0, done.stderr
    assert f"--index-url {index} torch>=2.6,<3 torchvision>=0.21,<1" in torch
    assert lab.endswith("--editable .")
    assert "4 GB less" in done.stdout


@pytest.mark.parametrize(
    "case", [{"card": True}, {"has_torch": True}, {"index": ""}, {"index": "http://127.0.0.1:9"}]
)
def test_with_a_card_or_torch_or_without_that_index_the_usual_build_is_taken(set_up, index, case):
    done, (lab,) = set_up(**{"index": index} | case)
    assert done.returncode == 0, done.stderr
    assert lab.endswith("--editable .")


def test_where_that_build_fails_the_usual_one_is_taken_and_where_that_fails_it_is_said(set_up, index):
    done, commands = set_up(index=index, fails="--index-url")
    assert (done.returncode, len(commands)) == (0, 2)
    done, commands = set_up(fails="--editable")
    assert (done.returncode, len(commands)) == (3, 1)


def test_tests_need_more_and_uv_is_used_where_it_is(set_up, tmp_path):
    _, (lab,) = set_up("--dev", uv=True)
    assert lab == f"uv pip install --python {tmp_path / 'venv' / 'bin' / 'python'} --editable .[dev]"


def test_the_ranges_are_those_of_the_project(install):
    assert [need.partition(">")[0] for need in install.torch_ranges()] == ["torch", "torchvision"]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_sets_up_once_and_more_for_tests_than_for_the_lab(tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / "install.py").write_text(
        "import os, sys; os.makedirs('.venv', exist_ok=True); open('log', 'a').write(' '.join(sys.argv[1:]) + '\\n')"
    )

    def make(target):
        subprocess.run(
            ["make", target, f"PYTHON={sys.executable}"], cwd=tmp_path, check=True, capture_output=True
        )
        return (tmp_path / "log").read_text().splitlines()

    assert make(".venv/.lab") == make(".venv/.lab") == ["--venv .venv"]
    assert make(".venv/.ready") == make(".venv/.ready") == ["--venv .venv", "--venv .venv --dev"]
    assert make(".venv/.lab") == ["--venv .venv", "--venv .venv --dev"]  # which has all that the lab needs
    (tmp_path / "pyproject.toml").touch()
    os.utime(tmp_path / "pyproject.toml", (2e9, 2e9))
    assert len(make(".venv/.lab")) == 3
