"""The first program inside the sandbox: it sets the limits, starts the command, and ends all that is left of it.

    python fence.py SPEC COMMAND…

It is copied beside the command, since the lab's own folder is not there. SPEC is a file of JSON: `Fence`.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_DIES_WITH_ITS_PARENT, _ADOPTS_ORPHANS = 1, 36


@dataclass(frozen=True)
class Fence:
    """What each process inside may do.

    memory_mb, file_mb: of one process, of one file;  processes: of this user, more than there are now
    landlock:           what `landlock.restrict` takes, or nothing
    """

    memory_mb: int
    file_mb: int
    processes: int
    landlock: dict[str, list[str]] | None = None

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def main() -> int:
    """Run the command; returns its exit status."""
    fence = Fence(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    if sys.platform == "win32":
        return subprocess.call(sys.argv[2:])
    if sys.platform == "linux":
        adopt_orphans()
        die_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    process = subprocess.Popen(sys.argv[2:], preexec_fn=lambda: enter(fence))
    try:
        return process.wait()
    finally:
        end_all()


def enter(fence: Fence) -> None:
    """In the child, before the command begins."""
    limit(fence)
    if fence.landlock is not None:
        import landlock  # type: ignore[import-not-found]  # beside this file

        landlock.restrict(**fence.landlock)


def limit(fence: Fence) -> None:
    import resource

    for kind, most in (
        (resource.RLIMIT_DATA, fence.memory_mb * 2**20),
        (resource.RLIMIT_FSIZE, fence.file_mb * 2**20),
        (resource.RLIMIT_NPROC, _own_threads() + fence.processes),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # a lower limit is already in force
            resource.setrlimit(kind, (most, most))


def _own_threads() -> int:
    """How many threads this user has, which is what the system counts as processes."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                found += len(list((folder / "task").iterdir()))
    return found


def end_all() -> None:
    """End the command's processes, and those that they left behind, which are children of this one by now."""
    import psutil

    for _ in range(100):
        family = psutil.Process().children(recursive=True)
        for member in family:
            with suppress(psutil.Error):
                member.kill()
        if not family:
            return
        psutil.wait_procs(family, timeout=0.1)


def adopt_orphans() -> None:
    """From now on what a child leaves behind becomes a child of this process, where it is found and ended."""
    _prctl(_ADOPTS_ORPHANS, 1)


def die_with_parent(number: signal.Signals) -> None:
    """Be sent a signal as soon as the parent ends."""
    _prctl(_DIES_WITH_ITS_PARENT, number)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
