"""Trying answers: each in a process of its own, for it may loop for ever, take all memory, or end itself."""

import gc
import linecache
import os
import resource
import signal
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from labkit.authoring.reference import Reference
from labkit.checks.answer import State
from labkit.checks.answering import produce
from labkit.checks.exercise import PUBLIC_SEED, Exercise
from labkit.checks.judging import judge
from labkit.errors import LabError
from mutation.mutants import Mutant

SEEDS = (PUBLIC_SEED, 1, 20_260_101)  # a survivor passes with all of them
MEMORY_MB = 4_096
PATIENCE = 6  # so many seconds of waiting for each second of computing that is allowed


@dataclass(frozen=True)
class Outcome:
    """What the judge said to a mutant. named: the mistake or the cause that was told, or nothing."""

    mutant: Mutant
    state: str
    message: str = ""
    named: str = ""

    @property
    def survived(self) -> bool:
        return self.state == State.PASSED


def answer(reference: Reference, code: str) -> Any:
    """The function of a cell, with its text where a traceback and inspect.getsource look for it."""
    namespace: dict[str, Any] = {}
    file = f"<answer {reference.exercise_id}>"
    linecache.cache[file] = len(code), None, code.splitlines(keepends=True), file
    exec(compile(reference.imports, "<imports>", "exec"), namespace)
    exec(compile(code, file, "exec"), namespace)
    return namespace[reference.name]


def kinds(exercise: Exercise, reference: Reference) -> dict[str, str]:
    """Try the reference answer, and see what types its variables have: "Tensor 4" has four dimensions.

    Raises: LabError if the reference answer does not pass
    """
    found: dict[str, str] = {}

    def look(frame: FrameType, event: str, _value: object) -> None:
        if event == "return" and frame.f_code.co_filename == f"<answer {exercise.id}>":
            found.update({name: _kind(value) for name, value in frame.f_locals.items()})

    function = answer(reference, reference.code)
    for seed in SEEDS:
        verdict = judge(exercise, produce(exercise, function, exercise.draw_cases(seed)), seed)
        if not verdict.passed:
            raise LabError(f"the reference answer to {exercise.id} does not pass: {verdict.message}")
    sys.setprofile(look)
    try:
        produce(exercise, function, exercise.draw_cases(PUBLIC_SEED))
    finally:
        sys.setprofile(None)
    return found


def _kind(value: object) -> str:
    return type(value).__name__ + (f" {value.ndim}" if hasattr(value, "ndim") else "")


def outcomes(
    exercise: Exercise, reference: Reference, mutants: Iterable[Mutant], *, jobs: int, limit_s: float
) -> Iterator[Outcome]:
    """Try mutants of one reference answer, so many at a time, each for so many seconds of computing at most."""
    gc.freeze()
    context, waiting = get_context("fork"), iter(mutants)
    running: dict[connection.Connection, tuple[Mutant, BaseProcess]] = {}
    while True:
        while len(running) < jobs and (mutant := next(waiting, None)):
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_try, args=(there, exercise, reference, mutant, limit_s))
            process.start()
            there.close()
            running[here] = mutant, process
        if not running:
            return
        for ready in connection.wait(list(running)):
            yield _outcome(ready, *running.pop(ready))


def _outcome(pipe: connection.Connection, mutant: Mutant, process: BaseProcess) -> Outcome:
    try:
        told = pipe.recv()
    except EOFError:
        told = None
    process.join()
    pipe.close()
    if told:
        return Outcome(mutant, *told)
    late = process.exitcode in (-signal.SIGPROF, -signal.SIGALRM)
    return Outcome(
        mutant, State.TIMED_OUT if late else State.CRASHED, f"the process ended: {process.exitcode}"
    )


def _try(
    pipe: connection.Connection, exercise: Exercise, reference: Reference, mutant: Mutant, limit_s: float
) -> None:
    """In the child: judge one mutant and tell (state, message, what was named)."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB * 2**20,) * 2)
    for timer, sign, seconds in (
        (signal.ITIMER_PROF, signal.SIGPROF, limit_s),
        (signal.ITIMER_REAL, signal.SIGALRM, PATIENCE * limit_s),
    ):
        signal.signal(sign, signal.SIG_DFL)  # which ends the process, even within a long call of C
        signal.setitimer(timer, seconds)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    pipe.send(verdict_of(exercise, reference, mutant.code))


def verdict_of(exercise: Exercise, reference: Reference, code: str) -> tuple[str, str, str]:
    """(state, message, what was named) of a cell's code, judged with one seed after the other until it fails."""
    try:
        function = answer(reference, code)
    except Exception as error:
        return State.CRASHED, f"{type(error).__name__}: {error}", ""
    for seed in SEEDS:
        verdict = judge(exercise, produce(exercise, function, exercise.draw_cases(seed)), seed)
        if not verdict.passed:
            named = verdict.mistake.name if verdict.mistake else str(getattr(verdict, "cause", None) or "")
            return str(verdict.state), verdict.message, named
    return State.PASSED, "", ""
