"""Forks of warm processes in a sandbox: what they can see and do, and what happens where they cannot be used."""

import json
import os
import signal
import sys

import pytest
from lab import released, slim, solved
from test_executing import KINDS

from labkit.grading.executing import Limits, execute, scratch, student_side, warm, zygotes
from labkit.grading.executing import sandbox as sandboxes
from labkit.grading.executing.cells import Piece
from labkit.grading.executing.passes import _PYTEST as PYTEST
from labkit.grading.executing.passes import COLD, get_ready, run_once
from labkit.grading.judging import processes
from labkit.images import bank

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not KINDS, reason="there is no sandbox on this machine that a fork could be sent into"
    ),
]

TELL = """
import json, os, sys
def lines(name):
    return dict(line.split(":\\t", 1) for line in open(f"/proc/self/{name}").read().splitlines() if ":\\t" in line)
def opens(path):
    try:
        return bool(open(path, "rb").read(1))
    except OSError:
        return False
import numpy, random
files = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
files = [os.readlink(path) for path in files if os.path.islink(path)]
status = lines("status")
open("told.json", "w").write(json.dumps({
    "capabilities": [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no new privileges": status["NoNewPrivs"],
    "threads": status["Threads"],
    "modules": sorted(sys.modules),
    "files": files,
    "environment": dict(os.environ),
    "processes": [int(n) for n in os.listdir("/proc") if n.isdigit()],
    "parent": os.getppid(),
    "memory of the parent": opens(f"/proc/{os.getppid()}/mem"),
    "outside": [path for path in OUTSIDE if opens(path)],
    "chance": [random.random(), numpy.random.rand()],
    "folder": os.getcwd(),
    "lab": __import__("labkit").__file__,
    "arguments": sys.orig_argv,
}))
"""


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    return student_side(tmp_path_factory.mktemp("view"))


