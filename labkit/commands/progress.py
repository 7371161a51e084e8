"""Which exercises pass so far, and what is next."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from labkit.commands.common import COPY, ROOT, console
from labkit.errors import LabError

if TYPE_CHECKING:
    from rich.console import Group, OverflowMethod, RenderableType
    from rich.table import Table

    from labkit.exercises.standings import Progress, Standing

_Folder = Annotated[Path | None, typer.Argument(help="where your notebooks are; notebooks/ by default")]


class _Marks(NamedTuple):
    passes: str = "✓"
    open: str = "○"
    core: str = "●"


def progress(folder: _Folder = None) -> None:
    """Say which exercises pass so far, how much is left, and what is next.

    Checks that you run in a notebook are remembered in the file .labkit-progress.jsonl beside it. An exercise passes
    if the latest check of what its notebook now holds has passed. Nothing is executed, nothing leaves the machine.
    """
    from labkit.exercises.standings import progress_in

    place = _place(folder)
    course, marks = progress_in(place), _marks()
    console.print(f"Your progress in {place}\n", style="bold", highlight=False, markup=False, soft_wrap=True)
    console.print(_table(course, marks))
    console.print(f"\n{marks.passes} passes   {marks.open} open   {marks.core} core path", style="dim")
    for line in _remarks(course):
        console.print(line, highlight=False, markup=False)


def _place(given: Path | None) -> Path:
    """The folder asked for, or else where one is, or the clone's own notebooks.

    Raises: LabError if no notebook of the lab is there
    """
    from labkit.exercises.texts import read_notebooks

    if given is not None and not given.is_dir():
        raise LabError(f"no folder {given}; name the one that your notebooks are in")
    start = Path.cwd() if given is None else given
    places = [start, start / "notebooks", *([ROOT / "notebooks"] if given is None else []), start / COPY]
    for place in places:
        if read_notebooks(place):
            return place
    raise LabError(
        f"no notebook of this lab in {start}; name the folder that yours are in, such as notebooks/"
    )


def _marks() -> _Marks:
    """Marks that the console can write."""
    return _Marks("x", "-", "*") if console.options.ascii_only else _Marks()


def _table(course: "Progress", marks: _Marks) -> "Table":
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("stage")
    for heading in ("", "passed", "points", "left"):
        table.add_column(heading, justify="right", no_wrap=True)
    for part in course.stages.values():
        table.add_row(_exercises(part, marks), *_figures(part))
    table.add_row()
    table.add_row(f"[bold]core path[/] {marks.core}", *_figures(course.core))
    table.add_row("[bold]whole lab[/]", *_figures(course))
    return table


def _exercises(part: "Progress", marks: _Marks) -> "Group":
    """A stage's title, and below it how each of its exercises stands."""
    from rich.console import Group
    from rich.text import Text

    each = [
        (marks.passes if standing.passes else marks.open)
        + standing.exercise.id.partition(".")[2]
        + (marks.core if standing.exercise.core else " ")
        for standing in part.standings
    ]
    cut: OverflowMethod = "crop" if console.options.ascii_only else "ellipsis"
    title = Text(part.title.replace(" · ", " "), no_wrap=True, overflow=cut)
    return Group(title, Text(" ".join(each)))


def _figures(part: "Progress") -> "tuple[RenderableType, ...]":
    """A bar, and in figures how many pass, the points, and the minutes that are left."""
    from rich.progress_bar import ProgressBar

    from labkit.exercises.standings import duration

    width = 7 if console.width < 80 else 12
    bar = ProgressBar(part.total, part.passed, width, complete_style="green", finished_style="green")
    (got, worth), left = part.points, part.minutes_left
    return bar, f"{part.passed}/{part.total}", f"{got}/{worth}", duration(left) if left else ""


def _remarks(course: "Progress") -> "Iterator[str]":
    """What a student should do: check or save again, and what is next."""
    from labkit.exercises.standings import How, duration, name

    if changed := course.those(How.CHANGED):
        yield f"Passed, but changed since: {_ids(changed)}. Run the check again."
    if unsaved := course.those(How.NOT_SAVED):
        yield f"Passes, but its notebook has not been saved since: {_ids(unsaved)}."
    if (following := course.next) is None:
        yield "All exercises pass."
        return
    path = "Next on the core path" if following.exercise.core else "Next"
    where = f", in {following.notebook.path.name}" if following.notebook else ""
    yield f"{path}: {name(following)} (about {duration(following.exercise.minutes)}){where}"


def _ids(standings: "tuple[Standing, ...]") -> str:
    return ", ".join(standing.exercise.id for standing in standings)
