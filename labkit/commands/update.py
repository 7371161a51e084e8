"""Newer notebooks, with a student's own work in them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labkit.commands.common import console, course, has_notebooks, is_clone, students_folder
from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.authoring.copies import Updated

_Folder = Annotated[
    Path | None, typer.Argument(help="where your notebooks are; here, or ./cnn-lab, by default")
]
_Dry = Annotated[bool, typer.Option("--dry-run", help="say what would be done, and write nothing")]


def update(folder: _Folder = None, dry_run: _Dry = False) -> None:
    """Bring your notebooks to the release of the lab that is installed, and keep your answers.

    Save and close them first. Your code in tasks, cells that you added and text that you changed stay. Checks are the
    release's, and so is code of the lab's that it has changed. Notebooks as they were are kept in a folder backup-….
    Exit status 1 if one could not be read.
    """
    from labkit.authoring import copies

    place = _place(folder)
    left_alone = count = 0
    try:
        for updated in copies.update(place, course("notebooks"), dry_run=dry_run):
            _tell(updated, dry_run)
            left_alone, count = left_alone + bool(updated.trouble), count + 1
    except OSError as error:
        raise LabError(
            f"cannot write into {place}: {error.strerror}; no notebook is half written, and the same command goes on"
        ) from error
    if not count:
        _say(f"The notebooks in {place} are those of this lab already")
    raise typer.Exit(1 if left_alone else 0)


def _place(given: Path | None) -> Path:
    """Raises: LabError where there are no notebooks, or the very ones that would be copied"""
    if given and not given.is_dir():
        raise LabError(f"no folder {given}; name the one that your notebooks are in")
    places = [given, given / "notebooks"] if given else [students_folder()]
    place = next((place for place in places if place and has_notebooks(place)), None)
    if place is None:
        raise LabError(f"no notebook of this lab in {given or Path.cwd()}; labkit lab puts them here")
    if place.resolve() == course("notebooks").resolve():
        if is_clone():
            raise LabError(f"{place} is the clone's own: git pull brings newer notebooks, and lab and all")
        raise LabError(f"{place} belongs to the installation; work in a copy: labkit lab makes one")
    return place


def _tell(updated: "Updated", dry_run: bool) -> None:
    merged, name = updated.merged, updated.path.name
    if updated.trouble:
        _say(f"✗ {name} cannot be read and is left alone ({updated.trouble})")
    elif merged is None:
        _say(f"✓ {name} {'would be' if dry_run else 'is'} new")
    else:
        _say(f"✓ {name} {'would be' if dry_run else 'is'} brought to this release")
        for exercise in merged.changed:
            _say(f"  {exercise}: its task has changed; your code is kept, the new text stands above it")
        for exercise in merged.withdrawn:
            _say(f"  {exercise} is asked no longer; your code stays in a cell of its own")
        if merged.replaced:
            _say(f"  {merged.replaced} of the lab's cells that you had changed: now the release's")
    if updated.backup:
        _say(f"  as it was: {updated.backup}")


def _say(line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
