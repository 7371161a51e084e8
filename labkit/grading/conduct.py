"""Conducting a run: what is to be done, doing it, keeping each result as it comes."""

import hashlib
import platform
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
import torch
from nbformat import NotebookNode

import labkit
from labkit.checks.answer import State
from labkit.errors import LabError
from labkit.exercises import find
from labkit.files import is_disk_full
from labkit.grading.digests import case_digest
from labkit.grading.executing import Limits, isolation
from labkit.grading.figures import with_figures
from labkit.grading.records import Collected, HandedIn, Result, Student
from labkit.grading.runs import Run, begin, to_go_on_with
from labkit.grading.unit import Graded, Unit, same_for_all
from labkit.grading.workers import Done


@dataclass(frozen=True)
class Plan:
    """What a run is to grade.

    place:     the class, as it was given
    exercises: ids, in order;  students: keys, none for all
    released:  the notebooks as they were handed out, by stage
    published: the published solutions, by exercise id, where they are known
    """

    place: Path
    exercises: tuple[str, ...]
    students: tuple[str, ...]
    released: Mapping[str, NotebookNode]
    limits: Limits = Limits()
    published: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """What run.json says of it, but for the seed: equal facts, equal runs."""
        return {
            "labkit": labkit.__version__,
            "class": str(self.place.resolve()),
            "exercises": list(self.exercises),
            "students": list(self.students),
            "release": _digest(self.released),
            "limits": asdict(self.limits),
            "isolation": isolation(),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
        }


def run_for(
    plan: Plan, collected: Collected, scores: Path, *, new: bool = False, seed: int | None = None
) -> Run:
    """The run to go on with, or a new one.

    new: begin anew even where an unfinished run could go on;  seed: of the secret inputs, drawn by default
    """
    facts = plan.facts()
    run = None if new else to_go_on_with(scores, facts)
    told = {"layout": collected.layout, "class_list": [asdict(student) for student in collected.students]}
    if run is None:
        drawn = secrets.randbits(48) if seed is None else seed
        cases = {found: case_digest(find(found), drawn) for found in plan.exercises}
        return begin(scores, {**facts, "seed": drawn, "cases": cases, **told})
    run.facts.update(told)  # who handed in meanwhile is there too
    run.write()
    return run


def conduct(
    run: Run, plan: Plan, collected: Collected,
    work: Callable[[Sequence[Unit]], Iterator[Done]], done: Callable[[Result], None] = lambda _result: None,
    *, finish: bool = True,
) -> list[Result]:  # fmt: skip
    """Grade what this run has not graded yet, or what has been handed in anew since; then the run is finished.

    work:   as in `workers`;  done: is told each result, those that were there first
    finish: False where reports are still to be written, before which the run is not finished
    Raises: LabError where the disk is full; what is done stays, and the same run goes on
    """
    students = {student.key: student for student in collected.students}
    shown = {(one.student, one.stage): one.pictures for one in collected.handed_in}
    results, todo = [], []
    for one in chosen(plan, collected.handed_in):
        if kept := _kept(run, students[one.student], one):
            results.append(kept)
            done(kept)
        else:
            todo.append(_unit(one, plan, run))
    with room_on_disk(run), run.alone():
        for unit, outcome in work(todo):
            student, graded = unit.handed_in.student, _whatever_happened(unit, outcome)
            result = with_figures(graded.result, shown[student, unit.handed_in.stage])
            run.keep(students[student], replace(graded, result=result))
            results.append(result)
            done(result)
        if finish:
            run.finish()
    return sorted(results, key=lambda result: (result.student, result.stage))


def released_notebooks(folder: Path, stages: Iterable[str]) -> dict[str, NotebookNode]:
    """The notebooks as they were handed out, by stage.

    Raises: LabError where there is not exactly one for a stage
    """
    found = {}
    for stage in stages:
        files = sorted(folder.glob(f"{stage}_*.ipynb"))
        if len(files) != 1:
            raise LabError(
                f"expected one released notebook {folder / f'{stage}_….ipynb'}, found {len(files)}; "
                "labkit build writes them, and --released names their folder"
            )
        found[stage] = nbformat.read(files[0], as_version=4)
    return found


def chosen(plan: Plan, handed_in: Sequence[HandedIn]) -> list[HandedIn]:
    """What of that the plan asks for."""
    return [
        one
        for one in handed_in
        if _of_stage(plan, one.stage) and (not plan.students or one.student in plan.students)
    ]


def _of_stage(plan: Plan, stage: str) -> tuple[str, ...]:
    return tuple(found for found in plan.exercises if find(found).stage == stage)


def _kept(run: Run, student: Student, one: HandedIn) -> Result | None:
    """What this run has made of this very file, by the due date and the roster as they are now."""
    kept = run.result(student, one.stage)
    if kept is None or (kept.sha256, kept.file) != (one.sha256, one.file):
        return None
    return replace(kept, attempt=one.attempt, when=one.when, late=one.late, private_notes=one.private_notes)


def _unit(one: HandedIn, plan: Plan, run: Run) -> Unit:
    ids = _of_stage(plan, one.stage)
    published = {found: code for found, code in plan.published.items() if found in ids}
    hidden = (plan.place.resolve(), run.folder.resolve().parent)
    one = replace(one, pictures=())  # no work is done on them elsewhere
    return Unit(one, plan.released[one.stage], ids, run.seed, plan.limits, published, hidden)


def _whatever_happened(unit: Unit, outcome: Graded | Exception) -> Graded:
    """A unit that the grader itself failed on is to be looked at, and no other pays for it."""
    if isinstance(outcome, Graded):
        return outcome
    for error in (outcome, outcome.__cause__):
        if error is not None and is_disk_full(error):
            raise error
    said = f"the grader itself failed ({type(outcome).__name__}: {outcome})"
    return Graded(replace(same_for_all(unit, State.TO_BE_LOOKED_AT, said), flags=(said,)))


@contextmanager
def room_on_disk(run: Run) -> Iterator[None]:
    """Raises: LabError where the disk is full inside; the same command goes on with the run"""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise LabError(
            f"the disk is full; make room, and the same command goes on with {run.folder}"
        ) from error


def _digest(released: Mapping[str, NotebookNode]) -> str:
    """What tells one release from another: the sources and ids of its cells."""
    told = [
        (stage, cell.get("id"), cell.source) for stage, nb in sorted(released.items()) for cell in nb.cells
    ]
    return hashlib.sha256(repr(told).encode(errors="surrogatepass")).hexdigest()
