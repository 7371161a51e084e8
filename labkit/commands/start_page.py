"""The page that the lab opens with: the stages and their minutes, where the student is, what is missing."""

from collections.abc import Iterator
from pathlib import Path

from labkit.exercises.standings import How, Progress, Standing, duration, name, progress_in, told
from labkit.files import write_whole

FILE = "START.md"
_MARK = "<!-- labkit lab writes this page anew each time it opens. -->"
_HEAD = "| stage | exercises that pass | minutes | on the core path ● | left |\n|---|---|--:|--:|--:|"
_HOW = (
    "In a notebook, write what a cell with `TODO` asks for and run it, then run the check below it: it says whether "
    'your answer is right, and if not, what is wrong with it. `hint("01.1")` helps. Jupyter saves your answers in the '
    "notebooks."
)


def write_start_page(folder: Path) -> Path | None:
    """Write the page for the notebooks in a folder, which Jupyter shows; another file of that name stays as it is.

    Returns: the page; None where there are no notebooks of the lab, or where it cannot be written
    """
    place = folder / FILE
    try:
        if place.exists() and not place.read_text(encoding="utf-8").startswith(_MARK):
            return None
        if (course := progress_in(folder)).notebook is None:
            return None
        write_whole(place, start_page(course))
    except (OSError, UnicodeDecodeError):
        return None
    return place


def start_page(course: Progress) -> str:
    """The page as Markdown, with links to the notebooks beside it."""
    rows = "\n".join(_row(part) for part in course.stages.values() if part.notebook)
    missing = "\n".join(f"- {line}" for line in _missing(course)) or "Nothing."
    return (
        f"{_MARK}\n\n# Looking inside convolutional networks\n\n{_next(course)}\n\n"
        f"**Where you are.** The whole lab: {told(course)}. Its core path ●: {told(course.core)}.\n\n"
        f"{_HEAD}\n{rows}\n\n{_HOW}\n\n## What is missing\n\n{missing}\n\n"
        "`labkit doctor`, in a terminal, tests the installation. This page is written anew when `labkit lab` opens.\n"
    )


def _next(course: Progress) -> str:
    if (following := course.next) is None:
        return "**All exercises of the lab pass.**"
    begin = "Go on" if course.passed else "Begin"
    core = ", on the core path" if following.exercise.core else ""
    return f"**{begin} with {_link(following)}**, about {duration(following.exercise.minutes)}{core}."


def _link(standing: Standing) -> str:
    if standing.notebook is None:
        return _plain(name(standing))
    return f"[{_plain(name(standing))}]({standing.notebook.address_of(standing.exercise.id)})"


def _row(part: Progress) -> str:
    """One stage: its title, a mark for each exercise, and its minutes."""
    notebook = part.notebook.address_of() if part.notebook else ""
    marks = "".join("✓" if standing.passes else "○" for standing in part.standings)
    left = duration(part.minutes_left) if part.minutes_left else "done"
    cells = [
        f"[{_plain(part.title)}]({notebook})",
        f"{marks} {part.passed} of {part.total}",
        _minutes(part),
        _minutes(part.core) if part.core.total else "none",
        left,
    ]
    return f"| {' | '.join(cells)} |"


def _minutes(part: Progress) -> str:
    return duration(sum(standing.exercise.minutes for standing in part.standings))


def _missing(course: Progress) -> Iterator[str]:
    """What to check or save again, which stages have no notebook here, and which networks are not downloaded."""
    for how, advice in (
        (How.CHANGED, "passed, but changed since; run the check again"),
        (How.NOT_SAVED, "passes, but its notebook has not been saved since"),
    ):
        if ids := ", ".join(standing.exercise.id for standing in course.those(how)):
            yield f"{ids}: {advice}."
    if absent := ", ".join(number for number, part in course.stages.items() if part.notebook is None):
        yield f"No notebook of stage {absent} is in this folder."
    from labkit import models

    here = models.available()
    gone = {n: net.size_mb for n, net in models.NETWORKS.items() if n not in here}
    if gone:
        told = ", ".join(f"{network} ({size:.0f} MB)" for network, size in gone.items())
        yield (
            f"Networks of the lecture that are not downloaded: {told}. The lab works without them; in a terminal, "
            f"`labkit fetch {next(iter(gone))}` brings one."
        )


def _plain(text: str) -> str:
    """Text that Markdown takes for nothing else."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#&" else letter for letter in text)
