"""Judging the answers of one submission, in a process of its own: what they do to a judge ends with it."""

import json
import multiprocessing
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path

from labkit.checks.answer import State
from labkit.checks.judging import Verdict, judge
from labkit.checks.storing import load
from labkit.errors import LabError
from labkit.exercises import find
from labkit.grading.records import Outcome


def judge_answers(
    folder: Path, exercise_ids: Sequence[str], *, seed: int, timeout_s: float = 180, memory_mb: int = 6144
) -> dict[str, Outcome]:
    """What the judges say to the answer files in a folder, by exercise id.

    A judge that fails, hangs or takes its process with it is to be looked at, and costs the next ones nothing.

    seed: of the cases that were answered;  timeout_s: for each exercise
    """
    outcomes: dict[str, Outcome] = {}
    while waiting := [found for found in exercise_ids if found not in outcomes]:
        parent, child = processes().Pipe(duplex=False)
        args = (child, folder, waiting, seed, memory_mb)
        process = processes().Process(target=_judge_all, args=args, daemon=True)
        process.start()
        child.close()
        trouble = _listen(parent, len(waiting), timeout_s, outcomes)
        process.kill()
        process.join()
        if trouble:
            lost = next(found for found in waiting if found not in outcomes)
            outcomes[lost] = Outcome(
                lost, State.TO_BE_LOOKED_AT, f"{trouble}; its judge is to blame, no student"
            )
    return outcomes


@cache
def processes() -> ForkServerContext | SpawnContext:
    """Where the system can: forked from a process that has imported and read what all judging needs, no more."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "labkit.grading.preloaded"])
    return context


def get_ready() -> None:
    """Begin the process that judging ones are forked from, which takes seconds, and do not wait for it."""
    if isinstance(processes(), ForkServerContext):
        from multiprocessing.forkserver import ensure_running

        ensure_running()


def _listen(parent: Connection, count: int, timeout_s: float, outcomes: dict[str, Outcome]) -> str:
    """Gather what comes, and say what went wrong where not all does."""
    try:
        for _ in range(count):
            if not parent.poll(timeout_s):
                return f"no verdict within {timeout_s:g} s"
            fields = json.loads(parent.recv_bytes())
            outcomes[fields["exercise"]] = Outcome(**fields | {"state": State(fields["state"]), "flags": ()})
    except EOFError:
        return "the judging process ended by itself"
    return ""


def _judge_all(out: Connection, folder: Path, exercise_ids: Sequence[str], seed: int, memory_mb: int) -> None:
    import torch

    torch.set_num_threads(1)
    limit_memory(memory_mb)
    for exercise_id in exercise_ids:
        out.send_bytes(json.dumps(asdict(_judge_one(folder, exercise_id, seed))).encode())


def limit_memory(memory_mb: int) -> None:
    """Cap what this process may allocate, where the system can."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * 2**20, memory_mb * 2**20))
    except (ImportError, ValueError, OSError):
        return  # Windows, or a lower limit already in force


def _judge_one(folder: Path, exercise_id: str, seed: int) -> Outcome:
    exercise = find(exercise_id)
    try:
        answers = load(folder / exercise.answer_file)
    except LabError as error:
        return Outcome(exercise_id, State.CRASHED, str(error))
    try:
        return _outcome(judge(exercise, answers, seed))
    except Exception as error:
        return Outcome(
            exercise_id, State.TO_BE_LOOKED_AT, f"the check itself failed ({type(error).__name__}: {error})"
        )


def _outcome(verdict: Verdict) -> Outcome:
    name, lesson = (verdict.mistake.name, verdict.mistake.lesson) if verdict.mistake else ("", verdict.cause)
    return Outcome(verdict.exercise.id, verdict.state, verdict.message, name, lesson)
