"""A run of grading is a folder of its own: what it was run with, one result a submission, and the reports.

SCORES/2026-11-25_1432/run.json                     seed, settings, versions
SCORES/2026-11-25_1432/results/STUDENT/05.json      written as each submission ends
SCORES/2026-11-25_1432/answers/STUDENT/05/05-1.safetensors
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from labkit.errors import LabError
from labkit.files import write_whole
from labkit.grading.records import Result, Student
from labkit.grading.unit import Graded

_NAME = re.compile(r"\d{4}-\d\d-\d\d_\d{4}(-\d+)?")


@dataclass(frozen=True)
class Run:
    """One run. `facts` is what run.json holds; it is written when the run begins and when it is finished."""

    folder: Path
    facts: dict[str, Any]

    @property
    def seed(self) -> int:
        return int(self.facts["seed"])

    @property
    def finished(self) -> bool:
        return bool(self.facts.get("finished"))

    def result(self, student: Student, stage: str) -> Result | None:
        """What is kept of a submission; None where nothing is, or nothing whole."""
        try:
            return Result.read(self._result_file(student, stage))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def answers(self, student: Student, stage: str) -> Path:
        return self.folder / "answers" / student.slug / stage

    def keep(self, student: Student, graded: Graded) -> None:
        """Keep answers first, then the result that says that they are all there."""
        stage = graded.result.stage
        self._result_file(student, stage).unlink(missing_ok=True)
        shutil.rmtree(self.answers(student, stage), ignore_errors=True)
        for name, content in graded.answers.items():
            write_whole(self.answers(student, stage) / name, content)
        graded.result.write(self._result_file(student, stage))

    def finish(self) -> None:
        self.facts["finished"] = now()
        self.write()

    def write(self) -> None:
        write_whole(self.folder / "run.json", json.dumps(self.facts, indent=1) + "\n")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Inside, no other process writes into this run.

        Raises: LabError where one does
        """
        lock = self.folder / "running"
        if (holder := _holder(lock)) is not None:
            raise LabError(
                f"{self.folder} is being written by process {holder}; wait for it, or give another --out"
            )
        write_whole(lock, f"{os.getpid()} {psutil.Process().create_time()}")
        for half in self.folder.rglob(".*.partial"):
            half.unlink(missing_ok=True)  # of one that was killed while it wrote
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)

    def _result_file(self, student: Student, stage: str) -> Path:
        return self.folder / "results" / student.slug / f"{stage}.json"


def begin(scores: Path, facts: dict[str, Any]) -> Run:
    """Make the folder of a new run, named after this minute.

    Raises: LabError where nothing can be written there
    """
    name = f"{datetime.now():%Y-%m-%d_%H%M}"
    for number in range(1, 1000):
        folder = scores / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise LabError(
                f"cannot make {folder} ({error.strerror}); give another folder with --out"
            ) from error
        run = Run(folder, {**facts, "begun": now(), "finished": ""})
        run.write()
        return run
    raise LabError(f"{scores} holds too many runs of this minute; wait for the next")


def open_run(folder: Path) -> Run:
    """The run that a folder holds.

    Raises: LabError where there is none
    """
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return Run(folder, facts | {"seed": int(facts["seed"])})
    except (OSError, ValueError, KeyError, TypeError):
        runs = ", ".join(str(run.folder) for run in all_runs(folder)[-3:])
        tried = f"try one of {runs}" if runs else "expected a folder such as scores/2026-11-25_1432"
        raise LabError(f"{folder} is no run of grading; {tried}") from None


def all_runs(scores: Path) -> list[Run]:
    """The runs in a folder, the oldest first."""
    if not scores.is_dir():
        return []
    found = [place for place in sorted(scores.iterdir(), key=_order) if _NAME.fullmatch(place.name)]
    return [open_run(place) for place in found if (place / "run.json").is_file()]


def to_go_on_with(scores: Path, facts: dict[str, Any]) -> Run | None:
    """The last run of these very things, if it was not finished."""
    alike = [run for run in all_runs(scores) if all(run.facts.get(name) == facts[name] for name in _THE_SAME)]
    return alike[-1] if alike and not alike[-1].finished else None


_THE_SAME = ("class", "exercises", "students", "release", "labkit")


def _order(place: Path) -> tuple[str, int]:
    minute, _, number = place.name[:15], place.name[15:16], place.name[16:]
    return minute, int(number) if number.isdigit() else 1


def _holder(lock: Path) -> int | None:
    """The process that holds a lock, if it is still the same and alive."""
    try:
        pid, created = lock.read_text(encoding="utf-8").split()
        return int(pid) if psutil.Process(int(pid)).create_time() == float(created) else None
    except (OSError, ValueError, psutil.Error):
        return None


def now() -> str:
    """ISO 8601, with this machine's zone."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
