"""Executing one submission with nbval in a sandbox, again without a cell that hangs, and bringing its answers back."""

import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nbformat import NotebookNode

from labkit.grading.executing import scratch
from labkit.grading.executing.assembling import Assembled, assemble
from labkit.grading.executing.cells import defined
from labkit.grading.executing.limits import USUAL, Limits
from labkit.grading.executing.needs import needed
from labkit.grading.executing.passes import Pass, run_once, to_blame, what_it_did

_MISSING = re.compile(r"NameError: name '(\w+)' is not defined")


@dataclass(frozen=True)
class Executed:
    """What came of running a submission.

    failures:  task or check ("01-2-task") -> what its cell died of
    timed_out: the run as a whole was ended, and not all was run
    trouble:   why not all was run, where no cell is to blame: "more than 600 s", "more than 256 processes"
    notes:     what was decided on the way;  flags: what an instructor should look at. Both in sentences
    code:      exercise id -> the student's task cell
    present:   the tasks that were found: "01-2-task"
    cold:      why everything was started anew for it, where that was not asked for
    """

    failures: dict[str, str] = field(default_factory=dict)
    timed_out: bool = False
    trouble: str = ""
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    code: dict[str, str] = field(default_factory=dict)
    present: frozenset[str] = frozenset()
    seconds: float = 0.0
    memory_mb: float = 0.0
    cold: str = ""


def execute(
    released: NotebookNode,
    submitted: NotebookNode,
    answers: Path,
    *,
    seed: int,
    limits: Limits = USUAL,
    view: Path,
    hidden: Sequence[Path] = (),
) -> Executed:
    """Run a submission; what its checks write lands in the folder `answers`, one file for each exercise.

    view:   as `student_side` gives it
    hidden: folders that it must not see, should they lie within those that it can: the class, the run
    Raises: LabError where the disk is full; never for what a student did
    """
    with scratch.said_in_a_sentence():
        shutil.rmtree(answers, ignore_errors=True)
        answers.mkdir(parents=True)
        run = _Submission(assemble(released, submitted), answers, seed, limits, view, tuple(hidden))
        run.run()
        return run.executed()


class _Submission:
    def __init__(
        self,
        assembled: Assembled,
        answers: Path,
        seed: int,
        limits: Limits,
        view: Path,
        hidden: tuple[Path, ...],
    ):
        self.assembled, self.answers, self.seed, self.limits = assembled, answers, seed, limits
        self.view, self.hidden = view, hidden
        self.pieces = needed(assembled.pieces)
        self.failures: dict[str, str] = {}
        self.flags: list[str] = []
        self.trouble, self.cold, self.timed_out, self.memory_mb = "", "", False, 0.0
        self.begun = time.monotonic()

    def run(self) -> None:
        """Run all cells, and again while one of them stands in the way of the others."""
        for _ in range(self.limits.again + 1):
            done = self._once()
            if done is None:
                return
            self._note(done)
            if done.lost is not None:
                if not self._set_aside(done):
                    return
            elif not self._lacks_a_cell(done):
                return

    def executed(self) -> Executed:
        return Executed(
            failures=self.failures,
            timed_out=self.timed_out,
            trouble=self.trouble,
            notes=tuple(self.assembled.notes),
            flags=(*self.assembled.flags, *self.flags),
            code=self.assembled.code,
            present=self.assembled.present,
            seconds=time.monotonic() - self.begun,
            memory_mb=self.memory_mb,
            cold=self.cold,
        )

    def _once(self) -> Pass | None:
        left = self.limits.timeout_s - (time.monotonic() - self.begun)
        if left <= 0 or not any(piece.role == "check" for piece in self.pieces):
            return None
        return run_once(
            self.pieces, self.assembled.checks, self.answers,
            seed=self.seed, limits=replace(self.limits, timeout_s=left), view=self.view, hidden=self.hidden,
        )  # fmt: skip

    def _note(self, done: Pass) -> None:
        """Keep what has been learned."""
        for number, words in done.words.items():
            self.failures |= dict.fromkeys(self.pieces[number].names, words)
        self.memory_mb = max(self.memory_mb, done.ended.usage.memory_mb)
        self.trouble, self.cold = done.ended.trouble, done.cold or self.cold
        self.timed_out = self.trouble.endswith(" s")
        if not self.trouble and done.ended.returncode not in (0, 1, 2):  # pytest's own
            self.trouble = done.ended.output.strip()[-2000:]

    def _set_aside(self, done: Pass) -> bool:
        """Leave out the cell that stands in the way, and the checks that have their answers."""
        assert done.lost is not None
        blamed = to_blame(self.pieces, done.lost)
        if blamed is None:
            return False
        piece, why = self.pieces[blamed], done.words.get(done.lost) or "it ended the kernel"
        self.failures |= dict.fromkeys(piece.names, why)
        self.flags.append(f"a cell was left out since it {what_it_did(why, self.trouble)}: “{piece.shown}”")
        self.pieces = [other for number, other in enumerate(self.pieces) if number != blamed]
        self._leave_out_answered()
        return True

    def _lacks_a_cell(self, done: Pass) -> bool:
        """Whether a cell lacked a name that one of those makes which were not run; then all are."""
        lacking = {name for words in done.words.values() for name in _MISSING.findall(words)}
        run = set(self.pieces)
        skipped = [p for p in self.assembled.pieces if p.role == "released" and p not in run]
        if not any(lacking & defined(piece.source) for piece in skipped):
            return False
        gone = {piece for piece in self.assembled.pieces if piece.role != "released" and piece not in run}
        self.pieces = [piece for piece in self.assembled.pieces if piece not in gone]
        for number in done.words:
            for name in self.pieces[number].names if number < len(self.pieces) else ():
                self.failures.pop(name, None)
        self._leave_out_answered()
        return True

    def _leave_out_answered(self) -> None:
        answered = {f"{file.stem}-check" for file in self.answers.glob("*.safetensors")}
        self.pieces = [
            piece for piece in self.pieces if not (piece.role == "check" and {*piece.names} <= answered)
        ]
