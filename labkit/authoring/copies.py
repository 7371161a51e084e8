"""A student's copy of the notebooks: put there, and brought to a newer release with all that the student has done.

The copy holds a file, .labkit-notebooks.json, with a fingerprint of every cell as it was released. By it `update` knows
what the student has changed. Without it nothing is lost either; more is then taken for the student's.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import nbformat

import labkit
from labkit.authoring.cell_ids import fingerprint
from labkit.authoring.merging import Merged, merge
from labkit.authoring.source import as_file
from labkit.errors import LabError
from labkit.files import write_whole

FILE = ".labkit-notebooks.json"
Base = dict[str, str]  # id of a cell -> its fingerprint as released; "" -> the hash of the whole file


@dataclass
class _Known:
    """What is known of a folder.

    bases:    notebook -> as it was released
    is_whole: whether `complete` has made it, so that new notebooks belong into it; a handout may hold a few only
    """

    bases: dict[str, Base] = field(default_factory=dict)
    is_whole: bool = False

    def has(self, path: Path) -> bool:
        """Whether the folder's notebook of that name is known to be of this very release."""
        return self.bases.get(path.name, {}).get("") == _hash(path.read_bytes())


@dataclass(frozen=True)
class Updated:
    """What has become of one notebook.

    merged:  what was kept and what replaced; None for a notebook that was not there, or that cannot be read
    backup:  where the notebook as it was before lies
    trouble: why it was left alone; empty where it was not
    is_news: whether anything in it is another now
    """

    path: Path
    merged: Merged | None = None
    backup: Path | None = None
    trouble: str = ""
    is_news: bool = True


def released(source: Path) -> list[Path]:
    """The released notebooks of a folder, one for each stage.

    Raises: LabError if there is none
    """
    if found := sorted(source.glob("[0-9][0-9]_*.ipynb")):
        return found
    raise LabError(
        "no notebooks came with this installation of the lab; if your course has handed them out, name their folder"
    )


def complete(folder: Path, source: Path) -> list[Path]:
    """Put the released notebooks into a folder, those that it has not got; what is there stays as it is.

    Returns: those that were written
    Raises:  OSError where it cannot be written
    """
    known, written = _read(folder), []
    known.is_whole = True
    for path in released(source):
        place, content = folder / path.name, path.read_bytes()
        if not place.exists() and not place.is_symlink():
            write_whole(place, content)
            written.append(place)
        if not known.has(path) and place.is_file() and place.read_bytes() == content:
            _note(known, path, folder)
    return written


def is_copy(folder: Path) -> bool:
    """Whether `complete` has put notebooks there before."""
    return _read(folder).is_whole


def is_older(folder: Path, source: Path) -> bool:
    """Whether a copy has notebooks of another release than those of the source; no where nobody knows."""
    known = _read(folder)
    return any(path.name in known.bases and not known.has(path) for path in released(source))


def update(folder: Path, source: Path, *, dry_run: bool = False) -> Iterator[Updated]:
    """Bring each notebook of a folder that is of another release to that of the source; new ones are added.

    A notebook is written whole, once the old one lies in a folder backup-… beside it. Where the folder is no copy that
    `complete` has made, such as a handout, nothing is added.
    """
    known, backups = _read(folder), _unused(folder / f"backup-{datetime.now():%Y-%m-%d_%H%M%S}")
    for path in released(source):
        place = folder / path.name
        there = place.exists() or place.is_symlink()
        if known.has(path) if there else not known.is_whole:
            continue
        if there:
            found = _brought(place, path, known.bases.get(path.name), None if dry_run else backups)
        else:
            found = _added(place, path, dry_run)
        if not dry_run and not found.trouble:
            _note(known, path, folder)
        if found.is_news:
            yield found


def _added(place: Path, path: Path, dry_run: bool) -> Updated:
    if not dry_run:
        write_whole(place, path.read_bytes())
    return Updated(place)


def _brought(place: Path, path: Path, base: Base | None, backups: Path | None) -> Updated:
    """One notebook of another release, or of nobody knows which.

    backups: the folder that the old one is kept in; None writes nothing
    """
    try:
        before = place.read_bytes()
        mine = nbformat.reads(before.decode("utf-8-sig"), as_version=4)
        merged = merge(mine, nbformat.read(path, as_version=4), base)
        text = as_file(merged.notebook)
    except (
        Exception
    ) as error:  # cut short, merged by git, a folder of that name, unreadable: whatever it is, it stays
        return Updated(place, trouble=f"{type(error).__name__}: {error}".split("\n")[0][:120])
    if text == as_file(mine):
        return Updated(place, merged, is_news=False)
    if backups is None:
        return Updated(place, merged)
    write_whole(backups / place.name, before)
    write_whole(place.resolve(), text)
    return Updated(place, merged, backups / place.name)


def _unused(folder: Path) -> Path:
    number, place = 1, folder
    while place.exists():
        number += 1
        place = folder.with_name(f"{folder.name}-{number}")
    return place


def _note(known: _Known, path: Path, folder: Path) -> None:
    """Keep that the folder's notebook is of this release now."""
    cells = nbformat.read(path, as_version=4).cells
    known.bases[path.name] = {"": _hash(path.read_bytes())} | {cell.id: fingerprint(cell) for cell in cells}
    told = {"labkit": labkit.__version__, "whole": known.is_whole, "notebooks": known.bases}
    write_whole(folder / FILE, json.dumps(told, indent=1) + "\n")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(folder: Path) -> _Known:
    """What is known of a copy; nothing where there is no such file, or a damaged one."""
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        bases = {
            str(name): {str(cell): str(text) for cell, text in base.items()}
            for name, base in told["notebooks"].items()
        }
        return _Known(bases, told["whole"] is True)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _Known()
