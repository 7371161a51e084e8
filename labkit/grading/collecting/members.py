"""The files of a zip: what they are called, where they lie, and whether they can be read."""

import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress

from labkit.grading.collecting.notebooks import LARGEST, kind_of, too_large
from labkit.grading.collecting.tree import DEEPEST, Folder, Ignored, hidden, shown

LARGEST_ARCHIVE = 200 * 2**20  # bytes, of one inside another


def places(
    top: Folder, members: list[zipfile.ZipInfo], ignored: Ignored
) -> Iterator[tuple[Folder, zipfile.ZipInfo]]:
    """Each file with the folder that it lies in; folders are made on the way, empty ones too."""
    folders: dict[tuple[str, ...], Folder] = {(): top}
    told: set[str] = set()
    for member in members:
        parts = parts_of(member)
        if not parts or ".." in parts or _name(member).startswith("/") or parts[0].endswith(":"):
            ignored.append((f"{top.path}/{shown(_name(member))}", "its name leads out of the archive"))
            continue
        if len(parts) > DEEPEST:
            ignored.append((f"{top.path}/{shown(parts[0])}/", f"more than {DEEPEST} folders deep"))
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


def parts_of(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return tuple(part for part in _name(member).split("/") if part not in ("", "."))


def _name(member: zipfile.ZipInfo) -> str:
    """A member's name: UTF-8 where it is, said or not, and with the slashes of every system."""
    name = member.filename
    if not member.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def trouble_of(member: zipfile.ZipInfo) -> str:
    mode, largest = member.external_attr >> 16, LARGEST
    if member.create_system == 3 and mode & 0o170000 not in (0, 0o100000, 0o040000):
        return f"{kind_of(mode)}, not a file"
    if member.flag_bits & 1:
        return "locked with a password; ask for it without"
    if _name(member).lower().endswith(".zip"):
        largest = LARGEST_ARCHIVE
    return too_large(member.file_size, largest) if member.file_size > largest else ""


def modified(member: zipfile.ZipInfo) -> float:
    try:
        return time.mktime((*member.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0
