"""Which of a notebook's cells is which of the released ones, whatever an editor has made of ids and marks."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping

from nbformat import NotebookNode

# ids as labkit.authoring.source gives them, and merging.py its notes
_OURS = re.compile(r"[0-9a-f]{12}(-\d+)?|\d\d-\d+-(task|check|changed)")


def is_ours(name: str) -> bool:
    """Whether an id is one that the lab gives; JupyterLab's, VS Code's and nbformat's are of other lengths."""
    return _OURS.fullmatch(name) is not None


def fingerprint(cell: NotebookNode) -> str:
    """Of a cell's kind and text, whatever line ends an editor has made."""
    text = "\n".join(cell.source.splitlines()).rstrip()
    return hashlib.sha256(f"{cell.cell_type}\n{text}".encode(errors="replace")).hexdigest()[:16]


def names_of(cells: list[NotebookNode], known: Iterable[str], texts: Mapping[str, str]) -> list[str]:
    """The released id of each of a student's cells; "" for a cell of the student's own, a copy of ours included.

    By its id, else by nbgrader's, which a copy has too, else, where an editor keeps no ids, by its text.
    """
    ids, names = set(known), [""] * len(cells)

    def by_id(cell: NotebookNode) -> str:
        name = str(cell.get("id", ""))
        return name if name in ids or is_ours(name) else ""

    def by_grade_id(cell: NotebookNode) -> str:
        return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))

    def by_text(cell: NotebookNode) -> str:
        return "" if "id" in cell else texts.get(fingerprint(cell), "")

    ways: tuple[Callable[[NotebookNode], str], ...] = (by_id, by_grade_id, by_text)
    for way in ways:
        for number, cell in enumerate(cells):
            if not names[number] and (name := way(cell)) not in names:
                names[number] = name
    return names


def role_of(cell: NotebookNode) -> str:
    marks = cell.metadata.get("nbgrader", {})
    return "task" if marks.get("solution") else "check" if marks.get("grade") else ""


def is_task_id(name: str) -> bool:
    return name.endswith("-task") and exercise_of(name) != ""


def exercise_of(name: str) -> str:
    """ "05.2" of "05-2-task"; empty for a cell of no exercise."""
    found = re.match(r"(\d\d)-(\d+)-[a-z]+$", name)
    return f"{found[1]}.{found[2]}" if found else ""
