"""Zips as folders: nothing is unpacked onto the disk, and no archive can make us read more than we mean to."""

import struct
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from labkit.errors import LabError
from labkit.grading.collecting.members import LARGEST_ARCHIVE, modified, parts_of, places, trouble_of
from labkit.grading.collecting.notebooks import LARGEST
from labkit.grading.collecting.tree import MOST_FILES, File, Folder, Ignored, add, shown

LARGEST_LIST = 64 * 2**20  # bytes, of an archive's list of its files
LARGEST_WHOLE, MOST_PACKED = (
    1000 * 2**20,
    50,
)  # bytes of all that comes out of a zip, or else so many times its own
DEEPEST = 3  # archives in archives
_OPEN_AT_ONCE = 4


class Archives:
    """Zips that have been looked into. The last few stay open for reading; leaving the context closes them."""

    def __init__(self) -> None:
        # by id; the file too, so that its id stays its own
        self._open: dict[int, tuple[zipfile.ZipFile, ExitStack, File]] = {}

    def __enter__(self) -> "Archives":
        return self

    def __exit__(self, *_error: object) -> None:
        while self._open:
            self._close_oldest()

    def unzip(self, file: File, ignored: Ignored) -> Folder | None:
        """An archive's tree; None where it cannot be opened, and `ignored` says why."""
        return self._unzip(file, ignored, 0, [])

    def _unzip(self, file: File, ignored: Ignored, depth: int, left: list[int]) -> Folder | None:
        """left: how many bytes may yet come out of the outermost archive; empty if that is this one"""
        try:
            if depth >= DEEPEST:
                raise LabError(f"a zip in zips, more than {DEEPEST} deep")
            archive = self._zip(file)
            left = left or [_most(archive)]
            members = _expect_bounded(archive, inner=depth > 0)
        except LabError as error:
            ignored.append((file.path, str(error)))
            return None
        folder = Folder(file.name[: -len(".zip")], file.path, archive=True)
        files: dict[str, File] = {}
        for place, member in places(folder, members, ignored):
            found = self._member(place, member, file, left)
            if found.path in files:
                place.files.remove(files[found.path])
                ignored.append((found.path, "twice in the archive; the later one is read"))
            add(place, found, ignored, lambda inner, out: self._unzip(inner, out, depth + 1, left))
            if place.files and place.files[-1] is found:
                files[found.path] = found
        return folder

    def _member(self, place: Folder, member: zipfile.ZipInfo, archive: File, left: list[int]) -> File:
        name = shown(parts_of(member)[-1])
        largest = LARGEST_ARCHIVE if name.lower().endswith(".zip") else LARGEST + 1
        return File(
            name,
            f"{place.path}/{name}",
            lambda: self._unpack(archive, member, largest, left),
            modified(member),
            trouble_of(member),
        )

    def _zip(self, file: File) -> zipfile.ZipFile:
        if id(file) not in self._open:
            while len(self._open) >= _OPEN_AT_ONCE:
                self._close_oldest()
            with ExitStack() as stack:
                stream = stack.enter_context(file.open())
                with _saying("a zip that cannot be opened"):
                    _expect_short_list(stream)
                    opened = stack.enter_context(zipfile.ZipFile(stream))
                self._open[id(file)] = opened, stack.pop_all(), file
        return self._open[id(file)][0]

    def _close_oldest(self) -> None:
        self._open.pop(next(iter(self._open)))[1].close()

    def _unpack(self, archive: File, member: zipfile.ZipInfo, largest: int, left: list[int]) -> IO[bytes]:
        """A file of an archive, up to this size: in memory, or in a file without a name where it is large."""
        with ExitStack() as stack:
            copy: IO[bytes] = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=LARGEST + 2))
            with _saying("it cannot be unpacked"), self._zip(archive).open(member) as stream:
                while block := stream.read(min(2**20, largest - copy.tell())):
                    copy.write(block)
                    left[0] -= len(block)
                    if left[0] < 0:
                        raise LabError(
                            "more comes out of this zip than of any student's; it is not read to its end"
                        )
            copy.seek(0)
            stack.pop_all()
        return copy


@contextmanager
def _saying(what: str) -> Iterator[None]:
    """Whatever goes wrong with an archive becomes a sentence: each way to compress has errors of its own."""
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise LabError(f"{what} ({reason}); ask for it again") from None


def _most(archive: zipfile.ZipFile) -> int:
    """How many bytes may come out of an archive and the archives in it."""
    return 2 * max(LARGEST_WHOLE, MOST_PACKED * archive.start_dir)


def _expect_short_list(stream: IO[bytes]) -> None:
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
    read = [member for member in members if member.filename.lower().endswith((".ipynb", ".zip"))]
    size = sum(member.file_size for member in read)
    if size > max(LARGEST_WHOLE, MOST_PACKED * archive.start_dir):
        raise LabError(f"a zip with notebooks of {size / 2**30:,.1f} GB; it is not opened")
    return members
