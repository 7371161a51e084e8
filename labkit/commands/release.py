"""The handout of a course, and what nbgrader and Gradescope need."""

from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labkit.commands.common import console, folder_of
from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.authoring import release as releasing

_Folder = Annotated[Path, typer.Argument(help="where the handout goes; FOLDER.zip is written beside it")]
_Stage = Annotated[list[str] | None, typer.Option(help="release this stage, such as 05; may be repeated")]
_Course = Annotated[str, typer.Option(help="the course's name, or its file with name, due date and points")]
_Due = Annotated[str, typer.Option(help="when it is to be handed in, such as 2026-12-01T23:59")]
_HandIn = Annotated[str, typer.Option(help="where to hand in, one sentence for the students' README")]
_Zip = Annotated[bool, typer.Option("--zip/--no-zip", help="write the handout as a zip too")]
_Nbgrader = Annotated[bool, typer.Option("--nbgrader", help="also a course for nbgrader, solutions in it")]
_Gradescope = Annotated[bool, typer.Option("--gradescope", help="also an autograder.zip for Gradescope")]
_Visibility = Annotated[str, typer.Option(help="when students see Gradescope's results")]
_Lab = Annotated[str | None, typer.Option(help="what pip shall install; a wheel of this very lab by default")]
_Sources = Annotated[Path | None, typer.Option(help="the stages' sources; solutions/ by default")]
_GRADESCOPE = "Upload to the assignment on Gradescope, all in one go."
_Again = Annotated[bool, typer.Option("--again", help="replace the release that is there")]


def release(
    folder: _Folder, stage: _Stage = None, course: _Course = "", due: _Due = "", hand_in: _HandIn = "",
    zip_too: _Zip = True, nbgrader: _Nbgrader = False, gradescope: _Gradescope = False,
    visibility: _Visibility = "visible", lab: _Lab = None, sources: _Sources = None, again: _Again = False,
) -> None:  # fmt: skip
    """Write what you hand out: notebooks to fill in, a README for students, and how to install the lab.

    Nothing of it holds a solution. What nbgrader and Gradescope need lies in folders of their own beside it.
    """
    from labkit.authoring import release as releasing

    title, at, points = _course(course)
    plan = releasing.plan(
        folder_of("solutions", sources), only=stage or (), course=title or releasing.COURSE,
        due=_time(due) if due else at, hand_in=hand_in or _GRADESCOPE * gradescope, lab=lab, points=points,
    )  # fmt: skip
    asked = visibility if gradescope else ""
    done = releasing.release(plan, folder, zip_too=zip_too, nbgrader=nbgrader, gradescope=asked, again=again)
    _tell(plan, done)


def _course(given: str) -> tuple[str, datetime | None, dict[str, float]]:
    """A course's name, due date and points of exercises: from its file, if one is named, or the name alone."""
    from labkit.exercises import exercises, stages
    from labkit.grading.course import read_course

    if not given.endswith(".toml"):
        return given, None, {}
    told = read_course(Path(given))
    points = {e.id: told.worth(e.id) for stage in stages() for e in exercises(stage)}
    return told.title, told.due, {name: int(p) if p == int(p) else p for name, p in points.items()}


def _time(text: str) -> datetime:
    """A due date; a day alone ends with its last minute."""
    try:
        found = datetime.fromisoformat(text)
        found.astimezone()  # a year that no calendar of a computer has
    except (ValueError, OverflowError) as error:
        raise LabError(f"--due: expected a time such as 2026-12-01T23:59, got {text!r}") from error
    return found if "T" in text or " " in text else datetime.combine(found, time(23, 59))


def _tell(plan: "releasing.Plan", done: "releasing.Released") -> None:
    """What was written, for whom, and what was left as it was."""
    count = sum(len(stage.exercises) for stage in plan.stages)
    points, minutes = (
        sum(found) for found in zip(*((s.worth, s.minutes()) for s in plan.stages), strict=True)
    )
    due = f", due {plan.due:%Y-%m-%d %H:%M}" if plan.due else ""
    console.print(
        f"{plan.course}: stages {', '.join(stage.id for stage in plan.stages)}; "
        f"{count} exercises, {points:g} points, {minutes} minutes{due}",
        style="bold", highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
    places = [("for students", done.folder), ("for students", done.zip)]
    places += [("for nbgrader, with solutions: not for students", done.nbgrader)]
    places += [("for Gradescope", done.gradescope)]
    places += [("somebody had changed it, kept", path) for path in done.kept.aside]
    places += [("not of the release, and not in the zip", path) for path in done.kept.strays]
    places += [("of an earlier release, not written anew", path) for path in done.stale]
    places += [(f"release {plan.facts()['release'][:12]}; grade with --released", done.folder / "notebooks")]
    for what, place in places:
        if place:
            console.print(f"{what}: {place}", highlight=False, markup=False, soft_wrap=True)
