"""Each student's files read, sorted into stages, and one of them chosen for each."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from nbformat import NotebookNode

from labkit.errors import LabError
from labkit.grading.collecting.choosing import Candidate, choose
from labkit.grading.collecting.notebooks import is_solution, notebook_of
from labkit.grading.collecting.pictures import pictures
from labkit.grading.collecting.stages import Work, stage_in_bytes, stage_in_name, work
from labkit.grading.collecting.submissions import Learner, Submitted
from labkit.grading.collecting.text import json_of
from labkit.grading.collecting.tree import File, Ignored
from labkit.grading.records import HandedIn, Picture


class Reading(NamedTuple):
    """What is in a file.

    work: by stage;  trouble: why there is no notebook;  traces: the stage that it may be of;  pictures: that it shows
    """

    sha256: str
    notebook: NotebookNode | None
    work: dict[str, Work]
    trouble: str = ""
    traces: str = ""
    pictures: tuple[Picture, ...] = ()


class Reader:
    """Reads each file once. wanted: the stages that are graded"""

    def __init__(self, wanted: frozenset[str]):
        self.wanted = wanted
        self._read: dict[int, tuple[File, Reading]] = {}

    def read(self, file: File) -> Reading:
        if id(file) not in self._read:
            self._read[id(file)] = file, _read(file)  # the file too, so that no other gets its id
        return self._read[id(file)][1]

    def stages(self, file: File) -> frozenset[str]:
        """Those that a file is of; by its name where it has no exercise that can be read."""
        return frozenset(self.read(file).work) or frozenset(filter(None, [stage_in_name(file.name)]))


def handed_in(
    key: str, learner: Learner, reader: Reader, ignored: Ignored, due: datetime | None
) -> Iterator[HandedIn]:
    """What counts of one student's files, for each stage; `ignored` takes what is of none."""
    candidates: dict[str, list[Candidate]] = {}
    for submitted in learner.submitted:
        reading = reader.read(submitted.file)
        stages, reason = _stages(submitted, reading, reader.wanted)
        if not stages:
            ignored.append((submitted.file.path, reason))
        for stage in stages:
            attempted = reading.work[stage].attempted if stage in reading.work else 0
            found = Candidate(submitted, reading.sha256, reading.notebook, attempted, reading.trouble)
            candidates.setdefault(stage, []).append(found)
    for stage, found_ in sorted(candidates.items()):
        chosen, notes = choose(found_)
        late = _is_late(chosen, due)
        in_time = [c.path for c in found_ if late and c.attempted and not _is_late(c, due)]
        notes += (f"{chosen.path} is late, {in_time[-1]} was in time",) if in_time else ()
        private = (*learner.private_notes, *_suspicions(chosen))
        shown = tuple(p for p in reader.read(chosen.submitted.file).pictures if p.exercise[:2] == stage)
        yield replace(_counts(key, stage, chosen, late, notes), private_notes=private, pictures=shown)


def _is_late(candidate: Candidate, due: datetime | None) -> bool:
    one = candidate.submitted
    return one.late or bool(due and one.when and one.when > due.astimezone())


def _suspicions(chosen: Candidate) -> list[str]:
    if chosen.notebook is None or not is_solution(chosen.notebook):
        return []
    return [f"{chosen.path} is the lab's own solution, or was made from it"]


def _counts(key: str, stage: str, chosen: Candidate, late: bool, notes: tuple[str, ...]) -> HandedIn:
    one = chosen.submitted
    return HandedIn(
        key,
        stage,
        one.file.path,
        chosen.sha256,
        chosen.notebook,
        chosen.trouble,
        one.attempt,
        one.when.isoformat() if one.when else "",
        late,
        (*one.notes, *notes),
    )


def _stages(submitted: Submitted, reading: Reading, wanted: frozenset[str]) -> tuple[list[str], str]:
    """The stages that a file is handed in for, or why it is for none."""
    if reading.work:
        stages = [stage for stage in reading.work if stage in wanted]
        return stages, f"of stage {' and '.join(reading.work)}, which is not graded here"
    named = reading.traces or stage_in_name(submitted.name, submitted.folder)
    if named in wanted:
        return [named], ""
    if named:
        return [], f"of stage {named} as far as can be seen, which is not graded here"
    if reading.trouble and len(wanted) == 1:
        return [*wanted], ""
    return [], reading.trouble or "none of the lab's exercises is in it"


def _read(file: File) -> Reading:
    digest, data = "", b""
    try:
        data = file.read()
        digest = hashlib.sha256(data).hexdigest()
        notebook = notebook_of(content := json_of(data))
    except LabError as error:
        return Reading(digest, None, {}, str(error), stage_in_bytes(data))
    return Reading(digest, notebook, work(notebook), pictures=pictures(content, notebook))
