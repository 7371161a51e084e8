"""What checks have said in a notebook, kept beside the notebooks, so that progress outlives the kernel.

A file in the notebooks' folder holds one line for each check, the latest last. It is only ever added to, in one
write for each line: two kernels do not overwrite each other, and a line that was cut short costs itself alone.
Deleting the file is beginning anew. Nothing leaves the machine.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labkit.checks.exercise import Exercise
from labkit.exercises.texts import text_of
from labkit.kernel import folder_of, students_shell

FILE = ".labkit-progress.jsonl"


@dataclass(frozen=True)
class Said:
    """What one check has said.

    title: the exercise's, since another version of the lab may have another exercise under this id
    text:  fingerprint of the cell that the function came from; empty if it came from elsewhere
    time:  in seconds since 1970, as the modification times of files are
    """

    exercise: str
    title: str
    passed: bool
    text: str
    time: float


_not_written: list[tuple[Path, Said]] = []  # where the folder cannot be written to: known in this kernel only


def remember(exercise: Exercise, function: Callable[..., Any], *, passed: bool) -> None:
    """Keep what a check has just said of a student's function, if it was asked in a notebook; not of the lab's own."""
    own = not str(getattr(function, "__module__", "")).startswith("labkit.")
    if own and (shell := students_shell()):
        said = Said(exercise.id, exercise.title, passed, text_of(function), time.time())
        append(said, folder_of(shell))


def append(said: Said, folder: Path) -> None:
    """Add a line to the folder's memory. Each begins with its own line break, so that none is glued to a broken one."""
    try:
        with (folder / FILE).open("ab", buffering=0) as file:
            file.write(f"\n{json.dumps(asdict(said))}".encode())
    except OSError:
        _not_written.append((folder, said))


def recall(folder: Path) -> list[Said]:
    """All that checks have said in this folder, the latest last; what cannot be read is left out."""
    try:
        lines = (folder / FILE).read_bytes().decode("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    read = [said for line in lines if (said := _parse(line))]
    return [*read, *(said for place, said in _not_written if place == folder)]


def is_kept(folder: Path) -> bool:
    """Whether all that checks have said in this folder outlives this kernel."""
    return all(place != folder for place, _ in _not_written)


def _parse(line: str) -> Said | None:
    """One line; None for what is damaged. Fields that a newer version may have added are passed over."""
    try:
        found = json.loads(line)
        said = Said(*(found[name] for name in Said.__dataclass_fields__))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    kinds = (str, str, bool, str, int | float)
    return said if all(map(isinstance, vars(said).values(), kinds)) else None
