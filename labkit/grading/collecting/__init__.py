"""Collecting: from what an instructor downloaded to each student's notebook for each stage."""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from labkit.errors import LabError
from labkit.grading.collecting.archives import Archives
from labkit.grading.collecting.attempts import Reader, handed_in
from labkit.grading.collecting.levels import find_class
from labkit.grading.collecting.matching import with_roster
from labkit.grading.collecting.notebooks import grade_id, opened, read_notebook
from labkit.grading.collecting.submissions import Found, Learner
from labkit.grading.collecting.telling import told
from labkit.grading.collecting.tree import File, Folder, Ignored, shown, walk
from labkit.grading.records import Collected, Student

__all__ = ["collect", "grade_id", "read_notebook", "told"]


def collect(
    place: Path, *, stages: Iterable[str], roster: Path | None = None, due: datetime | None = None
) -> Collected:
    """Everything that a class has handed in for these stages, read into memory.

    place:  a folder or a zip: one folder per student, a download of Canvas, Moodle or Gradescope, an nbgrader course
    roster: a CSV file of the class, which brings names, ids and those who handed in nothing
    due:    where the layout knows when work was handed in, what came after this is late; local time without a zone
    Raises: LabError for what cannot be a class, with the folder to give in its place; a bad submission raises nothing
    """
    wanted = frozenset(stages)
    ignored: Ignored = []
    with Archives() as archives:
        reader = Reader(wanted)
        found = find_class(_tree(place, archives, ignored), place, reader.stages)
        ignored += found.ignored
        learners = list(zip(_keys(found.learners), found.learners, strict=True))
        work = [one for key, learner in learners for one in handed_in(key, learner, reader, ignored, due)]
    students = [_student(key, learner) for key, learner in learners]
    if roster is not None:
        students, work = with_roster(roster, students, work, ignored)
    return Collected(
        _layout(found, due),
        tuple(sorted(students, key=lambda student: student.key)),
        tuple(sorted(work, key=lambda one: (one.student, one.stage))),
        tuple(dict.fromkeys(ignored)),
    )


def _tree(place: Path, archives: Archives, ignored: Ignored) -> Folder:
    path = shown(str(place))
    if os.path.isdir(place):
        return walk(place, ignored, archives.unzip)
    if not os.path.lexists(place):
        raise LabError(f"no folder {path}; give the folder or zip that the class's notebooks are in")
    if place.suffix.lower() != ".zip":
        above = shown(str(place.absolute().parent))
        raise LabError(
            f"{path} is one file; expected a class's folder or zip, such as the folder above {above}"
        )
    folder = archives.unzip(File(shown(place.name), path, lambda: opened(place)), refused := Ignored())
    if folder is None:
        raise LabError(f"{path} is {refused[0][1]}")
    ignored += refused
    return folder


def _layout(found: Found, due: datetime | None) -> str:
    undated = due is not None and not found.dated
    return f"{found.layout}, which does not say when work was handed in" if undated else found.layout


def _keys(learners: list[Learner]) -> list[str]:
    """Each student's name, with the number where two have the same."""
    names = [learner.name for learner in learners]
    keys: list[str] = []
    for learner in learners:
        key = learner.name
        if learner.number and names.count(key) > 1:
            key = f"{key}_{learner.number}"
        while key in keys:
            key += "_"
        keys.append(key)
    return keys


def _student(key: str, learner: Learner) -> Student:
    return Student(key, learner.name if learner.name != key else "", tuple(sorted(learner.ids.items())))
