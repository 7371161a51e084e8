"""Students as the layout knows them and as the roster does: matched where that is sure, and noted where it is not."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from labkit.grading.collecting.roster import Entry, read_roster
from labkit.grading.collecting.tree import Ignored
from labkit.grading.records import HandedIn, Student

NOT_THERE = "not in the roster"  # how a note about such a student begins
_KINDS = {
    "sid": ("sid", "id"),
    "login": ("login", "sid"),
    "email": ("email",),
    "canvas": ("canvas",),
    "moodle": ("moodle",),
}


def with_roster(
    path: Path, students: list[Student], work: list[HandedIn], ignored: Ignored
) -> tuple[list[Student], list[HandedIn]]:
    """The class with the roster's names and ids, and with those who handed in nothing.

    Who handed in and is not in the roster, or could be several there, stays as they are, with a private note.
    Raises: LabError for a roster that cannot be read
    """
    entries = read_roster(path, ignored)
    matched, notes = match(students, entries)
    known = [
        _known(student, matched[student.key]) if student.key in matched else student for student in students
    ]
    taken = {entry.row for entry in matched.values()}
    keys = {student.key for student in known}
    for entry in entries:
        if entry.row not in taken:
            known.append(Student(_free(entry, keys), entry.name, tuple(sorted(entry.ids.items()))))
            keys.add(known[-1].key)
    at_work = {one.student for one in work}
    ignored += [(key, f"handed in nothing, and {note}") for key, note in notes.items() if key not in at_work]
    work = [
        replace(one, private_notes=(*one.private_notes, notes[one.student])) if one.student in notes else one
        for one in work
    ]
    return known, work


def match(students: list[Student], entries: list[Entry]) -> tuple[dict[str, Entry], dict[str, str]]:
    """Who is who, by key, and what is to be said of those for whom that is not clear.

    By ids of one kind first, then by what a folder is called, then by names; what fits two is no match.
    """
    matched: dict[str, Entry] = {}
    notes: dict[str, str] = {}
    for fits in (_same_id, _called_so, _same_name, _names_it):
        left = [student for student in students if student.key not in matched and student.key not in notes]
        free = [entry for entry in entries if entry not in matched.values()]
        _match(left, free, fits, matched, notes)
    for student in students:
        if student.key not in matched and student.key not in notes:
            notes[student.key] = f"{NOT_THERE}{_nearest(student, entries)}"
    return matched, notes


def _match(
    students: list[Student],
    entries: list[Entry],
    fits: Callable[[Student, Entry], bool],
    matched: dict[str, Entry],
    notes: dict[str, str],
) -> None:
    found = {student.key: [entry for entry in entries if fits(student, entry)] for student in students}
    wanted: dict[int, list[str]] = {}
    for key, these in found.items():
        if len(these) > 1:
            notes[key] = f"{NOT_THERE} for sure: it could be {' or '.join(map(_of, these[:4]))}"
        for entry in these:
            wanted.setdefault(entry.row, []).append(key)
    for key, these in found.items():
        if len(these) == 1:
            others = [other for other in wanted[these[0].row] if other != key]
            if others:
                notes[key] = f"{NOT_THERE} for sure: {_of(these[0])} could also be {', '.join(others[:4])}"
            else:
                matched[key] = these[0]
                if fits is _names_it:
                    notes[key] = f"taken for {_of(these[0])} of the roster"


def _same_id(student: Student, entry: Entry) -> bool:
    return any(
        value.casefold() == entry.ids.get(other, "").casefold()
        for kind, value in student.ids
        for other in _KINDS.get(kind, ())
    )


def _called_so(student: Student, entry: Entry) -> bool:
    values = {entry.key, *entry.ids.values(), entry.ids.get("email", "").partition("@")[0]}
    return {student.key.casefold(), student.shown.casefold()} & {
        value.casefold() for value in values if value
    } != set()


def _same_name(student: Student, entry: Entry) -> bool:
    mine, theirs = _words(student.shown), _words(entry.name)
    turns = {"".join(theirs[n:] + theirs[:n]) for n in range(len(theirs))}
    return bool(theirs) and (sorted(mine) == sorted(theirs) or "".join(mine) in turns)


def _names_it(student: Student, entry: Entry) -> bool:
    """Whether a folder's name has the whole name in it, or a number: "Ada Lovelace, lab 5", "12345678_ada"."""
    mine, theirs = {*_words(student.key)}, {*_words(entry.name)}
    numbers = {v.casefold() for v in entry.ids.values() if len(v) > 3 and any(c.isdigit() for c in v)}
    return (len(theirs) > 1 and theirs <= mine) or bool(numbers & mine)


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFC", name).casefold().replace("'", "").replace("’", "")
    return re.findall(r"[^\W_]+", plain)


def _nearest(student: Student, entries: Iterable[Entry]) -> str:
    names = {entry.name.casefold(): entry for entry in entries if entry.name}
    near = get_close_matches(student.shown.casefold(), names, n=1, cutoff=0.75)
    return f"; the nearest there is {_of(names[near[0]])}" if near else ""


def _of(entry: Entry) -> str:
    return f"{entry.name} ({entry.key})" if entry.name and entry.name != entry.key else entry.key


def _known(student: Student, entry: Entry) -> Student:
    ids = entry.ids | dict(student.ids)
    return Student(student.key, entry.name or student.name, tuple(sorted(ids.items())))


def _free(entry: Entry, keys: set[str]) -> str:
    key, number = entry.key, 2
    while key in keys:
        key, number = f"{entry.key}_{number}", number + 1
    return key
