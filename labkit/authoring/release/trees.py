"""Folders and zips of a release: the same content gives the same bytes, and nobody's file is lost."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from labkit.errors import LabError
from labkit.files import write_whole

MANIFEST = "release.json"
Files = Mapping[str, bytes]  # path inside the folder, with slashes -> content
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can hold
_UNWANTED = re.compile(r'[<>:"|?*\\\x00-\x1f]')  # what Windows takes in no file name


@dataclass(frozen=True)
class Kept:
    """What lay in a folder and was not overwritten.

    aside:  files of the former release that somebody has changed, under their new names
    strays: files that no release has written, where they are
    """

    aside: tuple[Path, ...] = ()
    strays: tuple[Path, ...] = ()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def with_manifest(files: Files, facts: Mapping[str, Any]) -> dict[str, bytes]:
    """The files and release.json: the facts, and the hash of every file."""
    listed = {name: sha256(content) for name, content in sorted(files.items())}
    text = json.dumps({**facts, "files": listed}, indent=1, ensure_ascii=False) + "\n"
    return {**files, MANIFEST: text.encode()}


def zipped(files: Files, *, top: str = "", executable: Collection[str] = ()) -> bytes:
    """A zip, to the byte the same for the same files: sorted, without times, with plain permissions.

    top: the folder that everything lies in once it is unpacked
    """
    prefix = f"{_UNWANTED.sub('-', top).rstrip('. ') or 'release'}/" if top else ""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(prefix + name, _EPOCH)
            info.create_system = 3  # permissions as on Unix; Windows ignores them
            info.external_attr = (0o100755 if name in executable else 0o100644) << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def former(folder: Path) -> dict[str, str]:
    """The files of the release that a folder holds, with their hashes; none where there is no folder, or an empty one.

    Raises: LabError if the folder holds something else
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return {}
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        inside = {name: str(digest) for name, digest in files.items() if _is_inside(name)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise LabError(
            f"{folder} holds something else than a release of labkit; name a new folder"
        ) from error
    return inside | {MANIFEST: ""}


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name


def write_folder(folder: Path, files: Files) -> Kept:
    """Write a release over the former one, if there is one. What somebody changed or added is kept.

    Raises: LabError if the folder holds something else than a release, or cannot be written
    """
    before, aside = former(folder), []
    try:
        for name in _in_order({*before, *files}, first=not before):
            path = folder / name
            if _is_changed(path, before.get(name), files.get(name)):
                aside.append(_move_aside(path))
            if name in files:
                write_whole(path, files[name])
            elif path.exists():
                path.unlink()
        there = sorted(path for path in folder.rglob("*") if not path.is_dir())
    except OSError as error:
        raise LabError(f"cannot write into {folder}: {error.strerror}") from error
    known = {*(folder / name for name in files), *aside}
    return Kept(tuple(aside), tuple(path for path in there if path not in known))


def _in_order(names: Collection[str], *, first: bool) -> list[str]:
    """Sorted, release.json first in a new folder, else last: after a full disk, --again knows whose files there are."""
    return sorted(names, key=lambda name: ((name == MANIFEST) != first, name))


def _is_changed(path: Path, before: str | None, new: bytes | None) -> bool:
    """Whether a file is somebody's: neither as the former release wrote it nor as the new one would."""
    if not path.exists() and not path.is_symlink():
        return False
    if path.name == MANIFEST and before is not None:
        return False
    if path.is_symlink() or path.is_dir():
        return True
    content = path.read_bytes()
    return content != new and sha256(content) != before


def _move_aside(path: Path) -> Path:
    number = 1
    while (place := path.with_name(f"{path.stem}.yours-{number}{path.suffix}")).exists():
        number += 1
    return path.rename(place)
