"""The warm processes beside a grader: begun once, asked for forks, begun anew where one has ended."""

import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from labkit.grading.executing.confinement import environment_in
from labkit.grading.executing.request import FAILED, Request

_HERE = Path(__file__).parent
_PROGRAM = ("zygote.py", "request.py", "namespaces.py", "fence.py", "landlock.py")
_READY_S, _FORK_S = 600, 300  # the first fork of a stage draws its cases before


class NotWarmError(Exception):
    """Nothing was run, since there is no warm process that could be forked into the sandbox. It says why."""


class Fork:
    """A fork of a zygote in its sandbox, and the process that stands by it, outside, and ends with it."""

    def __init__(self, pid: int, status: int):
        self._status, self._said = status, b""
        self._stands_by: psutil.Process | None = None
        with suppress(psutil.NoSuchProcess):  # it may have ended by now, and its status says how
            self._stands_by = psutil.Process(pid)

    def ended(self, timeout_s: float) -> bool:
        """Whether it has ended; waits so long for it.

        Raises: NotWarmError where it never began
        """
        if not select.select([self._status], [], [], timeout_s)[0]:
            return False
        while part := os.read(self._status, 1000):
            self._said += part
        if self._said.startswith(FAILED.encode()):
            raise NotWarmError(self._said.decode(errors="replace").removeprefix(FAILED))
        return True

    @property
    def returncode(self) -> int:
        """Of one that has ended; -9 where nobody could say."""
        return int(self._said) if self._said else -9

    def family(self) -> list[psutil.Process]:
        """Its processes, those that stand by not among them."""
        with suppress(psutil.Error):
            return list(self._stands_by.children(recursive=True)) if self._stands_by else []
        return []

    def close(self) -> None:
        if self._stands_by:
            with suppress(psutil.Error):
                self._stands_by.terminate()  # which ends what is left of the fork
                self._stands_by.wait(5)
            for member in [*self.family(), self._stands_by]:
                with suppress(psutil.Error):
                    member.kill()
        os.close(self._status)


class Zygote:
    """A warm process. `role`: what its forks become, "kernel" or "runner"."""

    def __init__(self, role: str, view: Path):
        self._kept = tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True)
        folder = Path(self._kept.name).resolve()
        for name in _PROGRAM:
            shutil.copyfile(_HERE / name, folder / name)
        self._lock, self._ready = threading.Lock(), False
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (kept as long as this)
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, str(folder / "zygote.py"), role], cwd=folder, env=environment_in(folder, view),
                stdin=theirs.fileno(), stdout=self._said, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def fork(self, request: Request, output: int) -> Fork:
        """Raises: NotWarmError where it has ended"""
        status, theirs = os.pipe()
        try:
            with self._lock:
                self._await_ready()
                socket.send_fds(self._channel, [request.encoded()], [output, theirs])
                return Fork(int(self._heard(_FORK_S)), status)
        except (OSError, ValueError) as error:
            os.close(status)
            raise NotWarmError(self._end(error)) from error
        finally:
            os.close(theirs)

    def _await_ready(self) -> None:
        if not self._ready:
            self._heard(_READY_S)
            self._ready = True

    def _heard(self, timeout_s: float) -> bytes:
        self._channel.settimeout(timeout_s)
        if said := self._channel.recv(1000):
            return said
        raise ConnectionResetError("nothing came")

    def _end(self, error: Exception) -> str:
        """End what does not answer. Returns: why it did not, in its own words if it had any"""
        self.process.kill()
        self.process.wait()
        self._said.seek(0)
        return self._said.read().decode(errors="replace").strip()[-500:] or f"it has ended ({error!r})"


_lock = threading.Lock()
_kept: dict[tuple[str, Path], Zygote] = {}


def fork(role: str, view: Path, request: Request, output: int) -> Fork:
    """A fork of the zygote of that role, which is begun before if need be, and once anew if it has ended meanwhile.

    view:   the folder of the student's side of the lab;  output: the open file that it prints to
    Raises: NotWarmError where this system cannot do that
    """
    if sys.platform != "linux":
        raise NotWarmError(f"there is no forking into a sandbox on {sys.platform}")
    with suppress(NotWarmError):
        return _alive(role, view).fork(request, output)
    return _alive(role, view).fork(request, output)


def get_ready(view: Path) -> None:
    """Begin the zygotes of both roles, side by side, which takes seconds, and do not wait for them."""
    if sys.platform == "linux":
        for role in ("kernel", "runner"):
            _alive(role, view)


def _alive(role: str, view: Path) -> Zygote:
    with _lock:
        found = _kept.get((role, view))
        if found is None or found.process.poll() is not None:
            found = _kept[role, view] = Zygote(role, view)
        return found
