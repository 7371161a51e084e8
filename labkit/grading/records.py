"""What grading passes from step to step and keeps on disk: plain data, that any process can read."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labkit.checks.answer import State
from labkit.files import write_whole


@dataclass(frozen=True)
class Student:
    """Whose work it is.

    key:  what tells students apart in a class, as the layout or the roster has it: a folder's name, a login, a number
    name: for people, the key where nothing else is known
    ids:  what exports ask for, where it is known: "canvas", "moodle", "email", "login"
    """

    key: str
    name: str = ""
    ids: tuple[tuple[str, str], ...] = ()

    @property
    def shown(self) -> str:
        return self.name or self.key

    @property
    def slug(self) -> str:
        """The key as a file name that every system takes; equal for equal keys, another for another."""
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", self.key).strip("._-")[:60]
        if plain == self.key and not _RESERVED.fullmatch(plain) and plain == plain.lower():
            return plain
        digest = hashlib.sha256(self.key.encode(errors="surrogatepass")).hexdigest()[:8]
        return f"{plain or 'student'}-{digest}"


_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Picture:
    """What a student's notebook shows below an exercise, not yet opened. shows: in words, "" where nothing says it"""

    exercise: str
    data: bytes
    shows: str = ""


@dataclass(frozen=True)
class HandedIn:
    """The file that counts for one student and one stage.

    file:     where it lay, for people: "canvas.zip/ada_1234_5678_05_guided_backprop-2.ipynb"
    sha256:   of its bytes, "" where they could not be read
    notebook: None where the file cannot be read, and `trouble` says why
    attempt:  its number, where the layout counts;  when: ISO 8601, where the layout knows;  late: after the due date
    notes:    what was decided on the way, in sentences that the student reads too: "the last of 3 attempts"
    private_notes: what concerns the instructor alone: "not in the roster"
    pictures: the first that the notebook shows below each exercise
    """

    student: str
    stage: str
    file: str
    sha256: str
    notebook: NotebookNode | None
    trouble: str = ""
    attempt: int | None = None
    when: str = ""
    late: bool = False
    notes: tuple[str, ...] = ()
    private_notes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Collected:
    """A class as it was found.

    layout:  in words: "one folder per student", "a Canvas download"
    ignored: what was left out and why: ("class/notes.txt", "not a notebook")
    """

    layout: str
    students: tuple[Student, ...]
    handed_in: tuple[HandedIn, ...]
    ignored: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How one exercise of one submission stands, without a point: points are the course's matter.

    message: what was checked, expected against got, and where; a traceback's end for a crash
    mistake: the planted mistake's name, where one explains it;  lesson: what to tell the student about it
    code:    the student's task cell
    flags:   what an instructor should look at, in sentences
    own_code: the one of these flags that says that a function of the lab does the work
    figure:  what the student's notebook shows below it, where it has not passed: a small WebP in base64;  figure_shows:
             what that is in words, if anything says it
    """

    exercise: str
    state: State
    message: str = ""
    mistake: str = ""
    lesson: str = ""
    code: str = ""
    flags: tuple[str, ...] = ()
    own_code: str = ""
    figure: str = ""
    figure_shows: str = ""


@dataclass(frozen=True)
class Result:
    """One submission, graded: one student, one stage.

    isolation: what kept it apart, as `sandbox.isolation` says, "" if nothing was run
    seconds, memory_mb: what running it took
    cold:  why everything was started anew for it, where that was not asked for
    notes: for the student too, and private_notes for the instructor alone, as of what was handed in
    """

    student: str
    stage: str
    file: str
    sha256: str
    outcomes: tuple[Outcome, ...]
    attempt: int | None = None
    when: str = ""
    late: bool = False
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    isolation: str = ""
    seconds: float = 0.0
    memory_mb: float = 0.0
    cold: str = ""
    private_notes: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        write_whole(path, json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> "Result":
        """Raises: ValueError, KeyError, TypeError, OSError for what is no such file."""
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        outcomes = tuple(
            Outcome(**o | {"state": State(o["state"]), "flags": tuple(o["flags"])})
            for o in fields.pop("outcomes")
        )
        fields |= {name: tuple(fields.get(name, ())) for name in ("notes", "flags", "private_notes")}
        return cls(outcomes=outcomes, **fields)


@dataclass(frozen=True)
class Mark:
    """What an outcome is worth in this course.

    why: an instructor's reason, where points were set by hand
    """

    outcome: Outcome
    points: float
    of: float
    why: str = ""


@dataclass(frozen=True)
class Row:
    """One student's marks, in the order of the exercises, and what they come to.

    points: after late rules
    notes:  what the student is told, in sentences;  private_notes: what the instructor alone is told
    """

    student: Student
    marks: tuple[Mark, ...]
    results: tuple[Result, ...]
    points: float
    of: float
    notes: tuple[str, ...] = ()
    private_notes: tuple[str, ...] = ()

    @property
    def all_notes(self) -> tuple[str, ...]:
        """For the instructor, each once."""
        return tuple(dict.fromkeys((*self.notes, *self.private_notes)))
