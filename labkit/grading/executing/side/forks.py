"""Answering in a fork of the kernel, which is ended with all that it started."""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import torch

from labkit.checks.answer import Answer, State
from labkit.checks.answering import produce
from labkit.checks.exercise import Exercise
from labkit.checks.storing import save

PROCESSES = 32  # that one exercise may start
_ADOPTS_ORPHANS = 36  # prctl


def adopt_orphans() -> None:
    """From now on what a child leaves behind becomes a child of this process, where it is found and ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_ADOPTS_ORPHANS, 1, 0, 0, 0)


def _can_fork() -> bool:
    """Whether a process that has computed can be forked: on macOS its frameworks abort in the child."""
    return sys.platform != "darwin" and "fork" in multiprocessing.get_all_start_methods()


def answer_in_fork(
    exercise: Exercise, function: Callable[..., Any], folder: Path, *, seed: int, timeout_s: float
) -> None:
    """Run a function on the cases of a seed in a process of its own, and leave the answers in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / exercise.answer_file
    file.unlink(missing_ok=True)
    if not _can_fork():
        _answer(exercise, function, file, seed)
        return
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with _usual_signals():
        child = multiprocessing.get_context("fork").Process(
            target=_answer, args=(exercise, function, file, seed)
        )
        child.start()
        trouble = _wait(child, timeout_s, before)
        _end_new(before)
        child.join(5)
    if trouble is not None:
        save([trouble], file)
    elif not file.exists():
        ended = f"the process ended by itself (exit {child.exitcode})"
        save([Answer(state=State.CRASHED, message=ended)], file)


def _wait(child: Any, timeout_s: float, before: set[int]) -> Answer | None:
    """What is to be said of a child that had to be ended; nothing where it ended by itself."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        child.join(0.25)
        if not child.is_alive():
            return None
        if len(_new(before)) > PROCESSES:
            return Answer(state=State.CRASHED, message=f"it started more than {PROCESSES} processes")
    return Answer(state=State.TIMED_OUT, message=f"no answer within {timeout_s:g} s")


def _new(before: set[int]) -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.pid not in before]


def _end_new(before: set[int]) -> None:
    """End what has been started since. Stopped first, so that none starts another while it is its turn."""
    for _ in range(50):
        family = _new(before)
        for end in (psutil.Process.suspend, psutil.Process.kill):
            for member in family:
                with suppress(psutil.Error):
                    end(member)
        if not family:
            return
        psutil.wait_procs(family, timeout=0.1)


def _answer(exercise: Exercise, function: Callable[..., Any], file: Path, seed: int) -> None:
    torch.set_num_threads(1)  # a fork of a kernel that computed with two hangs with two
    with _silence():
        save(produce(exercise, function, exercise.draw_cases(seed)), file)


@contextmanager
def _usual_signals() -> Iterator[None]:
    """A kernel that ignores its children's ends would wait for them in vain."""
    try:
        kept = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, kept)


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
