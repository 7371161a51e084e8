"""Running a command that is not trusted: no network, one folder to write to, limits, nothing left behind."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Ended:
    """How a command ended; `returncode` is None where it ran out of time."""

    returncode: int | None
    output: str


@cache
def isolation() -> str:
    """What keeps submissions apart on this machine: "bubblewrap", or "limits only"."""
    if shutil.which("bwrap") is None:
        return "limits only"
    trial = subprocess.run([*_bubblewrap(Path("/tmp"), ()), "true"], capture_output=True, check=False)
    return "bubblewrap" if trial.returncode == 0 else "limits only"


def run(
    command: Sequence[str],
    folder: Path,
    *,
    timeout_s: float,
    environment: Mapping[str, str],
    hidden: Sequence[Path] = (),
) -> Ended:
    """Run a command with `folder` as its working folder and the only place that it can write to.

    environment: added to the few variables that are passed on
    hidden:      folders that it finds empty, such as the other submissions
    """
    prefix = _bubblewrap(folder, hidden) if isolation() == "bubblewrap" else []
    with (folder / "output.txt").open("w+b") as out:  # read by this handle: the command may replace the file
        process = psutil.Popen(
            [*prefix, *command], cwd=folder, env={**_environment(folder), **environment},
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            returncode = process.wait(timeout_s)
        except psutil.TimeoutExpired:
            returncode = None
        finally:
            _end(process)
        out.seek(0)
        return Ended(returncode, out.read(100_000).decode(errors="replace"))


_PASSED_ON = ("PATH", "LANG", "TORCH_HOME", "XDG_CACHE_HOME")
_PRIVATE = ("HOME", "TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")


def _environment(folder: Path) -> dict[str, str]:
    """The few variables that a command sees; what it keeps, it keeps in its folder."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    passed_on.setdefault("TORCH_HOME", str(Path("~/.cache/torch").expanduser()))  # networks, read only
    return passed_on | dict.fromkeys(_PRIVATE, str(folder))


def _bubblewrap(folder: Path, hidden: Sequence[Path]) -> list[str]:
    """The folders that the command needs are put back over the empty /tmp, since the lab may lie in there."""
    needed = {sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[2])}
    kept = [part for path in sorted(needed) for part in ("--ro-bind", path, path)]
    masks = [part for path in hidden for part in ("--tmpfs", str(path.resolve()))]
    return [
        "bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", *kept, *masks,
        "--bind", str(folder), str(folder), "--chdir", str(folder),
        "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--",
    ]  # fmt: skip


def _end(process: psutil.Popen) -> None:
    """End the command and all that it started, kernels included, which are sessions of their own."""
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
