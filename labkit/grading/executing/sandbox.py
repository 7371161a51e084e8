"""Running a command that is not trusted: no network, one folder to write to, limits, nothing left behind."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from labkit.grading.executing import landlock
from labkit.grading.executing.confinement import bubblewrap, environment_in, fence
from labkit.grading.executing.limits import Limits
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
            fenced, cwd=folder, env=environment_in(folder, view) | dict(environment or {}),
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        begun = time.monotonic()
        try:
            usage, trouble = watch(_Command(process), folder, limits)
        finally:
            _end(process)
        out.seek(0)
        said = out.read(MOST_OUTPUT).decode(errors="replace")
    usage = Usage(time.monotonic() - begun, usage.memory_mb)
    return Ended(None if trouble else process.returncode, said, usage, trouble)


@dataclass(frozen=True)
class _Command:
    process: psutil.Popen

    def ended(self, timeout_s: float) -> bool:
        try:
            self.process.wait(timeout_s)
        except psutil.TimeoutExpired:
            return False
        return True

    def family(self) -> list[psutil.Process]:
        try:
            return [self.process, *self.process.children(recursive=True)]
        except psutil.Error:
            return []


def _fenced(folder: Path, view: Path | None, hidden: Sequence[Path], kind: str) -> list[str]:
    """What a command is begun with."""
    prefix = bubblewrap(folder, view, hidden) if kind == "bubblewrap" else []
    return [*prefix, sys.executable, "-E", "-s", "-B", str(folder / "fence.py"), str(folder / "fence.json")]


def _put_fence(folder: Path, limits: Limits, kind: str, view: Path | None, hidden: Sequence[Path]) -> None:
    for name in _FENCE:
        shutil.copyfile(_HERE / name, folder / name)
    fence(folder, limits, kind, view, hidden).write(folder / "fence.json")


def _end(process: psutil.Popen) -> None:
    """End the command and all that it started, kernels included, which are sessions of their own; wait until it has."""
    command = _Command(process)
    family = command.family()  # of a command that has ended nobody could tell it
    with suppress(psutil.NoSuchProcess):
        process.terminate()  # what is inside the fence is ended by it
    command.ended(1)
    family += command.family()
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=5)
