"""Executing one assembled notebook with nbval in a child process, and bringing its answers back."""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import nbformat
from nbformat import NotebookNode

from labkit.grading import sandbox
from labkit.grading.child import Task

_NAME = "submission.ipynb"


@dataclass(frozen=True)
class Limits:
    """What one submission may cost: a cell, a whole notebook, and in memory a check."""

    cell_timeout_s: float = 60
    timeout_s: float = 600
    memory_mb: int = 6144


@dataclass(frozen=True)
class Executed:
    """What came of a run.

    failures:  task or check ("01-2-task") -> what its cell died of
    timed_out: the run as a whole was ended
    """

    failures: dict[str, str] = field(default_factory=dict)
    timed_out: bool = False
    trouble: str = ""


def execute(
    notebook: NotebookNode,
    answers: Path,
    *,
    seed: int,
    limits: Limits = Limits(),
    hidden: Sequence[Path] = (),
) -> Executed:
    """Run a notebook; what its checks write lands in the folder `answers`."""
    with tempfile.TemporaryDirectory(prefix="labkit-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch).resolve()
        written = folder / "answers"
        written.mkdir()
        nbformat.write(notebook, folder / _NAME)
        (folder / "pytest.ini").write_text("[pytest]\n")
        task = Task(written, seed, limits.cell_timeout_s / 2, limits.memory_mb)
        ended = sandbox.run(
            _command(limits.cell_timeout_s),
            folder,
            timeout_s=limits.timeout_s,
            environment=task.to_environment() | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
            hidden=hidden,
        )
        _keep(written, answers)
        failures = _failures(folder / "report.xml", notebook)
    if failures is None:
        return Executed(timed_out=ended.returncode is None, trouble=ended.output[-2000:])
    return Executed(failures)


def _command(cell_timeout_s: float) -> list[str]:
    """A fork needs one thread (a child of a kernel that computed with two hangs), hence the environment above."""
    return [
        sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-q", "-c", "pytest.ini",
        "-p", "no:cacheprovider", f"--nbval-cell-timeout={cell_timeout_s:g}", "--junitxml=report.xml", _NAME,
    ]  # fmt: skip


def _keep(written: Path, answers: Path) -> None:
    """Copy the answer files, and nothing else that the student's process may have put there."""
    shutil.rmtree(answers, ignore_errors=True)
    answers.mkdir(parents=True)
    for file in sorted(written.glob("*.safetensors")):
        if file.is_file() and not file.is_symlink() and file.stat().st_size < 2**28:
            shutil.copyfile(file, answers / file.name)


def _failures(report: Path, notebook: NotebookNode) -> dict[str, str] | None:
    """Which named cells failed, from pytest's report; None if there is no report that can be read."""
    names = [cell.metadata.get("labkit") for cell in notebook.cells]  # nbval counts code cells, all of these
    found: dict[str, str] = {}
    if not report.is_file():  # a pipe in its place would be waited for
        return None
    try:
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            trouble = next((part for part in case if part.tag in ("failure", "error", "skipped")), None)
            if trouble is not None and (name := names[int(case.get("name", "").rpartition(" ")[2])]):
                found[name] = trouble.text or trouble.get("message") or ""
    except (OSError, ElementTree.ParseError, ValueError, IndexError):
        return None
    return found
