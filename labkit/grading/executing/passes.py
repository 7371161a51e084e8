"""Running the cells of a submission once, in a sandbox, and reading how each of them ended."""

import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labkit.grading.executing import sandbox, scratch, warm, zygotes
from labkit.grading.executing.cells import Piece
from labkit.grading.executing.limits import Limits
from labkit.grading.executing.zygotes import NotWarmError

COLD = "LABKIT_COLD"  # in the environment: nothing is forked, each submission starts everything anew
_PYTEST = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Pass:
    """What came of running the cells once.

    words: number of a cell that failed -> what it died of
    lost:  number of the cell that hangs or ended the kernel
    cold:  why no warm process could be used, where one was to be
    """

    ended: sandbox.Ended
    words: dict[int, str]
    lost: int | None
    cold: str = ""


def get_ready(view: Path) -> None:
    """Begin the warm processes, unless none is wanted, and do not wait for them. view: as `student_side` gives it"""
    if not os.environ.get(COLD):
        zygotes.get_ready(view)


def run_once(
    pieces: Sequence[Piece], checks: Mapping[str, str], answers: Path,
    *, seed: int, limits: Limits, view: Path, hidden: Sequence[Path],
) -> Pass:  # fmt: skip
    """Run cells in a folder of their own, and copy the answers from there into `answers`.

    checks: exercise id -> text of its check cell
    """
    given = (pieces, checks, answers, seed, limits, view, hidden)
    if os.environ.get(COLD):
        return _run(*given, _anew)
    try:
        return _run(*given, warm.run_pytest)
    except NotWarmError as error:
        return replace(_run(*given, _anew), cold=str(error))


def _run(
    pieces: Sequence[Piece], checks: Mapping[str, str], answers: Path, seed: int, limits: Limits,
    view: Path, hidden: Sequence[Path], begin: Callable[..., sandbox.Ended],
) -> Pass:  # fmt: skip
    names = [name for piece in pieces if piece.role == "check" for name in piece.names]
    slugs = [name.removesuffix("-check") for name in names]
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as place:
        folder = Path(place).resolve()
        scratch.expect_room(folder)
        scratch.fill(folder, pieces, seed=seed, timeout_s=limits.cell_timeout_s / 2, checks=checks)
        with scratch.record(folder) as record:
            ended = begin(
                _arguments(limits.cell_timeout_s), folder, limits=limits, view=view, hidden=hidden,
                environment=_PYTEST, exercises=[*checks],
            )  # fmt: skip
            words, lost = _read(scratch.read_record(record), len(pieces))
        if len(scratch.take_answers(folder, slugs, answers)) < len(slugs):
            scratch.expect_room(folder)
    return Pass(ended, words, lost)


def _anew(arguments: Sequence[str], folder: Path, *, exercises: Sequence[str], **named: Any) -> sandbox.Ended:
    return sandbox.run([sys.executable, "-m", "pytest", *arguments], folder, **named)


def _arguments(cell_timeout_s: float) -> list[str]:
    return [
        "-p", "nbval.plugin", "--nbval-lax", "--nbval-current-env", "-q",
        "-c", "pytest.ini", "-p", "no:cacheprovider", "--color=no", "--tb=no", "--show-capture=no",
        "--nbval-kernel-startup-timeout=600", f"--nbval-cell-timeout={cell_timeout_s:g}", scratch.NOTEBOOK,
    ]  # fmt: skip


def _read(lines: list[dict[str, Any]], count: int) -> tuple[dict[int, str], int | None]:
    """What cells died of, and the cell that hangs or ended the kernel: the one that began and never ended, if any."""
    words: dict[int, str] = {}
    begun = lost = None
    for line in lines:
        number = line["cell"]
        if not 0 <= number < count:
            continue
        if "ok" not in line:
            begun = number
            continue
        begun = None
        if not line["ok"]:
            words[number] = _COLOURS.sub("", str(line.get("words", "")))
        if line.get("lost"):
            lost = number
    return words, lost if lost is not None else begun


def to_blame(pieces: list[Piece], lost: int) -> int | None:
    """The student's cell that is left out: the one that was lost, or one above where that is not the student's.

    A check asks in a process of its own: where the kernel ends meanwhile, it is with what an added cell has left
    behind, such as output without end, or else with what the task does to its parent.
    """
    role = pieces[lost].role
    if role in ("added", "task"):
        return lost
    above = range(lost - 1, -1, -1)
    if role == "check" and (added := next((n for n in above if pieces[n].role == "added"), None)) is not None:
        return added
    return next((n for n in above if pieces[n].role in ("added", "task")), None)


def what_it_did(why: str, trouble: str) -> str:
    """Why a cell is left out, in words."""
    if "Timeout of" in why:
        return "did not come to an end"
    return f"took {trouble}" if trouble else "ended the kernel"
