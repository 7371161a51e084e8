"""Running a command that is not trusted: no network, one folder to write to, limits, nothing left behind."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from labkit.grading.executing import landlock
from labkit.grading.executing.fence import Fence
from labkit.grading.executing.limits import Limits
from labkit.grading.executing.places import around, private, readable, within
from labkit.grading.executing.student_side import PACKAGE
from labkit.grading.executing.watching import Usage, watch

_HERE = Path(__file__).parent
_FENCE = ("fence.py", "landlock.py")
MOST_OUTPUT = 100_000  # bytes of what a command printed that are read


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    returncode: None where it was ended from outside, and `trouble` says why: "more than 256 processes"
    """

    returncode: int | None
    output: str
    usage: Usage
    trouble: str = ""


@cache
def isolation() -> str:
    """What keeps submissions apart on this machine: "bubblewrap", "landlock", or "limits only"."""
    for kind in ("bubblewrap", "landlock"):
        if _works(kind):
            return kind
    return "limits only"


_TRIAL = """
import sys
open("here", "w").close()
try:
    open(sys.argv[1]).close()
except OSError:
    sys.exit(0)
sys.exit("it holds nothing")
"""


@cache
def why_not(kind: str) -> str:
    """What a trial run of a sandbox says where it does not work here; empty where it does."""
    if kind == "bubblewrap" and shutil.which("bwrap") is None:
        return "bwrap is not installed"
    if kind == "landlock" and not landlock.version():
        return "this system has none"
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch).resolve()
        command = [sys.executable, "-c", _TRIAL, str(PACKAGE / "grading" / "__init__.py")]
        ended = run(command, folder, limits=Limits(timeout_s=60), view=None, kind=kind)
    return (
        "" if ended.returncode == 0 else (ended.output or ended.trouble).strip()[-500:] or "it ended at once"
    )


def _works(kind: str) -> bool:
    return sys.platform == "linux" and not why_not(kind)


def run(
    command: Sequence[str], folder: Path, *, limits: Limits, view: Path | None,
    environment: Mapping[str, str] | None = None, hidden: Sequence[Path] = (), kind: str | None = None,
) -> Ended:  # fmt: skip
    """Run a command with `folder` as its working folder and the only place that it can write to.

    view:   the folder of the student's side of the lab, which stands in the lab's place
    hidden: folders that it must not see, such as those of the class
    kind:   of sandbox; what `isolation` says by default
    """
    kind = kind or isolation()
    _put_fence(folder, limits, kind, view, hidden)
    fenced = [*_fenced(folder, view, hidden, kind), *command]
    with tempfile.TemporaryFile() as out:
        process = psutil.Popen(
            fenced, cwd=folder, env=_environment(folder, view, kind) | dict(environment or {}),
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        begun = time.monotonic()
        try:
            usage, trouble = watch(process, folder, limits)
        finally:
            _end(process)
        out.seek(0)
        said = out.read(MOST_OUTPUT).decode(errors="replace")
    usage = Usage(time.monotonic() - begun, usage.memory_mb)
    return Ended(None if trouble else process.returncode, said, usage, trouble)


def _fenced(folder: Path, view: Path | None, hidden: Sequence[Path], kind: str) -> list[str]:
    """What a command is begun with."""
    prefix = _bubblewrap(folder, view, hidden) if kind == "bubblewrap" else []
    return [*prefix, sys.executable, "-E", "-s", "-B", str(folder / "fence.py"), str(folder / "fence.json")]


def _put_fence(folder: Path, limits: Limits, kind: str, view: Path | None, hidden: Sequence[Path]) -> None:
    for name in _FENCE:
        shutil.copyfile(_HERE / name, folder / name)
    rules = _landlock(folder, view, hidden) if kind == "landlock" else None
    Fence(limits.memory_mb, limits.files_mb, limits.processes, rules).write(folder / "fence.json")


_PASSED_ON = ("PATH", "LANG")
_PRIVATE = ("HOME", "TMPDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR")
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_THREAD_LIMIT")


def _environment(folder: Path, view: Path | None, kind: str) -> dict[str, str]:
    """The few variables that a command sees; what it keeps, it keeps in its folder.

    One thread, and no more where somebody asks for them: a child that is forked after its parent computed with two
    hangs.
    """
    import torch

    found = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    found |= {"TORCH_HOME": str(Path(torch.hub.get_dir()).parent)}  # networks, read only
    found |= dict.fromkeys(_PRIVATE, str(folder)) | dict.fromkeys(_ONE_THREAD, "1")
    found |= {"IPYTHONDIR": str(folder / "ipython"), "MPLCONFIGDIR": str(folder / "matplotlib")}
    return found | ({"PYTHONPATH": str(view)} if view and kind != "bubblewrap" else {})


def _bubblewrap(folder: Path, view: Path | None, hidden: Sequence[Path]) -> list[str]:
    """Nothing is there but what is named. Outer folders first, so that what lies in one covers it."""
    shown = {place: ["--ro-bind", str(place), str(place)] for place in readable()}
    masks = {place: ["--tmpfs", str(place)] for place in private(hidden) if within(place, shown)}
    inside = masks | shown
    order = sorted(inside, key=lambda place: len(place.parts))
    lab = ["--ro-bind", str(view / "labkit")] if view else ["--tmpfs"]
    empty = ["/", "/tmp", "/dev", *map(str, masks), *([] if view else [str(PACKAGE)])]
    return [
        "bwrap", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
        *(part for place in order for part in inside[place]), *lab, str(PACKAGE),
        "--bind", str(folder), str(folder), "--chdir", str(folder),
        *(part for place in empty for part in ("--remount-ro", place)),
        "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--",
    ]  # fmt: skip


def _landlock(folder: Path, view: Path | None, hidden: Sequence[Path]) -> dict[str, list[str]]:
    out = [*private(hidden), PACKAGE]
    read, look = [Path("/proc")], []
    for place in readable():
        whole, names = around(place, [path for path in out if path != place])
        read += whole
        look += names
    devices = [f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")]
    return {
        "read": [str(path) for path in [*read, *([view] if view else [])]],
        "look": [str(path) for path in look],
        "write": [str(folder), *devices],
    }


def _end(process: psutil.Popen) -> None:
    """End the command and all that it started, kernels included, which are sessions of their own."""
    try:
        process.terminate()  # what is inside the fence is ended by it
        process.wait(1)
    except psutil.TimeoutExpired:
        pass
    except psutil.NoSuchProcess:
        return
    try:
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=5)
