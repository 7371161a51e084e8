"""A class into scores, feedback and a class page."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labkit.commands.common import console, folder_of
from labkit.errors import LabError, nearest

if TYPE_CHECKING:
    from labkit.grading.conduct import Plan
    from labkit.grading.executing import Limits
    from labkit.grading.records import Collected, Result
    from labkit.grading.runs import Run

_Class = Annotated[
    Path, typer.Argument(help="the class: a folder or zip as your course system gives it", show_default=False)
]
_Stage = Annotated[list[str] | None, typer.Option(help="grade this stage only, such as 01; may be repeated")]
_Only = Annotated[
    list[str] | None, typer.Option(help="grade this exercise only, such as 05.2; may be repeated")
]
_Student = Annotated[list[str] | None, typer.Option(help="grade this student only; may be repeated")]
_Out = Annotated[Path, typer.Option(help="where runs are kept, each in a folder of its own")]
_Released = Annotated[Path | None, typer.Option(help="the notebooks as handed out; notebooks/ by default")]
_Roster = Annotated[
    Path | None, typer.Option(help="who is in the class: a CSV with names, and who is absent")
]
_Due = Annotated[datetime | None, typer.Option(help="what comes later is late")]
_Course = Annotated[
    Path | None, typer.Option(help="points, weights and late rules; CLASS/course.toml by default")
]
_Overrides = Annotated[Path | None, typer.Option(help="points set by hand; OUT/overrides.csv by default")]
_Jobs = Annotated[int | None, typer.Option(min=1, help="submissions side by side; one per core by default")]
_Cluster = Annotated[str | None, typer.Option(help="address of a Dask scheduler that does the work")]
_Cell = Annotated[float, typer.Option(min=1, help="seconds that a cell may take; a check gets half")]
_Notebook = Annotated[float, typer.Option(min=1, help="seconds that a notebook may take")]
_Memory = Annotated[int, typer.Option(min=1024, help="MB of memory that a notebook may take")]
_Forbid = Annotated[
    bool, typer.Option("--forbid", help="no points where a function of the lab does the work")
]
_New = Annotated[bool, typer.Option("--new", help="begin a new run even where an unfinished one could go on")]
_Dry = Annotated[bool, typer.Option("--dry-run", help="say what was found and what would be graded, no more")]
_Unsafe = Annotated[bool, typer.Option("--unsafe", help="grade even where nothing shuts submissions off")]


def grade(
    place: _Class, stage: _Stage = None, only: _Only = None, student: _Student = None, out: _Out = Path("scores"),
    released: _Released = None, roster: _Roster = None, due: _Due = None, course: _Course = None,
    overrides: _Overrides = None, jobs: _Jobs = None, cluster: _Cluster = None, forbid: _Forbid = False,
    new: _New = False, dry_run: _Dry = False, unsafe: _Unsafe = False,
    cell_timeout_s: _Cell = 60, timeout_s: _Notebook = 600, memory_mb: _Memory = 6144,
) -> None:  # fmt: skip
    """Grade a class: each run gets a folder with scores, a feedback page per student and one for the class.

    Each notebook's tasks are put into the released notebook and run, shut off from disk and network, on inputs that
    nobody has seen. The answers are judged where no student code runs. Stopped half-way, the same command goes on.
    """
    from labkit.commands.grading_options import OVERRIDES, course_file, report
    from labkit.grading.conduct import room_on_disk, run_for
    from labkit.grading.course import read_course
    from labkit.grading.executing import Limits

    rules = course_file(place, course)
    asked = _asked(stage, only)
    collected = _found(place, asked, roster, due or read_course(rules).due)
    limits = Limits(cell_timeout_s, timeout_s, memory_mb)
    plan = _plan(place, collected, asked, student, folder_of("notebooks", released), limits)
    _say_isolation(unsafe or dry_run)
    if dry_run:
        return
    run = run_for(plan, collected, out, new=new)
    chosen = [s for s in collected.students if not plan.students or s.key in plan.students]
    with room_on_disk(run):
        results = _carry_out(run, plan, collected, jobs=jobs, cluster=cluster)
        report(run, chosen, results, course_toml=rules, overrides=overrides or out / OVERRIDES, forbid=forbid)


def _asked(stages: list[str] | None, only: list[str] | None) -> tuple[str, ...]:
    """The exercises asked for, or all."""
    from labkit.exercises import exercises, find
    from labkit.exercises import stages as all_stages

    if unknown := set(stages or ()) - set(all_stages()):
        raise LabError(f"no stage {min(unknown)!r}; there are {', '.join(all_stages())}")
    if only:
        return tuple(sorted({find(exercise_id).id for exercise_id in only}))
    return tuple(
        exercise.id for stage in sorted(set(stages or all_stages())) for exercise in exercises(stage)
    )


def _found(place: Path, asked: tuple[str, ...], roster: Path | None, due: datetime | None) -> "Collected":
    """The class, and a word on what it turned out to be."""
    from labkit.exercises import find
    from labkit.grading.collecting import collect, told

    collected = collect(
        place, stages={find(exercise_id).stage for exercise_id in asked}, roster=roster, due=due
    )
    console.print(told(collected), highlight=False, markup=False, soft_wrap=True)
    if not collected.handed_in:
        raise LabError(
            f"no notebook of this lab in {place}; expected files such as {place / 'ada'}/01_….ipynb"
        )
    return collected


def _plan(
    place: Path, collected: "Collected", asked: tuple[str, ...], students: list[str] | None, released: Path,
    limits: "Limits",
) -> "Plan":  # fmt: skip
    """What is asked for, of the stages that somebody has handed in."""
    from labkit.exercises import find
    from labkit.grading.conduct import Plan, released_notebooks

    keys = {name: s.key for s in collected.students for name in (s.name, s.key)}
    for name in students or ():
        if name not in keys:
            raise LabError(f"no student {name!r}; try one of {', '.join(nearest(name, keys))}")
    stages = sorted({one.stage for one in collected.handed_in})
    ids = tuple(exercise_id for exercise_id in asked if find(exercise_id).stage in stages)
    chosen = tuple(sorted({keys[name] for name in students or ()}))
    return Plan(place, ids, chosen, released_notebooks(released, stages), limits, _published())


def _published() -> dict[str, str]:
    """The published solutions, where this machine has them: who copied one is flagged."""
    from labkit.authoring.reference import all_references

    try:
        return {
            found: reference.code for found, reference in all_references(folder_of("solutions", None)).items()
        }
    except LabError:
        return {}


def _say_isolation(unsafe: bool) -> None:
    """Say what shuts submissions off.

    Raises: LabError where nothing does and nobody has said that this will do
    """
    from labkit.grading.executing import isolation

    found = isolation()
    console.print(f"isolation: {found}", highlight=False)
    if found == "limits only" and not unsafe:
        raise LabError(
            f"nothing here shuts submissions off from your files and the network ({_without()}); install bubblewrap, "
            "or grade on a machine that you can lose and say --unsafe"
        )


def _without() -> str:
    from labkit.grading.executing import why_not

    return "; ".join(f"{kind}: {why_not(kind)}" for kind in ("bubblewrap", "landlock"))


def _carry_out(
    run: "Run", plan: "Plan", collected: "Collected", *, jobs: int | None, cluster: str | None
) -> list["Result"]:
    """Grade, say how it goes, and look after it whether the lab is still what it was."""
    from functools import partial

    from labkit.commands.counting import counting
    from labkit.grading.conduct import chosen, conduct
    from labkit.grading.executing import package_fingerprint
    from labkit.grading.workers import on_cluster, on_this_machine

    work = partial(on_cluster, address=cluster) if cluster else partial(on_this_machine, jobs=jobs)
    before = package_fingerprint()
    with counting(len(chosen(plan, collected.handed_in))) as done:
        try:
            results = conduct(run, plan, collected, work, done, finish=False)
        except KeyboardInterrupt:
            console.print(
                f"\nstopped; the same command goes on with {run.folder}", highlight=False, soft_wrap=True
            )
            raise
    if package_fingerprint() != before:
        run.facts["changed"] = (
            "files of the lab itself changed while it graded: install it anew and grade again"
        )
        run.write()
    return results
