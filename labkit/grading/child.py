"""What a check cell does in grading: write the answers down, judge nothing.

Each exercise runs in a fork of the kernel, so that an endless loop, an os._exit or a memory hog costs
this exercise and not the next. This module runs in the student's process: nothing it says is trusted.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.checks.answer import Answer, State
from labkit.checks.answering import produce
from labkit.checks.exercise import Exercise
from labkit.checks.storing import save
from labkit.exercises import find


@dataclass(frozen=True)
class Task:
    """Where a run's answers go, and what an exercise may cost. It travels in the environment."""

    folder: Path
    seed: int
    timeout_s: float
    memory_mb: int

    def to_environment(self) -> dict[str, str]:
        return {
            "LABKIT_ANSWERS": str(self.folder),
            "LABKIT_SEED": str(self.seed),
            "LABKIT_TIMEOUT_S": str(self.timeout_s),
            "LABKIT_MEMORY_MB": str(self.memory_mb),
        }

    @classmethod
    def from_environment(cls) -> "Task":
        get = os.environ.__getitem__
        return cls(
            Path(get("LABKIT_ANSWERS")), int(get("LABKIT_SEED")), float(get("LABKIT_TIMEOUT_S")),
            int(get("LABKIT_MEMORY_MB")),
        )  # fmt: skip


def answer_file(folder: Path, exercise: Exercise) -> Path:
    return folder / f"{exercise.slug}.safetensors"


def answer_in_child(exercise_id: str, function: Callable[..., Any]) -> None:
    """Run a student's function on the secret cases in a process of its own, and leave the answers in a file."""
    task, exercise = Task.from_environment(), find(exercise_id)
    if "fork" not in multiprocessing.get_all_start_methods():
        _answer(exercise, function, task)
        return
    child = multiprocessing.get_context("fork").Process(target=_answer, args=(exercise, function, task))
    child.start()
    child.join(task.timeout_s)
    if child.exitcode == 0:
        return
    if child.exitcode is None:
        child.kill()
        child.join()
        answer = Answer(state=State.TIMED_OUT, message=f"no answer within {task.timeout_s:g} s")
    else:
        answer = Answer(state=State.CRASHED, message=f"the process ended by itself (exit {child.exitcode})")
    save([answer], answer_file(task.folder, exercise))


def _answer(exercise: Exercise, function: Callable[..., Any], task: Task) -> None:
    limit_memory(task.memory_mb)
    with _silence():
        answers = produce(exercise, function, exercise.draw_cases(task.seed))
        save(answers, answer_file(task.folder, exercise))


def limit_memory(memory_mb: int) -> None:
    """Cap what this process may allocate, where the system can."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * 2**20, memory_mb * 2**20))
    except (ImportError, ValueError, OSError):
        return  # Windows, or a lower limit already in force


@contextmanager
def _silence() -> Iterator[None]:
    """What a fork prints has no kernel to go to."""
    kept = sys.stdout, sys.stderr
    with open(os.devnull, "w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        try:
            yield
        finally:
            sys.stdout, sys.stderr = kept
