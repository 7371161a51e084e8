"""The text of an answer, alike in the kernel, where its function is, and in the saved notebook, where its cell is."""

import ast
import hashlib
import inspect
import json
import linecache
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

_CHECK = re.compile(r"""^[ \t]*check\(\s*["'](\d\d\.\d+)["']""", re.MULTILINE)
_HEADING = re.compile(r"^#+ Exercise (\d\d\.\d+)\b", re.MULTILINE)
_TITLE = re.compile(r"^# (.+?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Notebook:
    """What progress wants to know of a notebook as it is saved.

    saved:     when, in seconds since 1970
    exercises: the ids that it checks
    texts:     fingerprints of its code cells
    sections:  exercise id -> the id of the cell that its section begins with
    """

    path: Path
    saved: float
    title: str = ""
    exercises: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    sections: dict[str, str] = field(default_factory=dict)

    def address_of(self, exercise_id: str = "") -> str:
        """Its address from its own folder; that of an exercise's section, where it has one."""
        section = self.sections.get(
            exercise_id
        )  # by the cell: JupyterLab does not find a heading with · in it
        return quote(self.path.name) + (f"#cell-id={quote(section)}" if section else "")


def read_notebooks(folder: Path) -> list[Notebook]:
    """The notebooks of this lab in a folder, a notebook before its copies; those that cannot be read are left out."""
    paths = sorted(folder.glob("*.ipynb"), key=lambda path: (len(path.name), path.name))
    return [notebook for path in paths if (notebook := _look(path)) and notebook.exercises]


def _look(path: Path) -> Notebook | None:
    try:
        return _read(path, path.stat().st_mtime)
    except OSError:
        return None


@lru_cache(maxsize=64)  # a panel asks after each check, and few notebooks have changed by then
def _read(path: Path, saved: float) -> Notebook | None:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        prose = [
            ("".join(cell["source"]), str(cell.get("id", "")))
            for cell in cells
            if cell["cell_type"] == "markdown"
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # cut short, or no notebook
        return None
    titles = [title[1] for text, _ in prose if (title := _TITLE.search(text))]
    return Notebook(
        path,
        saved,
        titles[0] if titles else path.stem,
        frozenset(_CHECK.findall("\n".join(code))),
        frozenset(map(fingerprint, code)) - {""},
        {exercise: cell for text, cell in prose for exercise in _HEADING.findall(text)},
    )


def text_of(function: Callable[..., Any]) -> str:
    """The fingerprint of the cell that defines a function; empty for what is from a file, or no function."""
    try:
        file = inspect.unwrap(function).__code__.co_filename
        if Path(file).exists():
            return ""
    except (AttributeError, ValueError, OSError):  # no function; wrapped in a circle; no name of a file
        return ""
    return fingerprint("".join(linecache.getlines(file)))


def fingerprint(code: str) -> str:
    """Of a cell's code, whatever its comments, blank lines and indentation; empty for none, or if it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            plain = ast.unparse(_parse(code))
    except (SyntaxError, ValueError, RecursionError):
        return ""
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:16] if plain else ""


def _parse(code: str) -> ast.Module:
    """The tree of a cell. A magic becomes a call, as it does in the kernel.

    Raises: SyntaxError
    """
    try:
        return ast.parse(code)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager

        return ast.parse(TransformerManager().transform_cell(code))
