"""Running a submission in forks of processes that are warm: what it imports has been imported once, for all of them.

Two zygotes wait beside the grader, one for kernels and one for pytest with nbval. Each submission gets a sandbox of
its own, as on the cold path, and a fork of each is sent into it.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from labkit.grading.executing import sandbox
from labkit.grading.executing.confinement import bubblewrap, environment_in, fence
from labkit.grading.executing.limits import Limits
from labkit.grading.executing.request import Request
from labkit.grading.executing.sandbox import MOST_OUTPUT, Ended
from labkit.grading.executing.watching import watch
from labkit.grading.executing.zygotes import Fork, NotWarmError, fork

_WAITS = "import sys; print(flush=True); sys.stdin.read()"


def run_pytest(
    arguments: Sequence[str], folder: Path, *, limits: Limits, view: Path, hidden: Sequence[Path],
    environment: Mapping[str, str], exercises: Sequence[str] = (), kind: str | None = None,
) -> Ended:  # fmt: skip
    """Run pytest in a folder beside a kernel, both forked from warm processes into one sandbox.

    kind:        of sandbox, as `sandbox.isolation` says;  view, hidden: as `sandbox.run` takes them
    environment: more variables for pytest;  exercises: ids of those that will be checked
    Raises:      NotWarmError where that cannot be done here, or where a warm process was ended meanwhile
    """
    kind = kind or sandbox.isolation()
    (folder / "kernel").mkdir()
    with tempfile.TemporaryFile() as out, ExitStack() as stack:
        place = stack.enter_context(_sandbox(folder, view, hidden, kind))
        walls = asdict(fence(folder, limits, kind, view, hidden))
        variables = environment_in(folder, view)
        for_kernel = Request(_of_kernel(folder), str(folder), variables, walls, place.inside, [*exercises])
        for_runner = Request([*arguments], str(folder), variables | dict(environment), walls, place.inside)
        kernel = stack.enter_context(closing(fork("kernel", view, for_kernel, out.fileno())))
        runner = stack.enter_context(closing(fork("runner", view, for_runner, out.fileno())))
        usage, trouble = watch(_Both(kernel, runner, place), folder, limits)
        out.seek(0)
        said = out.read(MOST_OUTPUT).decode(errors="replace")
    return Ended(None if trouble else runner.returncode, said, usage, trouble)


def _of_kernel(folder: Path) -> list[str]:
    """It is spoken to by files, not by ports, and writes down which."""
    return ["-f", str(folder / "kernel" / "connection.json"), "--transport=ipc", f"--ip={folder / 'k'}"]


@dataclass(frozen=True)
class _Place:
    """A sandbox that stands open: the process that keeps it so, and one inside, whose namespaces can be joined."""

    keeper: psutil.Popen | None = None
    inside: int | None = None

    def family(self) -> list[psutil.Process]:
        if self.keeper is None:
            return []
        with suppress(psutil.Error):
            return [self.keeper, *self.keeper.children(recursive=True)]
        return []


@dataclass(frozen=True)
class _Both:
    """A kernel and what runs it, watched together; it ends with the latter."""

    kernel: Fork
    runner: Fork
    place: _Place

    def ended(self, timeout_s: float) -> bool:
        self.kernel.ended(0)  # whether it began
        return self.runner.ended(timeout_s)

    def family(self) -> list[psutil.Process]:
        return [*self.place.family(), *self.kernel.family(), *self.runner.family()]


@contextmanager
def _sandbox(folder: Path, view: Path, hidden: Sequence[Path], kind: str) -> Iterator[_Place]:
    """A sandbox that stands open until all is done; whatever is in it then is ended."""
    if kind != "bubblewrap":
        yield _Place()
        return
    told, tells = os.pipe()
    with open(told, "rb") as about:
        walls = bubblewrap(folder, view, hidden, "--info-fd", str(tells))
        keeper = psutil.Popen(
            [*walls, sys.executable, "-I", "-S", "-c", _WAITS], pass_fds=[tells], cwd=folder, env={"PATH": os.defpath},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        os.close(tells)
        try:
            if keeper.stdout.readline() != b"\n":
                raise NotWarmError("bubblewrap ended at once")
            yield _Place(keeper, json.load(about)["child-pid"])
        finally:
            _close(keeper)


def _close(keeper: psutil.Popen) -> None:
    keeper.stdin.close()  # it ends, the first process in there with it, and with that all others
    try:
        keeper.wait(5)
    except psutil.TimeoutExpired:
        keeper.kill()
        keeper.wait()
    keeper.stdout.close()
