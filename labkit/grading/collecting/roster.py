"""The class as a CSV file, in the shapes that gradebooks, participants' lists and spreadsheets export."""

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path

from labkit.errors import LabError
from labkit.grading.collecting.notebooks import opened
from labkit.grading.collecting.text import decoded
from labkit.grading.collecting.tree import Ignored, shown

_LARGEST = 20 * 2**20  # bytes
_COLUMNS = {  # what a column is -> its headings, in letters and digits only
    "key": "key|studentkey|folder",
    "login": "login|loginid|sislogin|sisloginid|username|user|userid|netid|uid|uniqueid|account|benutzername"
    "|anmeldename",
    "email": "email|emailaddress|mail|emailadresse|mailadresse|studentemail|correo|courriel",
    "sid": "sid|studentid|studentnumber|sisuserid|sisid|idnumber|matriculationnumber|matriculation|matrikelnummer"
    "|matnr|uin|number|nummer|personid|orgdefinedid",
    "id": "id|canvasid|canvasuserid",
    "moodle": "identifier|moodle|moodleid|participant|participantid",
    "name": "name|fullname|student|studentname|displayname|learner|completename|vollstandigername|nomcomplet",
    "first": "firstname|first|givenname|givennames|forename|vorname|prenom|nombre",
    "last": "lastname|last|surname|familyname|nachname|familienname|nom|apellido|apellidos",
    "role": "role|roles|rolle|rollen",
}
_KIND = {heading: kind for kind, headings in _COLUMNS.items() for heading in headings.split("|")}
_STAFF = re.compile(r"teacher|instructor|staff|\bta\b|assistant|tutor|lehr|dozent|manager|professor", re.I)
_NO_STUDENT = {"student, test", "test student", "points possible"}


@dataclass(frozen=True)
class Entry:
    """A student in the roster. row: its number in the file;  ids: "canvas", "moodle", "email", "login", "sid" """

    row: int
    key: str
    name: str = ""
    ids: dict[str, str] = field(default_factory=dict)


def read_roster(path: Path, ignored: Ignored) -> list[Entry]:
    """The students of a roster; `ignored` takes the rows that are none.

    UTF-8, UTF-16 as Excel writes it, or Latin-1; commas, semicolons or tabs; headings in any order.
    Raises: LabError where it cannot be read or has no column that names students
    """
    rows = _rows(path)
    start, kinds = _heading(rows, path)
    entries: dict[str, Entry] = {}
    for number, row in enumerate(rows[start + 1 :], start + 2):
        cells = {kind: cell.strip() for kind, cell in zip(kinds, row, strict=False) if kind and cell.strip()}
        reason = _why_not(cells)
        entry = None if reason else _entry(number, cells, is_canvas="id" in kinds and "name" in kinds)
        if entry and (first := entries.get(entry.key.casefold())):
            reason = f"the same student as row {first.row}"
        if reason:
            ignored.append((f"{shown(path.name)}, row {number}", reason))
        elif entry:
            entries[entry.key.casefold()] = entry
    if not entries:
        raise LabError(f"no student in {shown(str(path))}; expected a heading and a row for each student")
    return list(entries.values())


def _rows(path: Path) -> list[list[str]]:
    try:
        with opened(path) as file:
            data = file.read(_LARGEST + 1)
    except LabError as error:
        raise LabError(f"the roster {shown(str(path))}: {error}") from None
    if len(data) > _LARGEST or data.startswith(b"PK"):
        raise LabError(f"the roster {shown(str(path))} is no CSV file; save the sheet as CSV")
    lines = decoded(data).lstrip("\ufeff").replace("\x00", "").splitlines()
    if lines and (told := re.fullmatch(r'"?sep=(.)"?', lines[0].strip())):
        return list(_parsed(["", *lines[1:]], told[1], path))
    head = "\n".join(lines[:5])
    return list(_parsed(lines, max(",;\t|", key=head.count), path))


def _parsed(lines: list[str], delimiter: str, path: Path) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise LabError(
            f"the roster {shown(str(path))} is no CSV file ({error}); save the sheet as CSV"
        ) from None


def _heading(rows: list[list[str]], path: Path) -> tuple[int, list[str]]:
    """The row of headings, which may have a title above it, and what each column is."""
    for number, row in enumerate(rows[:6]):
        kinds: list[str] = []
        for cell in row:
            kind = _KIND.get(re.sub(r"[\W_]+", "", cell.casefold()), "")
            kinds.append("" if kind in kinds else kind)
        if {*kinds} & {"key", "login", "email", "sid", "id", "name", "last"}:
            return number, kinds
    seen = ", ".join(rows[0][:6]) if rows else "nothing"
    raise LabError(
        f"no column of {shown(str(path))} says who is meant: expected a heading such as login, email, id or name, "
        f"got {shown(seen)[:120]}"
    )


def _why_not(cells: dict[str, str]) -> str:
    if not cells.keys() & {"key", "login", "email", "sid", "id", "name", "last", "moodle"}:
        return "an empty row"
    if cells.get("name", "").casefold() in _NO_STUDENT:
        return "no student"
    return f"not a student but {cells['role']}" if _STAFF.search(cells.get("role", "")) else ""


def _entry(row: int, cells: dict[str, str], *, is_canvas: bool) -> Entry:
    ids: dict[str, str] = {kind: cells[kind] for kind in ("email", "login", "sid") if kind in cells}
    if "id" in cells:
        ids["canvas" if is_canvas else "id"] = cells["id"]
    if match := re.search(r"\d+", cells.get("moodle", "")):
        ids["moodle"] = match[0]
    name = cells.get("name") or " ".join(cells[kind] for kind in ("first", "last") if kind in cells)
    last, comma, first = name.partition(", ")
    name = f"{first} {last}" if comma else name
    keys = [
        cells.get("key"),
        *(ids.get(kind) for kind in ("login", "email", "sid", "id", "canvas")),
        name,
        ids.get("moodle"),
    ]
    return Entry(row, next(key for key in keys if key), name, ids)
