"""Zips as folders: nothing is unpacked onto the disk, and no archive can make us read more than we mean to."""

import struct
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any, BinaryIO

from labkit.errors import LabError
from labkit.grading.collecting import tree
from labkit.grading.collecting.notebooks import LARGEST, kind_of, too_large
from labkit.grading.collecting.tree import MOST_FILES, File, Folder, Ignored, add, hidden, shown

LARGEST_ARCHIVE = 200 * 2**20  # bytes, of one inside another
LARGEST_WHOLE, MOST_PACKED = (
    1000 * 2**20,
    50,
)  # bytes, of all notebooks in an archive, if packed tighter than this
LARGEST_LIST = 64 * 2**20  # bytes, of an archive's list of its files
DEEPEST = 3  # archives in archives
_BROKEN = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, struct.error)
_OPEN_AT_ONCE = 4


class Archives:
    """Zips that have been looked into. The last few stay open for reading; leaving the context closes them."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[zipfile.ZipFile, ExitStack]] = {}

    def __enter__(self) -> "Archives":
        return self

    def __exit__(self, *_error: object) -> None:
        while self._open:
            self._close_oldest()

    def unzip(self, file: File, ignored: Ignored, depth: int = 0) -> Folder | None:
        """An archive's tree; None where it cannot be opened, and `ignored` says why."""
        try:
            if depth >= DEEPEST:
                raise LabError(f"a zip in zips, more than {DEEPEST} deep")
            members = _expect_bounded(self._zip(file), inner=depth > 0)
        except LabError as error:
            ignored.append((file.path, str(error)))
            return None
        folder = Folder(file.name[: -len(".zip")], file.path, archive=True)
        files: dict[str, File] = {}
        for place, member in _places(folder, members, ignored):
            found = self._member(place, member, file)
            if found.path in files:
                place.files.remove(files[found.path])
                ignored.append((found.path, "twice in the archive; the later one is read"))
            add(place, found, ignored, lambda inner, out: self.unzip(inner, out, depth + 1))
            if place.files and place.files[-1] is found:
                files[found.path] = found
        return folder

    def _member(self, place: Folder, member: zipfile.ZipInfo, archive: File) -> File:
        name = _parts(member)[-1]
        largest = LARGEST_ARCHIVE if name.lower().endswith(".zip") else LARGEST + 1
        return File(
            shown(name),
            f"{place.path}/{shown(name)}",
            lambda: self._unpack(archive, member, largest),
            _modified(member),
            _trouble(member),
        )

    def _zip(self, file: File) -> zipfile.ZipFile:
        if file.path not in self._open:
            while len(self._open) >= _OPEN_AT_ONCE:
                self._close_oldest()
            with ExitStack() as stack:
                stream = stack.enter_context(file.open())
                try:
                    _expect_short_list(stream)
                    opened = stack.enter_context(zipfile.ZipFile(stream))
                except _BROKEN as error:
                    raise LabError(
                        f"a zip that cannot be opened ({_first_line(error)}); ask for it again"
                    ) from None
                self._open[file.path] = opened, stack.pop_all()
        return self._open[file.path][0]

    def _close_oldest(self) -> None:
        self._open.pop(next(iter(self._open)))[1].close()

    def _unpack(self, archive: File, member: zipfile.ZipInfo, largest: int) -> BinaryIO:
        """A file of an archive, up to this size: in memory, or in a file without a name where it is large."""
        with ExitStack() as stack:
            copy: Any = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=LARGEST + 2))
            try:
                with self._zip(archive).open(member) as stream:
                    while block := stream.read(min(2**20, largest - copy.tell())):
                        copy.write(block)
            except LabError:
                raise
            except Exception as error:  # each way to compress has errors of its own
                raise LabError(f"it cannot be unpacked ({_first_line(error)}); ask for it again") from None
            copy.seek(0)
            stack.pop_all()
        return copy


def _expect_short_list(stream: BinaryIO) -> None:
    """Ask how long an archive's list of files is before it is read into memory."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 2**16 - 100))
    end = stream.read()
    at, wide = end.rfind(b"PK\5\6"), end.rfind(b"PK\6\6")
    length = struct.unpack_from("<L", end, at + 12)[0] if at >= 0 else 0
    if length == 2**32 - 1 and wide >= 0:
        length = struct.unpack_from("<Q", end, wide + 40)[0]
    if length > LARGEST_LIST:
        raise LabError("a zip with more files than any student has; it is not opened")
    stream.seek(0)


def _expect_bounded(archive: zipfile.ZipFile, *, inner: bool) -> list[zipfile.ZipInfo]:
    """An archive's members, unless they are too many, or come to far more than such a file can hold."""
    members = archive.infolist()
    if len(members) > (MOST_FILES // 10 if inner else MOST_FILES):
        raise LabError(f"a zip with {len(members):,} files; it is not opened")
    size = sum(member.file_size for member in members if member.filename.lower().endswith(".ipynb"))
    if size > max(LARGEST_WHOLE, MOST_PACKED * archive.start_dir):
        raise LabError(f"a zip whose notebooks are {size / 2**30:,.1f} GB; it is not opened")
    return members


def _places(
    top: Folder, members: list[zipfile.ZipInfo], ignored: Ignored
) -> Iterator[tuple[Folder, zipfile.ZipInfo]]:
    """Each file with the folder that it lies in; folders are made on the way, empty ones too."""
    folders: dict[tuple[str, ...], Folder] = {(): top}
    told: set[str] = set()
    for member in members:
        parts = _parts(member)
        if not parts or ".." in parts or _name(member).startswith("/") or parts[0].endswith(":"):
            ignored.append((f"{top.path}/{shown(_name(member))}", "its name leads out of the archive"))
            continue
        if len(parts) > tree.DEEPEST:
            ignored.append((f"{top.path}/{shown(parts[0])}/", f"more than {tree.DEEPEST} folders deep"))
            continue
        secret = next((n for n, part in enumerate(parts) if hidden(part)), None)
        if secret is not None:
            path = "/".join([top.path, *map(shown, parts[: secret + 1])])
            if path not in told:
                ignored.append((path, hidden(parts[secret])))
            told.add(path)
            continue
        folder = _folder(folders, parts if member.is_dir() else parts[:-1])
        if not member.is_dir():
            yield folder, member


def _folder(folders: dict[tuple[str, ...], Folder], parts: tuple[str, ...]) -> Folder:
    for depth in range(1, len(parts) + 1):
        if parts[:depth] not in folders:
            above, name = folders[parts[: depth - 1]], shown(parts[depth - 1])
            folders[parts[:depth]] = Folder(name, f"{above.path}/{name}")
            above.folders.append(folders[parts[:depth]])
    return folders[parts]


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return tuple(part for part in _name(member).split("/") if part not in ("", "."))


def _name(member: zipfile.ZipInfo) -> str:
    """A member's name: UTF-8 where it is, said or not, and with the slashes of every system."""
    name = member.filename
    if not member.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _trouble(member: zipfile.ZipInfo) -> str:
    mode, largest = member.external_attr >> 16, LARGEST
    if member.create_system == 3 and mode & 0o170000 not in (0, 0o100000, 0o040000):
        return f"{kind_of(mode)}, not a file"
    if member.flag_bits & 1:
        return "locked with a password; ask for it without"
    if _name(member).lower().endswith(".zip"):
        largest = LARGEST_ARCHIVE
    return too_large(member.file_size, largest) if member.file_size > largest else ""


def _modified(member: zipfile.ZipInfo) -> float:
    try:
        return time.mktime((*member.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:100]
