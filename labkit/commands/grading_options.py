"""What `grade` and `regrade` share: a course's files, and the reports at the end."""

from collections.abc import Sequence
from pathlib import Path

import typer

from labkit.commands.common import console
from labkit.files import write_whole
from labkit.grading.course import read_course
from labkit.grading.overrides import read_overrides
from labkit.grading.records import Result, Student
from labkit.grading.runs import Run, now

COURSE, OVERRIDES = "course.toml", "overrides.csv"


def course_file(run_or_class: Path, given: Path | None) -> Path | None:
    """The course's file: the one given, or the one that lies in this folder, or none."""
    lying = run_or_class / COURSE
    return given or (lying if lying.is_file() else None)


def report(
    run: Run, students: Sequence[Student], results: Sequence[Result], *,
    course_toml: Path | None, overrides: Path, forbid: bool,
) -> None:  # fmt: skip
    """Score, write all reports into the run's folder beside the rules that they go by, and show the table.

    With its reports the run is finished, if it was not.
    """
    from labkit.grading.reporting import table, write_reports
    from labkit.grading.scoring import score

    course = read_course(course_toml)
    by_hand = read_overrides(overrides, students)
    rows = score(students, results, run.facts["exercises"], course=course, overrides=by_hand, forbid=forbid)
    facts = {"graded": str(run.facts["finished"] or now()), "labkit": str(run.facts["labkit"])}
    doubt = str(run.facts.get("changed", ""))
    cold = next((result.cold for result in results if result.cold), "")
    besides = {"not to be trusted": doubt, "each started anew, which takes longer": cold}
    facts |= {what: said for what, said in besides.items() if said}
    write_reports(rows, run.folder, title=course.title, isolation=run.facts["isolation"], facts=facts)
    _keep(course_toml, run.folder / COURSE)
    _keep(overrides if by_hand else None, run.folder / OVERRIDES)
    if not run.finished:
        run.finish()
    console.print(table(rows))
    _say_where(run, cold)
    if doubt:
        console.print(f"[bold]not to be trusted:[/] {doubt}", soft_wrap=True)
        raise typer.Exit(1)


def _say_where(run: Run, cold: str) -> None:
    if cold:
        console.print(f"each was started anew, which takes longer: {cold}", highlight=False, markup=False)
    console.print(f"\nscores: {run.folder / 'scores.csv'}", highlight=False, soft_wrap=True)
    console.print(f"class:  {run.folder / 'class.html'}", highlight=False, soft_wrap=True)


def _keep(file: Path | None, place: Path) -> None:
    """A copy in the run's folder, so that it can be judged again by the same rules."""
    if file is not None:
        write_whole(place, file.read_bytes())
