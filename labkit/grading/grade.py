"""Grading a folder of submissions: each becomes a row, whatever is in it."""

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from labkit.checks import storing
from labkit.checks.answer import State
from labkit.checks.exercise import Exercise
from labkit.checks.judging import Verdict, judge
from labkit.errors import LabError
from labkit.exercises import exercises
from labkit.grading.assemble import assemble
from labkit.grading.child import answer_file
from labkit.grading.collect import Submission, collect, students
from labkit.grading.execute import Executed, Limits, execute
from labkit.grading.sandbox import isolation


@dataclass(frozen=True)
class Row:
    """One student's verdicts, in the order of the exercises."""

    student: str
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        return sum(verdict.points for verdict in self.verdicts)


def grade(
    folder: Path, released: Path, out: Path, *,
    stages: Iterable[str], limits: Limits = Limits(), jobs: int = 1, say: Callable[[str], None] = lambda _line: None,
) -> list[Row]:  # fmt: skip
    """Grade every student's notebooks of these stages; answers are kept in `out`, for a later regrade.

    folder:   one folder a student
    released: the notebooks as they were handed out
    Raises:   LabError where there is nothing to grade; a bad submission is a row, never an error
    """
    stages = tuple(stages)
    truth = {stage: _released(released, stage) for stage in stages}
    found = {(s.student, s.stage): s for s in collect(folder, stages)}
    names = students(folder)
    seed = _begin(out, stages)

    def one(unit: tuple[str, str]) -> tuple[Verdict, ...]:
        answers, hidden = out.joinpath("answers", *unit), [folder, out]
        verdicts = grade_one(
            found.get(unit), unit[1], truth[unit[1]], answers, seed=seed, limits=limits, hidden=hidden
        )
        say(f"{' · '.join(unit)}: {sum(v.passed for v in verdicts)} of {len(verdicts)} exercises passed")
        return verdicts

    units = [(name, stage) for name in names for stage in stages]
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        verdicts = dict(zip(units, pool.map(one, units), strict=True))
    return [_row(name, [(found.get((name, s)), verdicts[name, s]) for s in stages]) for name in names]


def _begin(out: Path, stages: tuple[str, ...]) -> int:
    """Make the folder of a run, with what it is run with in it, and draw its seed."""
    seed = secrets.randbits(48)
    out.mkdir(parents=True, exist_ok=True)
    facts = {"seed": seed, "stages": stages, "isolation": isolation()}
    (out / "run.json").write_text(json.dumps(facts) + "\n")
    return seed


def grade_one(
    submission: Submission | None,
    stage: str,
    released: NotebookNode,
    answers: Path,
    *,
    seed: int,
    limits: Limits,
    hidden: Sequence[Path] = (),
) -> tuple[Verdict, ...]:
    """The verdicts on one notebook. Its code runs in a child process; judging happens here."""
    tasks = exercises(stage)
    if submission is None:
        return tuple(
            Verdict(exercise, State.NOT_ATTEMPTED, "no notebook was handed in") for exercise in tasks
        )
    if submission.notebook is None:
        return tuple(Verdict(exercise, State.UNREADABLE, submission.trouble) for exercise in tasks)
    assembled = assemble(released, submission.notebook)
    present = {cell.metadata.get("labkit") for cell in assembled.cells}
    executed = execute(assembled, answers, seed=seed, limits=limits, hidden=hidden)
    return tuple(_verdict(exercise, answers, executed, present, seed) for exercise in tasks)


def _verdict(
    exercise: Exercise, folder: Path, executed: Executed, present: set[str | None], seed: int
) -> Verdict:
    file = answer_file(folder, exercise)
    task, check = f"{exercise.slug}-task", f"{exercise.slug}-check"
    if file.exists():
        try:
            return judge(exercise, storing.load(file), seed)
        except LabError as error:
            return Verdict(exercise, State.CRASHED, str(error))
    if task not in present:
        return Verdict(exercise, State.NOT_ATTEMPTED, "its cell was deleted")
    message = executed.failures.get(task) or executed.failures.get(check) or executed.trouble
    timed_out = executed.timed_out or "Timeout of" in message
    return Verdict(exercise, State.TIMED_OUT if timed_out else State.CRASHED, _last_lines(message))


def _last_lines(message: str) -> str:
    """The end of a traceback, which says what happened."""
    lines = [line for line in message.strip().splitlines() if line.strip()]
    return "\n".join(lines[-3:]) or "no answer was written, and nothing says why"


def _row(student: str, parts: Sequence[tuple[Submission | None, tuple[Verdict, ...]]]) -> Row:
    notes = [f"{s.path.name}: {s.trouble}" for s, _ in parts if s is not None and s.trouble]
    notes += ["no notebook"] if all(s is None for s, _ in parts) else []
    return Row(student, tuple(verdict for _, verdicts in parts for verdict in verdicts), tuple(notes))


def _released(folder: Path, stage: str) -> NotebookNode:
    files = sorted(folder.glob(f"{stage}_*.ipynb"))
    if len(files) != 1:
        raise LabError(
            f"expected one released notebook {folder / f'{stage}_….ipynb'}, found {len(files)}; "
            "labkit build writes them, and --released names their folder"
        )
    return nbformat.read(files[0], as_version=4)