def told(view, folder, kind, *, outside=(), warmly=True):
    """What a cell sees in a kernel that is begun in a sandbox of that kind."""
    folder.mkdir()
    scratch.fill(
        folder,
        [Piece(f"OUTSIDE = {list(map(str, outside))}\n{TELL}", "added")],
        seed=0,
        timeout_s=60,
        checks={},
    )
    arguments = [
        "-p",
        "nbval.plugin",
        "--nbval-lax",
        "--nbval-current-env",
        "-q",
        "-c",
        "pytest.ini",
        scratch.NOTEBOOK,
    ]
    place = {"limits": Limits(timeout_s=300), "view": view, "hidden": (), "kind": kind, "environment": PYTEST}
    if warmly:
        ended = warm.run_pytest(arguments, folder, **place)
    else:
        ended = sandboxes.run([sys.executable, "-m", "pytest", *arguments], folder, **place)
    assert ended.returncode == 0, ended
    return json.loads((folder / "told.json").read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_a_fork_has_no_privilege_no_file_and_no_way_out(view, tmp_path, kind):
    secret = tmp_path / "secret"
    secret.write_text("solutions")
    found = told(view, tmp_path / "here", kind, outside=[secret, sandboxes.PACKAGE / "cli.py"])
    assert {int(part, 16) for part in found["capabilities"]} == {0}
    assert found["no new privileges"] == "1"
    assert found["outside"] == []
    assert not found["memory of the parent"]
    assert found["folder"] == str(tmp_path / "here")
    mine = (str(tmp_path / "here"), "/dev/", "socket:", "pipe:", "anon_inode:", "/proc/")
    deleted = [file for file in found["files"] if file.endswith("(deleted)")]  # what is printed goes there
    assert [file for file in found["files"] if not file.startswith(mine) and file not in deleted] == []
    assert len(set(deleted)) <= 1
    if kind == "bubblewrap":
        assert max(found["processes"]) < 20  # its own alone


def test_a_fork_is_as_a_kernel_that_was_begun_there(view, tmp_path):
    kind = KINDS[0]
    forked, begun = (told(view, tmp_path / name, kind, warmly=name == "a") for name in "ab")
    assert forked["lab"] == begun["lab"]
    known = {
        "PWD",
        "JPY_PARENT_PID",
        "JPY_SESSION_NAME",
        "PYDEVD_USE_FRAME_EVAL",
    }  # of whoever starts a kernel
    assert forked["environment"].keys() ^ begun["environment"].keys() <= known
    assert set(begun["modules"]) - set(forked["modules"]) <= {"ipykernel_launcher"}
    assert not {"pytest", "nbval", "labkit.grading", "labkit.checks.judging"} & set(forked["modules"])
    assert not any("grading" in part for part in forked["arguments"])


def test_two_forks_throw_their_own_dice(view, tmp_path):
    one, other = (told(view, tmp_path / name, KINDS[0])["chance"] for name in "ab")
    assert all(mine != theirs for mine, theirs in zip(one, other, strict=True))


def check_pass(view, folder):
    pieces = [Piece("x = 1", "added"), Piece("1 / 0", "added")]
    folder.mkdir()
    return run_once(pieces, {}, folder, seed=0, limits=Limits(timeout_s=300), view=view, hidden=())


def test_a_zygote_that_was_killed_is_begun_anew(view, tmp_path):
    first = check_pass(view, tmp_path / "a")
    for zygote in zygotes._kept.values():
        os.kill(zygote.process.pid, signal.SIGKILL)
    second = check_pass(view, tmp_path / "b")
    assert (first.cold, second.cold) == ("", "")
    assert list(first.words) == list(second.words) == [1]
    assert "ZeroDivisionError" in second.words[1]


def test_both_zygotes_are_begun_side_by_side_and_only_where_they_are_wanted(view, monkeypatch):
    monkeypatch.setattr(zygotes, "_kept", {})
    monkeypatch.setenv(COLD, "1")
    get_ready(view)
    assert not zygotes._kept
    monkeypatch.delenv(COLD)
    get_ready(view)
    begun = dict(zygotes._kept)
    get_ready(view)
    assert zygotes._kept == begun  # the same two
    assert sorted(role for role, _ in begun) == ["kernel", "runner"]
    for zygote in begun.values():
        assert zygote.process.poll() is None
        zygote.process.kill()
        zygote.process.wait()


def photos_read(out):
    out.send(bank._bank.cache_info().currsize)


def test_a_judging_process_has_the_photos_when_it_begins():
    parent, child = processes().Pipe(duplex=False)
    process = processes().Process(target=photos_read, args=(child,))
    process.start()
    assert parent.recv() == 1
    process.join()


def test_where_nothing_can_be_forked_it_is_started_anew_and_said(view, tmp_path, monkeypatch):
    def refused(self, request, output):
        raise zygotes.NotWarmError("setns: Operation not permitted")

    monkeypatch.setattr(zygotes.Zygote, "fork", refused)
    done = check_pass(view, tmp_path / "a")
    assert done.cold == "setns: Operation not permitted"
    assert list(done.words) == [1]
    monkeypatch.setenv(COLD, "1")
    assert check_pass(view, tmp_path / "b").cold == ""  # it was asked for
    monkeypatch.delenv(COLD)
    executed = execute(slim(released()), slim(solved()), tmp_path / "answers", seed=1, view=view)
    assert executed.cold == "setns: Operation not permitted"
    assert len(list((tmp_path / "answers").glob("*.safetensors"))) == 6


def test_a_sandbox_that_cannot_be_entered_runs_nothing(view, tmp_path, monkeypatch):
    if "bubblewrap" not in KINDS:
        pytest.skip(sandboxes.why_not("bubblewrap"))
    monkeypatch.setattr(warm, "Request", lambda *fields: zygotes.Request(*fields[:4], 2**22 - 7, *fields[5:]))
    (tmp_path / "here").mkdir()
    scratch.fill(
        tmp_path / "here", [Piece(f"OUTSIDE = []\n{TELL}", "added")], seed=0, timeout_s=60, checks={}
    )
    with pytest.raises(zygotes.NotWarmError, match="No such process"):
        warm.run_pytest(
            [scratch.NOTEBOOK],
            tmp_path / "here",
            limits=Limits(),
            view=view,
            hidden=(),
            environment=PYTEST,
            kind="bubblewrap",
        )
    assert not (tmp_path / "here" / "told.json").exists()
