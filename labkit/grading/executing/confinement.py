"""What a submission is confined by: the folders it sees, the variables it gets, the limits it has."""

import os
import site
from collections.abc import Sequence
from pathlib import Path

from labkit.grading.executing.fence import Fence
from labkit.grading.executing.limits import Limits
from labkit.grading.executing.places import around, private, readable, within
from labkit.grading.executing.student_side import PACKAGE

_PASSED_ON = ("PATH", "LANG", "SystemRoot")  # without the last no socket opens on Windows
_PRIVATE = ("HOME", "TMPDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR")
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_THREAD_LIMIT")


def environment_in(folder: Path, view: Path | None) -> dict[str, str]:
    """The few variables that a command sees; what it keeps, it keeps in its folder.

    One thread, and no more where somebody asks for them: a child that is forked after its parent computed with two
    hangs.
    """
    import torch

    found = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    found |= {"TORCH_HOME": str(Path(torch.hub.get_dir()).parent)}  # networks, read only
    found |= dict.fromkeys(_PRIVATE, str(folder)) | dict.fromkeys(_ONE_THREAD, "1")
    found |= {"IPYTHONDIR": str(folder / "ipython"), "MPLCONFIGDIR": str(folder / "matplotlib")}
    if site.ENABLE_USER_SITE:
        found["PYTHONUSERBASE"] = site.getuserbase()  # packages of `pip install --user`
    return found | ({"PYTHONPATH": str(view)} if view else {})


def bubblewrap(folder: Path, view: Path | None, hidden: Sequence[Path], *options: str) -> list[str]:
    """What a command is begun with, so that nothing is there but what is named.

    options: more of bubblewrap's own
    """
    shown = {place: ["--ro-bind", str(place), str(place)] for place in readable()}
    masks = {place: ["--tmpfs", str(place)] for place in private(hidden) if within(place, shown)}
    inside = masks | shown
    order = sorted(inside, key=lambda place: len(place.parts))  # what lies in another covers it
    lab = ["--ro-bind", str(view), str(view)] if view else []
    empty = ["/", "/tmp", "/dev", str(PACKAGE), *map(str, masks)]
    return [
        "bwrap", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
        *(part for place in order for part in inside[place]), "--tmpfs", str(PACKAGE), *lab,
        "--bind", str(folder), str(folder), "--chdir", str(folder),
        *(part for place in empty for part in ("--remount-ro", place)),
        "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", *options, "--",
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


def fence(folder: Path, limits: Limits, kind: str, view: Path | None, hidden: Sequence[Path]) -> Fence:
    """What each process in it may do.

    kind: of sandbox, as `sandbox.isolation` says;  view, hidden: as `sandbox.run` takes them
    """
    rules = _landlock(folder, view, hidden) if kind == "landlock" else None
    return Fence(limits.memory_mb, limits.files_mb, limits.processes, rules)
