"""Watching what a command and all that it started take, and seeing when it is too much."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from labkit.grading.executing.limits import Limits

_PAUSE_S = 0.25
_FILES_EVERY = 4  # pauses
MOST_FILES = 20_000


@dataclass(frozen=True)
class Usage:
    """What a command took: its time, and the most memory that it and all its processes had at one time."""

    seconds: float = 0.0
    memory_mb: float = 0.0


class Watched(Protocol):
    """What is watched: whether it has ended within some seconds, and all processes that belong to it."""

    def ended(self, timeout_s: float) -> bool: ...

    def family(self) -> list[psutil.Process]: ...


def watch(watched: Watched, folder: Path, limits: Limits) -> tuple[Usage, str]:
    """Wait until something ends or takes too much.

    Returns: what it took, and what there was too much of: "", "more than 600 s", "more than 256 processes", …
    """
    begun, most, round_ = time.monotonic(), 0.0, 0
    while not watched.ended(_PAUSE_S if round_ else 0.01):
        round_ += 1
        seconds = time.monotonic() - begun
        family = watched.family()
        count, memory = len(family), _memory_mb(family, 2 * limits.memory_mb)
        most = max(most, memory)
        trouble = _too_much(limits, seconds, count, memory)
        if not trouble and round_ % _FILES_EVERY == 0 and not _fits(folder, limits.files_mb):
            trouble = f"more than {limits.files_mb} MB or {MOST_FILES} files in its folder"
        if trouble:
            return Usage(seconds, most), trouble
    return Usage(time.monotonic() - begun, most), ""


def _too_much(limits: Limits, seconds: float, count: int, memory: float) -> str:
    if seconds > limits.timeout_s:
        return f"more than {limits.timeout_s:g} s"
    if count > limits.processes:
        return f"more than {limits.processes} processes"
    if memory > 2 * limits.memory_mb:
        return f"more than {2 * limits.memory_mb} MB of memory"
    return ""


def _memory_mb(family: list[psutil.Process], most_mb: float) -> float:
    """The memory of processes in MB.

    Forks share what none of them has changed. To count it once takes time, so it is done only where there seems to
    be more than `most_mb`.
    """
    used = _sum(family, lambda member: (m := member.memory_info()).rss - getattr(m, "shared", 0))
    if used > most_mb:
        used = _sum(
            family, lambda member: getattr(member.memory_full_info(), "pss", member.memory_info().rss)
        )
    return used


def _sum(family: list[psutil.Process], of: Callable[[psutil.Process], float]) -> float:
    total = 0.0
    for member in family:
        with suppress(psutil.Error, OSError):
            total += of(member) / 2**20
    return total


def _fits(folder: Path, most_mb: int) -> bool:
    """Whether a folder holds no more than that. Looks at links themselves, and gives up where there is too much."""
    left, files, waiting = most_mb * 2**20, MOST_FILES, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    files -= 1
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        left -= entry.stat(follow_symlinks=False).st_blocks * 512
                    if left < 0 or files < 0:
                        return False
        except OSError:
            continue
    return True
