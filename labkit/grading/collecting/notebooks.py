"""Reading notebooks as they come: what grading needs of them is taken, and what is wrong with the rest is no matter."""

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from nbformat import NotebookNode

from labkit.errors import LabError
from labkit.grading.collecting.text import json_of

LARGEST = 50 * 2**20  # bytes; 3 MB is a large notebook
MOST_CELLS = 100_000
_KINDS = {"code": "code", "markdown": "markdown", "raw": "raw", "heading": "markdown", "html": "markdown"}
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_LONE = re.compile("[\ud800-\udfff]")


def read_notebook(source: Path | bytes) -> NotebookNode:
    """A notebook's cells: kind, id, source, nbgrader's marks and tags. Outputs and attachments are left out.

    Its metadata have "labkit" in them if it is the lab's own solution.

    All versions of the format are read, and files that nbformat refuses: with ids missing or twice, without metadata,
    with outputs that are none. Lines end in a newline, and half a surrogate pair is U+FFFD, so that what comes back
    is valid and can be written.

    Raises: LabError that says what is wrong and what to ask the student for
    """
    return notebook_of(json_of(source if isinstance(source, bytes) else _bytes_of(source)))


def notebook_of(content: Any) -> NotebookNode:
    """The same from what a notebook's bytes say as JSON."""
    cells = list(_cells_of(content))
    if not any(isinstance(cell, dict) for cell in cells):
        raise LabError("it holds no cells, so it is no notebook; ask for the .ipynb")
    if len(cells) > MOST_CELLS:
        raise LabError(
            f"{len(cells):,} cells, and no more than {MOST_CELLS:,} are read; ask for it with fewer"
        )
    seen: set[str] = set()
    read = [_cell(cell, number, seen) for number, cell in enumerate(cells) if isinstance(cell, dict)]
    metadata = NotebookNode(language_info=NotebookNode(name="python"))
    if is_solution(content):
        metadata.labkit = NotebookNode(solution=True)
    return NotebookNode(nbformat=4, nbformat_minor=5, metadata=metadata, cells=read)


def is_solution(content: Any) -> bool:
    """Whether a notebook is the lab's own solution, or was made from it."""
    metadata = content.get("metadata") if isinstance(content, dict) else None
    return isinstance(metadata, dict) and "labkit" in metadata


def grade_id(cell: NotebookNode) -> str | None:
    """The task or check that a cell is: "01-2-task", "01-2-check"; None for any other cell."""
    marks = cell.get("metadata", {}).get("nbgrader")
    return str(marks["grade_id"]) if isinstance(marks, dict) and "grade_id" in marks else None


def opened(path: Path) -> IO[bytes]:
    """A regular file, opened for reading in bytes: no link is followed, and no pipe is waited for.

    Raises: LabError
    """
    try:
        handle = os.open(path, _FLAGS)
    except OSError as error:
        raise LabError(f"it cannot be opened ({error.strerror})") from None
    except ValueError:
        raise LabError("it cannot be opened (a name that no file has)") from None
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise LabError(f"{kind_of(mode)}, not a file")
    return os.fdopen(handle, "rb")


_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC")
)


def too_large(size: int, largest: int = LARGEST) -> str:
    return f"{size / 2**20:,.0f} MB, and no more than {largest / 2**20:.0f} are read"


def kind_of(mode: int) -> str:
    """What a thing in a folder is, if it is no regular file."""
    kinds = {
        stat.S_IFLNK: "a link",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "a device")


def _bytes_of(path: Path) -> bytes:
    with opened(path) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise LabError(too_large(len(data)))
    return data


def _cells_of(content: Any) -> Iterable[Any]:
    """The cells of any version of the format: until version 3 they lay on worksheets."""
    if not isinstance(content, dict):
        return
    sheets = content.get("worksheets")
    for holder in (content, *(sheets if isinstance(sheets, list) else ())):
        cells = holder.get("cells") if isinstance(holder, dict) else None
        yield from cells if isinstance(cells, list) else ()


def _cell(cell: dict[str, Any], number: int, seen: set[str]) -> NotebookNode:
    named = cell.get("cell_type", "code")
    kind = _KINDS.get(named, "raw") if isinstance(named, str) else "raw"
    found = NotebookNode(
        cell_type=kind, id=_id(cell, number, seen), metadata=_metadata(cell), source=_source(cell)
    )
    if kind == "code":
        found.update(execution_count=None, outputs=[])
    return found


def _source(cell: dict[str, Any]) -> str:
    lines = next((cell[name] for name in ("source", "input") if isinstance(cell.get(name), str | list)), "")
    if isinstance(lines, list):
        lines = "".join(line for line in lines if isinstance(line, str))
    return _LONE.sub("\ufffd", lines.replace("\r\n", "\n").replace("\r", "\n"))


def _id(cell: dict[str, Any], number: int, seen: set[str]) -> str:
    """The cell's own id where it has one that no cell above has; else its place, so that it is the same each time."""
    found = cell.get("id")
    if not isinstance(found, str) or not _ID.fullmatch(found) or found in seen:
        found = f"cell-{number}"
        while found in seen:
            found += "-"
    seen.add(found)
    return found


def _metadata(cell: dict[str, Any]) -> NotebookNode:
    given = cell.get("metadata")
    given = given if isinstance(given, dict) else {}
    kept = NotebookNode()
    if isinstance(marks := given.get("nbgrader"), dict):
        plain = {key: value for key, value in marks.items() if isinstance(value, str | int | float | bool)}
        kept.nbgrader = NotebookNode(_clean(plain))
    if isinstance(tags := given.get("tags"), list):
        kept.tags = [
            _LONE.sub("\ufffd", tag) for tag in dict.fromkeys(t for t in tags if isinstance(t, str) and t)
        ]
    return kept


def _clean(marks: dict[str, Any]) -> dict[str, Any]:
    return {
        _LONE.sub("\ufffd", key): _LONE.sub("\ufffd", value) if isinstance(value, str) else value
        for key, value in marks.items()
    }
