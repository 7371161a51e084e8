"""Both kinds of notebook from their one source."""

from pathlib import Path
from typing import Annotated

import typer

from labkit.commands.common import CARRIED, console, folder_of
from labkit.errors import LabError
from labkit.files import write_whole

_Sources = Annotated[list[Path] | None, typer.Argument(help="sources; all of solutions/*.py by default")]
_Notebooks = Annotated[Path | None, typer.Option(help="where the students' notebooks go")]
_Again = Annotated[
    bool, typer.Option("--again", help="execute solutions anew though their source is unchanged")
]
_Check = Annotated[bool, typer.Option("--check", help="write nothing; exit 1 if something would change")]


def build(
    sources: _Sources = None, notebooks: _Notebooks = None, again: _Again = False, check: _Check = False
) -> None:
    """Make both kinds of notebook from their one source: notebooks/ to fill in, solutions/ executed.

    A solution is executed only if its source has changed. Unchanged sources give unchanged files. A
    notebook in notebooks/ that holds somebody's answers is moved aside, not overwritten. Outside a clone
    the sources are first put into ./solutions.
    """
    from labkit.authoring import build as builder

    paths = sources or sorted(_sources(check).glob("*.py"))
    if missing := [path for path in paths if not path.is_file()]:
        raise LabError(f"no source {missing[0]}; sources are solutions/*.py")
    target = notebooks or paths[0].resolve().parent.parent / "notebooks"
    if check:
        for path in (found := builder.stale(paths, target)):
            told = f"✗ {path} is not what its source says; run labkit build"
            console.print(told, highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1 if found else 0)
    for built in builder.build(paths, target, again=again, say=console.print):
        if built.kept:
            told = f"there were answers in {built.path}; they are now in {built.kept}"
            console.print(told, highlight=False, markup=False, soft_wrap=True)
        told = f"{'written' if built.changed else 'unchanged'}: {built.path}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)


def _sources(check: bool) -> Path:
    """The folder of the sources; never the installation's own, which nobody builds in."""
    found = folder_of("solutions", None)
    if found != CARRIED / "solutions":
        return found
    if check:
        raise LabError(
            "nothing is built here yet; labkit build puts the sources into ./solutions, and builds"
        )
    place = Path.cwd() / "solutions"
    try:
        for source in sorted(found.glob("*.py")):
            write_whole(place / source.name, source.read_bytes())
    except OSError as error:
        raise LabError(f"cannot put the sources into {place}: {error.strerror}; name sources") from error
    console.print(f"the sources are now in {place}", highlight=False, markup=False, soft_wrap=True)
    return place
