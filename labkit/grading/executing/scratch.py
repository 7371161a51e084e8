"""The folder that a submission runs in: what is put there, and how what is left there is taken out again."""

import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat

from labkit.errors import LabError
from labkit.files import is_disk_full, write_whole
from labkit.grading.executing.cells import Piece

NOTEBOOK, ANSWERS, RECORD = "submission.ipynb", "answers", "cells.jsonl"
LARGEST = 256 * 2**20  # bytes of an answer file
_MOST_RECORD = 64 * 2**20
_SPARE = 64 * 2**20  # bytes: with less room on the disk, what fails is not the student's fault
_SIDE = Path(__file__).parent / "side"
_STARTUP = "from labkit.exercises import notebook as _\n_.begin()\ndel _\n"


def fill(
    folder: Path, pieces: Sequence[Piece], *, seed: int, timeout_s: float, checks: Mapping[str, str]
) -> None:
    """Put the notebook, and what runs it, into an empty folder.

    checks: exercise id -> text of its check cell
    """
    cells = [nbformat.v4.new_code_cell(piece.source) for piece in pieces]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / NOTEBOOK)
    (folder / "pytest.ini").write_text("[pytest]\n")
    shutil.copyfile(_SIDE / "conftest.py", folder / "conftest.py")
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-lab.py").write_text(_STARTUP)
    settings = {"folder": str(folder / ANSWERS), "seed": seed, "timeout_s": timeout_s, "checks": dict(checks)}
    (folder / "ipython" / "settings.json").write_text(json.dumps(settings))
    (folder / ANSWERS).mkdir()
    (folder / "matplotlib").mkdir()
    _lend_font_list(folder / "matplotlib")


def _lend_font_list(folder: Path) -> None:
    """Matplotlib's list of fonts, which it takes seconds to make anew."""
    with suppress(ImportError, OSError):
        import matplotlib

        for file in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
            shutil.copyfile(file, folder / file.name)


@contextmanager
def record(folder: Path) -> Iterator[Any]:
    """The file in which each cell's end is written down, opened before any of them runs: it may be replaced then."""
    with (folder / RECORD).open("w+b") as file:
        yield file


def read_record(file: Any) -> list[dict[str, Any]]:
    """The lines of the record that are what they should be; a student's code may have written to it."""
    file.seek(0)
    found = []
    for line in file.read(_MOST_RECORD).decode(errors="replace").splitlines():
        with suppress(ValueError, RecursionError):
            fields = json.loads(line)
            if isinstance(fields, dict) and isinstance(fields.get("cell"), int):
                found.append(fields)
    return found


def take_answers(folder: Path, slugs: Iterable[str], answers: Path) -> set[str]:
    """Copy the answer files of these exercises, following no link and waiting for no pipe.

    slugs:   "01-2" and so on; nothing else that may lie there is looked at
    Returns: those that were found
    """
    found = set()
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with suppress(OSError), _opened(folder / ANSWERS, flags | getattr(os, "O_DIRECTORY", 0)) as place:
        for slug in slugs:
            name = f"{slug}.safetensors"
            with suppress(FileNotFoundError), _opened(name, flags, place) as handle:
                if (content := _content(handle)) is not None:
                    write_whole(answers / name, content)
                    found.add(slug)
    return found


@contextmanager
def _opened(path: Path | str, flags: int, place: int | None = None) -> Iterator[int]:
    handle = os.open(path, flags, dir_fd=place)
    try:
        yield handle
    finally:
        os.close(handle)


def _content(handle: int) -> bytes | None:
    """What is in a regular file that has one name and is not too large."""
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1 or about.st_size > LARGEST:
        return None
    with os.fdopen(os.dup(handle), "rb") as file:
        content = file.read(LARGEST + 1)
    return content if len(content) <= LARGEST else None


def expect_room(folder: Path) -> None:
    """Raises: LabError where the disk is full"""
    if shutil.disk_usage(folder).free < _SPARE:
        raise LabError(f"the disk of {folder} is full; make room and start again, what is done stays done")


@contextmanager
def said_in_a_sentence() -> Iterator[None]:
    """A disk that is full is told in a sentence; other trouble with files as it is."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise LabError("the disk is full; make room and start again, what is done stays done") from error
        raise
