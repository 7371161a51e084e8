"""What lies in a folder or a zip, as one tree of files, with reasons for whatever is not looked at."""

import os
import stat
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from labkit.errors import LabError
from labkit.grading.collecting.notebooks import LARGEST, kind_of, opened, too_large

Ignored = list[tuple[str, str]]  # where it lies, and why it is not read
MOST_FILES, DEEPEST = 200_000, 20
_SYSTEM = {"__MACOSX", "System Volume Information", "$RECYCLE.BIN", "desktop.ini", "Thumbs.db"}


@dataclass(frozen=True)
class File:
    """A file, for reading once.

    path:     where it lies, for people: "class.zip/ada/05.ipynb"
    modified: seconds, by its folder or its archive
    trouble:  why it cannot be read, where that is known without trying
    open:     gives it for reading in bytes, or raises LabError
    """

    name: str
    path: str
    open: Callable[[], IO[bytes]]
    modified: float = 0
    trouble: str = ""

    @property
    def is_notebook(self) -> bool:
        return self.name.lower().endswith(".ipynb")

    @property
    def is_archive(self) -> bool:
        return self.name.lower().endswith(".zip")

    def read(self, largest: int = LARGEST) -> bytes:
        """Its bytes. Raises: LabError where it cannot be read, or is larger than that"""
        if self.trouble:
            raise LabError(self.trouble)
        with self.open() as stream:
            data = stream.read(largest + 1)
        if len(data) > largest:
            raise LabError(too_large(len(data), largest))
        return data


Unzip = Callable[[File, Ignored], "Folder | None"]


@dataclass
class Folder:
    """A folder, or an archive, which is a folder too.

    name:    of an archive without ".zip"
    trouble: why an archive cannot be opened
    """

    name: str
    path: str
    files: list[File] = field(default_factory=list)
    folders: list["Folder"] = field(default_factory=list)
    archive: bool = False
    trouble: str = ""

    @property
    def items(self) -> Iterator["Folder | File"]:
        """What lies in it, and not below."""
        yield from self.folders
        yield from self.files

    def notebooks(self) -> Iterator[File]:
        """Those in it and in its folders."""
        yield from (file for file in self.files if file.is_notebook)
        for folder in self.folders:
            yield from folder.notebooks()

    def file(self, name: str) -> File | None:
        return next((file for file in self.files if file.name == name), None)


def shown(name: str) -> str:
    """A file's name in letters that every program can print and that tell names apart.

    Bytes that are no UTF-8 and letters that do not show are written as \\xNN; accents are one letter with their vowel.
    """
    name = os.fsencode(name).decode("utf-8", "backslashreplace") if not name.isprintable() else name
    name = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    return unicodedata.normalize("NFC", name)


def hidden(name: str) -> str:
    """Why a file or folder of this name is not looked at, or nothing."""
    if name == ".ipynb_checkpoints":
        return "Jupyter's own copies"
    if name in _SYSTEM or name.startswith("._"):
        return "the system's own, not a student's"
    return "hidden" if name.startswith(".") else ""


def walk(place: Path, ignored: Ignored, unzip: Unzip) -> Folder:
    """The tree of a folder. No link is followed, and a zip in it becomes a folder.

    unzip: gives an archive's tree, or None where it has said in `ignored` why not
    Raises: LabError for a folder that cannot be read
    """
    top = Folder(shown(os.path.basename(os.path.abspath(place))), shown(str(place)))
    try:
        os.scandir(place).close()
    except OSError as error:
        raise LabError(f"{shown(str(place))} cannot be read: {error.strerror}") from None
    _fill(top, place, ignored, unzip, [MOST_FILES])
    return top


def _fill(
    folder: Folder, place: Path, ignored: Ignored, unzip: Unzip, left: list[int], depth: int = 0
) -> None:
    """left: how many files may yet lie in this folder and those beside it; the top's folders have their own each"""
    try:
        entries = sorted(os.scandir(place), key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        ignored.append((f"{folder.path}/", f"a folder that cannot be read ({error.strerror})"))
        return
    left[0] -= len(entries)
    if left[0] < 0:
        ignored.append((f"{folder.path}/", f"more than {MOST_FILES:,} files; it is not looked at"))
        return
    for entry in entries:
        path = f"{folder.path}/{shown(entry.name)}"
        if reason := hidden(entry.name):
            ignored.append((path, reason))
        elif entry.is_dir(follow_symlinks=False):
            below = Folder(shown(entry.name), path)
            folder.folders.append(below)
            if depth < DEEPEST:
                _fill(below, Path(entry.path), ignored, unzip, left if depth else [MOST_FILES], depth + 1)
            else:
                ignored.append((f"{path}/", f"more than {DEEPEST} folders deep"))
        else:
            add(folder, _file(entry, path), ignored, unzip)


def add(folder: Folder, file: File, ignored: Ignored, unzip: Unzip) -> None:
    """Put a file into its folder, or an archive as a folder."""
    if file.is_archive and not file.trouble:
        archive = unzip(file, ignored)
        if archive is None:
            archive = Folder(file.name[: -len(".zip")], file.path, archive=True, trouble=ignored[-1][1])
        folder.folders.append(archive)
        return
    if file.trouble:
        ignored.append((file.path, file.trouble))
    folder.files.append(file)


def _file(entry: os.DirEntry[str], path: str) -> File:
    place, name, modified, trouble = Path(entry.path), shown(entry.name), 0.0, ""
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError as error:
        trouble = f"it cannot be read ({error.strerror})"
    else:
        modified = found.st_mtime
        if not stat.S_ISREG(found.st_mode):
            trouble = f"{kind_of(found.st_mode)}, not a file"
        elif found.st_size > LARGEST and not name.lower().endswith(".zip"):
            trouble = too_large(found.st_size)
    return File(name, path, lambda: opened(place), modified, trouble)
