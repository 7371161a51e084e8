"""Where the solved notebook of an exercise is, for whom it was handed out to."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from labkit.checks.exercise import Exercise
from labkit.kernel import folder_of, students_shell

SOLVED = "LABKIT_SOLVED"


def solution_of(exercise: Exercise) -> str | None:
    """The address of an exercise in its solved notebook, relative to the notebook that a student works in.

    None where no solutions are beside it, or where they lie outside of what the notebook's server shows.
    """
    if (shell := students_shell()) is None:
        return None
    here = folder_of(shell)
    for folder in (here.parent / "solutions", here / "solutions", *_told()):
        for found in sorted(folder.glob(f"{exercise.stage}_*.ipynb")):
            if all(found.is_relative_to(root) for root in _roots(shell)):
                place = quote(Path(os.path.relpath(found, here)).as_posix())
                return f"{place}#cell-id={exercise.slug}-task"
    return None


def _told() -> list[Path]:
    """The folder of solved notebooks that `labkit lab` has made, and tells the kernels of its server."""
    told = os.environ.get(SOLVED)
    return [Path(told)] if told else []


def _roots(shell: object) -> Iterator[Path]:
    """The folder that the server of this kernel shows, where it can be told."""
    from jupyter_server.serverapp import list_running_servers

    parents = {str(os.getppid()), os.environ.get("JPY_PARENT_PID", "")}
    for server in list_running_servers():
        if str(server.get("pid")) in parents:
            yield Path(str(server.get("root_dir", "")))
