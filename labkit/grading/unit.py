"""One unit of work: a submission in, an outcome for each exercise out. It depends on nothing but what it is given."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from nbformat import NotebookNode

from labkit.checks.answer import State
from labkit.exercises import find
from labkit.grading import executing, judging
from labkit.grading.executing import Executed, Limits, execute, isolation, student_side
from labkit.grading.judging import judge_answers
from labkit.grading.records import HandedIn, Outcome, Result
from labkit.grading.whose_work import Signs, signs


@dataclass(frozen=True)
class Unit:
    """What to grade: one student's notebook of one stage, beside the released one, on the inputs of a seed.

    published: exercise id -> the published solution, where it is known;  hidden: folders that it must not see
    """

    handed_in: HandedIn
    released: NotebookNode
    exercises: tuple[str, ...]
    seed: int
    limits: Limits = Limits()
    published: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Graded:
    """What came of a unit.

    answers: the student's answer files, name -> bytes, for a later regrade
    """

    result: Result
    answers: dict[str, bytes] = field(default_factory=dict)


def grade_unit(unit: Unit) -> Graded:
    """Grade one submission. Whatever the student did ends in an outcome for each exercise.

    Raises: OSError, or LabError with one as its cause, where the disk is full
    """
    if unit.handed_in.notebook is None:
        return Graded(same_for_all(unit, State.UNREADABLE, unit.handed_in.trouble))
    if _untouched(unit.released, unit.handed_in.notebook):
        return Graded(same_for_all(unit, State.NOT_ATTEMPTED))
    view = _view()
    executing.get_ready(view)
    judging.get_ready()
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch, "answers")
        executed = execute(
            unit.released, unit.handed_in.notebook, folder,
            seed=unit.seed, limits=unit.limits, view=view, hidden=unit.hidden,
        )  # fmt: skip
        files = {file.name: file.read_bytes() for file in sorted(folder.glob("*.safetensors"))}
        return Graded(_judged(unit, unit.handed_in.notebook, executed, folder, files), files)


def same_for_all(unit: Unit, state: State, message: str = "") -> Result:
    """The result of a submission whose exercises all stand alike."""
    return _result(unit, tuple(Outcome(found, state, message) for found in unit.exercises))


def _judged(
    unit: Unit, notebook: NotebookNode, executed: Executed, folder: Path, files: dict[str, bytes]
) -> Result:
    answered = [found for found in unit.exercises if find(found).answer_file in files]
    judged = judge_answers(folder, answered, seed=unit.seed)
    cells, released = (
        [cell.source for cell in one.cells if cell.cell_type == "code"] for one in (notebook, unit.released)
    )
    seen = signs(executed.code, cells=cells, released=released, published=unit.published)
    nothing = Signs((), "")
    outcomes = tuple(
        replace(
            judged[found] if found in judged else _unanswered(found, executed),
            code=executed.code.get(found, ""),
            flags=seen.get(found, nothing).flags,
            own_code=seen.get(found, nothing).own_code,
        )
        for found in unit.exercises
    )
    return replace(
        _result(unit, outcomes),
        notes=(*unit.handed_in.notes, *executed.notes),
        flags=executed.flags,
        isolation=isolation(),
        cold=executed.cold,
        seconds=round(executed.seconds, 2),
        memory_mb=round(executed.memory_mb),
    )


def _unanswered(exercise_id: str, executed: Executed) -> Outcome:
    """Why an exercise left no answer."""
    slug = find(exercise_id).slug
    task, check = f"{slug}-task", f"{slug}-check"
    if task not in executed.present:
        return Outcome(exercise_id, State.NOT_ATTEMPTED, "its cell was deleted")
    message = executed.failures.get(task) or executed.failures.get(check) or executed.trouble
    timed_out = executed.timed_out or "Timeout of" in message
    return Outcome(exercise_id, State.TIMED_OUT if timed_out else State.CRASHED, _last_lines(message))


def _last_lines(message: str) -> str:
    """The end of a traceback, which says what happened."""
    lines = [line for line in message.strip().splitlines() if line.strip()]
    return "\n".join(lines[-3:]) or "no answer was written, and nothing says why"


def _result(unit: Unit, outcomes: tuple[Outcome, ...]) -> Result:
    one = unit.handed_in
    return Result(
        one.student, one.stage, one.file, one.sha256, outcomes, one.attempt, one.when, one.late, one.notes,
        private_notes=one.private_notes,
    )  # fmt: skip


def _untouched(released: NotebookNode, submitted: NotebookNode) -> bool:
    """Whether all code in it is as it was handed out."""
    ours, theirs = (
        {c.source.strip() for c in nb.cells if c.cell_type == "code"} for nb in (released, submitted)
    )
    return theirs - {""} <= ours


_kept: list[tempfile.TemporaryDirectory[str]] = []
_writing = Lock()


def _view() -> Path:
    """The student's side of the lab, written down once in this process, for all its jobs, and kept until it ends."""
    with _writing:
        if not _kept:
            _kept.append(tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True))
        return student_side(Path(_kept[0].name))
