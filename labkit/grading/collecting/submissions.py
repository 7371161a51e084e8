"""What a layout says of a class: who handed in which files, and when."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO

from labkit.grading.collecting.tree import File, Folder, Ignored

_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zipx")


@dataclass(frozen=True)
class Submitted:
    """One notebook of one student.

    name:    the file's, without what a download has put before it
    folder:  the one that it lay in, "" where that is the student's
    attempt: its number, where the layout counts;  when: where the layout knows
    order:   what tells the later of two attempts, where the layout does: the greater
    late:    where the layout says so;  notes: for the student too
    """

    file: File
    name: str
    folder: str = ""
    attempt: int | None = None
    when: datetime | None = None
    order: float | None = None
    late: bool = False
    notes: tuple[str, ...] = ()


@dataclass
class Learner:
    """A student as a layout knows them, with all that they handed in.

    name:   for people, and the key as long as no other student has it
    number: what tells students of the same name apart
    ids:    what exports ask for: "canvas", "moodle", "email", "login", "sid"
    private_notes: what the layout leaves open about them, for the instructor
    """

    name: str
    number: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    submitted: list[Submitted] = field(default_factory=list)
    private_notes: list[str] = field(default_factory=list)


@dataclass
class Found:
    """A class in one layout. layout: in words;  dated: whether it knows when work was handed in"""

    layout: str
    learners: list[Learner]
    ignored: Ignored
    dated: bool = False


def notebooks_of(folder: Folder, ignored: Ignored, inside: str = "") -> Iterator[Submitted]:
    """The notebooks in a student's folder and below it; `ignored` takes the other files."""
    for file in folder.files:
        if file.is_notebook:
            yield Submitted(file, file.name, inside)
        else:
            ignore(file, ignored)
    if folder.trouble:
        yield Submitted(_unopened(folder), f"{folder.name}.zip", inside)
    for below in folder.folders:
        if below.name.lower().endswith(".ipynb"):
            yield Submitted(not_a_file(below, ignored), below.name, inside)
        else:
            yield from notebooks_of(below, ignored, below.name)


def not_a_file(folder: Folder, ignored: Ignored) -> File:
    """A folder that has a notebook's name: what was meant to be handed in cannot be read."""
    ignored.append((folder.path, "a folder, not a file"))
    return File(folder.name, folder.path, open=_nothing, trouble="a folder, not a file")


def _unopened(archive: Folder) -> File:
    return File(f"{archive.name}.zip", archive.path, open=_nothing, trouble=archive.trouble)


def ignore(file: File, ignored: Ignored) -> None:
    """Say why a file is not read, unless that is said already."""
    name = file.name.lower()
    if file.trouble:
        return
    if ".ipynb." in name:
        reason = f"its name goes on after .ipynb; rename it to {file.name[: name.index('.ipynb.') + 6]} to have it read"
    elif name.endswith(_ARCHIVES):
        reason = "an archive that is not opened; unpack it, or ask for a zip"
    else:
        reason = "a script, not a notebook" if name.endswith(".py") else "not a notebook"
    ignored.append((file.path, reason))


def joined(learners: list[Learner]) -> list[Learner]:
    """The same learners; what lies in several places under one name and number is one learner's."""
    met: dict[tuple[str, str], Learner] = {}
    for learner in learners:
        first = met.setdefault((learner.name, learner.number), learner)
        if first is not learner:
            first.submitted += learner.submitted
            first.private_notes += [n for n in learner.private_notes if n not in first.private_notes]
            first.ids = learner.ids | first.ids
    return list(met.values())


def _nothing() -> IO[bytes]:
    raise AssertionError("a file that has trouble is not opened")
