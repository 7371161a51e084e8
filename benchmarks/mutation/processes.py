"""Trying many answers, each of which may loop for ever, take all memory, or end its process.

A process tries a batch, since to fork one costs more than to judge a mutant. What it says is believed only if it came
to the batch's end and the reference answer still passes there: if not, the batch is tried again in smaller ones.
"""

import gc
import os
import resource
import signal
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess

from labkit.authoring.reference import Reference
from labkit.checks.answer import State
from labkit.checks.exercise import Exercise
from mutation.mutants import Mutant
from mutation.trial import Outcome, verdict_of

BATCH = 25
MEMORY_MB = 4_096
PATIENCE = 6  # so many seconds of waiting for each second of computing that is allowed


@dataclass
class _Run:
    """A process that tries a batch, and what it has told so far: an outcome each, at the end whether it is sound."""

    batch: list[Mutant]
    process: BaseProcess
    told: list = field(default_factory=list)

    def result(self) -> tuple[list[Outcome], list[list[Mutant]]]:
        """Once the process has ended: what is certain, and the batches that are to be tried again."""
        self.process.join()
        done = self.told[: len(self.batch)]
        if len(self.told) > len(self.batch) and (self.told[-1] or len(self.batch) == 1):
            return [Outcome(mutant, *said) for mutant, said in zip(self.batch, done, strict=True)], []
        if len(self.told) > len(self.batch):
            return [], [[mutant] for mutant in self.batch]
        if len(self.batch) == 1:
            return [_ended(self.batch[0], self.process.exitcode, done)], []
        if len(done) == len(self.batch):
            return [], [[mutant] for mutant in self.batch]
        last = self.batch[len(done)]
        return [], [[last], [mutant for mutant in self.batch if mutant is not last]]


def outcomes(
    exercise: Exercise,
    reference: Reference,
    mutants: list[Mutant],
    *,
    jobs: int,
    limit_s: float,
    places: bool = False,
) -> Iterator[Outcome]:
    """Try mutants of one reference answer, in so many processes, each for so many seconds of computing at most.

    places: also ask for the line to look at, as a check in a notebook does
    The caller has computed on one thread only: a process forked from two hangs.
    """
    gc.freeze()  # what is there already is not copied into each process
    context = get_context("fork")
    waiting = deque(mutants[i : i + BATCH] for i in range(0, len(mutants), BATCH))
    running: dict[connection.Connection, _Run] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            here, there = context.Pipe(duplex=False)
            batch = waiting.popleft()
            process = context.Process(target=_try, args=(there, exercise, reference, batch, limit_s, places))
            process.start()
            there.close()
            running[here] = _Run(batch, process)
        for ready in connection.wait(list(running)):
            try:
                running[ready].told.append(ready.recv())
            except EOFError:
                certain, again = running.pop(ready).result()
                ready.close()
                yield from certain
                waiting.extend(again)


def _ended(mutant: Mutant, exitcode: int | None, done: list) -> Outcome:
    """A mutant whose process ended without a word, or at least without the last one."""
    if done:
        return Outcome(mutant, *done[0])
    late = exitcode in (-signal.SIGPROF, -signal.SIGALRM)
    return Outcome(mutant, State.TIMED_OUT if late else State.CRASHED, f"the process ended: {exitcode}")


def _try(
    pipe: connection.Connection,
    exercise: Exercise,
    reference: Reference,
    batch: list[Mutant],
    limit_s: float,
    places: bool,
) -> None:
    """In the child: tell the verdict of each mutant, then whether the right answer passes."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB * 2**20,) * 2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    for mutant in batch:
        _set_timers(limit_s)
        pipe.send(verdict_of(exercise, reference, mutant.code, places=places))
    _set_timers(limit_s)
    pipe.send(verdict_of(exercise, reference, reference.code)[0] == State.PASSED)


def _set_timers(limit_s: float) -> None:
    """From now on so many seconds of computing, and some more of waiting; then the process ends."""
    for timer, sign, seconds in (
        (signal.ITIMER_PROF, signal.SIGPROF, limit_s),
        (signal.ITIMER_REAL, signal.SIGALRM, PATIENCE * limit_s),
    ):
        signal.signal(sign, signal.SIG_DFL)  # which ends the process, even within a long call of C
        signal.setitimer(timer, seconds)
