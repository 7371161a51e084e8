"""One folder per student, and the folders that are none, or one level off."""

import json
import os
import re
from collections import Counter

from labkit.errors import LabError
from labkit.grading.collecting.assignments import (
    Stages,
    at_work,
    by_assignment,
    doubt,
    is_assignment,
    stages_in,
)
from labkit.grading.collecting.choosing import split_name
from labkit.grading.collecting.naming import holds_a_class
from labkit.grading.collecting.submissions import Found, Learner, ignore, joined, notebooks_of
from labkit.grading.collecting.tree import File, Folder, Ignored, shown

_NAMELESS = re.compile(r"submission_\d+")
_OLD = re.compile(
    "(old|new|backup|copy|draft|final|first|second|attempt|try|version|v|alt|neu|notebooks|solutions)[0-9 _()-]*",
    re.I,
)


def without_runs(folder: Folder, ignored: Ignored) -> None:
    """Leave out what grading itself has written."""
    for below in [*folder.folders]:
        runs = [inner for inner in below.folders if _is_run(inner)]
        if _is_run(below) or (
            runs and len(runs) == len(below.folders) and not any(f.is_notebook for f in below.files)
        ):
            folder.folders.remove(below)
            ignored.append((f"{below.path}/", "what labkit grade has written"))


def _is_run(folder: Folder) -> bool:
    file = folder.file("run.json")
    try:
        facts = json.loads(file.read()) if file else None
    except (LabError, ValueError, RecursionError):
        return False
    return isinstance(facts, dict) and "seed" in facts and not any(f.is_notebook for f in folder.files)


def students(folder: Folder, stages: Stages) -> Found:
    """A class with one folder per student, or one archive.

    stages: of a notebook
    Raises: LabError where the folder is one student's, or holds a class one level down among other things
    """
    ignored: Ignored = []
    top, folder = folder, _below(folder, stages, ignored)
    where = "" if folder is top else f", in {folder.path}/"
    if pairs := by_assignment(folder, stages):
        return _sorted_by_assignment(folder, pairs, where, ignored)
    expect_class(folder, stages)
    for file in folder.files:
        if file.is_notebook and not file.trouble:
            ignored.append((file.path, "it lies beside the students' folders, so whose it is is not known"))
        else:
            ignore(file, ignored)
    learners = joined(
        [Learner(below.name, submitted=list(notebooks_of(below, ignored))) for below in folder.folders]
    )
    nameless = all(_NAMELESS.fullmatch(below.name) for below in folder.folders)
    what = (
        "Gradescope's folders without submission_metadata.yml, so without names"
        if nameless
        else "one folder per student"
    )
    return Found(f"{what}{where}{doubt(folder, stages)}", learners, ignored)


def _sorted_by_assignment(
    folder: Folder, pairs: list[tuple[Folder, Folder]], where: str, ignored: Ignored
) -> Found:
    for place in [folder, *{id(outer): outer for outer, _ in pairs}.values()]:
        for file in place.files:
            ignore(file, ignored)
    learners = joined(
        [Learner(i.name, submitted=list(notebooks_of(i, ignored, outer.name))) for outer, i in pairs]
    )
    alone = f"; if {folder.path} is one student's, give the folder above it" if len(learners) == 1 else ""
    what = f"one folder per assignment, with one folder per student in it{where}{alone}"
    return Found(what, learners, ignored)


def _below(top: Folder, stages: Stages, ignored: Ignored) -> Folder:
    """The folder with the class, where nothing but folders with one folder in them lies above it."""
    folder, passed = top, list[File]()
    while len(folder.folders) == 1 and not any(file.is_notebook for file in folder.files):
        passed += folder.files
        folder = folder.folders[0]
        sorted_so = {student.name for _, student in by_assignment(folder, stages)}
        if is_class(folder, stages) or len(sorted_so) > 1 or (sorted_so and holds_a_class(folder.name)):
            for file in passed:
                ignore(file, ignored)
            return folder
    return top


def is_class(folder: Folder, stages: Stages) -> bool:
    """Whether a folder's own folders look like students, and not like the attempts or assignments of one."""
    found = at_work(folder)
    if holds_a_class(folder.name) and found and not _assignments(found, stages):
        return True
    if len(found) < 2 or all(_OLD.fullmatch(below.name) or len(below.name) == 1 for below in found):
        return False
    count = Counter(stage for below in found for stage in stages_in(below, stages))
    return max(count.values(), default=0) >= 2 or not any(_assignments([below], stages) for below in found)


def expect_class(folder: Folder, stages: Stages) -> None:
    """Raises: LabError for what is no class, with the folder to give in its place"""
    flat = [file for file in folder.files if file.is_notebook]
    found = at_work(folder)
    if flat and not found:
        raise LabError(_flat(folder, flat, stages))
    if not found:
        missing = "notebook" if folder.folders else "student"
        raise LabError(
            f"no {missing} in {folder.path}; expected one folder per student, such as {folder.path}/ada/01_….ipynb"
        )
    if _assignments(found, stages) or all(_OLD.fullmatch(below.name) for below in folder.folders):
        raise LabError(_one_student(folder))
    classes = [below for below in found if is_class(below, stages)]
    inside = sum(len(below.folders) for below in classes)
    if classes and (inside > len(folder.folders) or any(holds_a_class(below.name) for below in classes)):
        names = " or ".join(below.path for below in classes[:4])
        raise LabError(f"{folder.path} holds folders of students one level down; give {names}")


def _assignments(folders: list[Folder], stages: Stages) -> bool:
    """Whether folders are one student's: each is called after the stage in it, or nbgrader has noted its time."""
    return all(below.file("timestamp.txt") or is_assignment(below, stages) for below in folders)


def _flat(folder: Folder, flat: list[File], stages: Stages) -> str:
    count = Counter(stage for file in flat for stage in stages(file))
    stems = {split_name(file.name)[0] for file in flat}
    if max(count.values(), default=1) == 1 or len(stems) <= len(count):
        return _one_student(folder)
    return (
        f"{len(flat)} notebooks lie side by side in {folder.path}, and their names do not say whose they are; "
        "put each into a folder with its student's name"
    )


def _one_student(folder: Folder) -> str:
    above = (
        "a folder that holds one folder per student"
        if folder.archive
        else shown(os.path.dirname(os.path.abspath(folder.path)))
    )
    return (
        f"{folder.path} looks like one student's work; expected a class, so give the folder above it: {above}"
    )
