"""Finding submissions: a folder of students, each with notebooks somewhere in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from labkit.errors import LabError


@dataclass(frozen=True)
class Submission:
    """One student's notebook for one stage.

    notebook: None where the file cannot be read, and `trouble` says why
    """

    student: str
    stage: str
    path: Path
    notebook: NotebookNode | None
    trouble: str = ""


def students(folder: Path) -> tuple[str, ...]:
    """The students of a folder: the names of its sub-folders.

    Raises: LabError if there is no such folder, or no sub-folder in it
    """
    if not folder.is_dir():
        raise LabError(f"no folder {folder}; give the folder that holds one folder a student")
    names = tuple(sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")))
    if not names:
        raise LabError(
            f"no student in {folder}: expected one folder a student, such as {folder / 'ada'}/01_….ipynb"
        )
    return names


def collect(folder: Path, stages: Iterable[str]) -> list[Submission]:
    """Every student's notebook of every stage asked for, unreadable ones included.

    A stage is known by the exercises in the notebook, whatever the file is called; by the file's name
    where the notebook cannot be read. Of several files for a stage, the one saved last counts.
    """
    latest: dict[tuple[str, str], Submission] = {}
    wanted = set(stages)
    for student in students(folder):
        files = [p for p in (folder / student).rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
        for path in sorted(files, key=lambda p: p.lstat().st_mtime):
            found = _read(student, path)
            if found.stage in wanted:
                latest[student, found.stage] = found
    return sorted(latest.values(), key=lambda found: (found.student, found.stage))


def grade_id(cell: NotebookNode) -> str | None:
    """The task or check that a cell is: "01-2-task", "01-2-check"; None for any other cell."""
    marks = cell.get("metadata", {}).get("nbgrader")
    return str(marks["grade_id"]) if isinstance(marks, dict) and "grade_id" in marks else None


def _read(student: str, path: Path) -> Submission:
    by_name = path.name[:2]
    try:
        if path.is_symlink():
            raise ValueError("a link, not a file")
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        ids = [found for cell in notebook.cells if (found := grade_id(cell))]
    except Exception as error:  # whatever a broken file makes the reader raise
        trouble = (
            "the file is empty" if path.lstat().st_size == 0 else f"{type(error).__name__}: {error}"[:200]
        )
        return Submission(student, by_name, path, None, trouble)
    return Submission(student, ids[0][:2] if ids else by_name, path, notebook)
