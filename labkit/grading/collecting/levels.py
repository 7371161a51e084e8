"""Where in a folder the class is: the layouts are tried in it, and on the levels below."""

from pathlib import Path

from labkit.errors import LabError
from labkit.grading.collecting import folders
from labkit.grading.collecting.assignments import Stages
from labkit.grading.collecting.downloads import canvas, moodle
from labkit.grading.collecting.gradescope import gradescope
from labkit.grading.collecting.nbgrader import STEPS, nbgrader
from labkit.grading.collecting.submissions import Found, ignore, joined
from labkit.grading.collecting.tree import File, Folder, Ignored

_LAYOUTS = (gradescope, nbgrader, moodle, canvas)
_DEEPEST = 3  # folders that hold nothing but the next one


def find_class(folder: Folder, place: Path, stages: Stages) -> Found:
    """The class that is in a folder, whichever layout it has.

    stages: of a notebook
    Raises: LabError for what cannot be a class, with the folder to give in its place
    """
    _expect_handed_in(place)
    ignored: Ignored = []
    here, passed = folder, list[File]()
    for _ in range(_DEEPEST):
        folders.without_runs(here, ignored)
        if found := _download(here) or _downloads(here):
            for file in passed:
                ignore(file, ignored)
            where = "" if here is folder else f", in {here.path}/"
            return Found(found.layout + where, found.learners, [*ignored, *found.ignored], found.dated)
        if len(here.folders) != 1 or any(file.is_notebook for file in here.files):
            break
        passed += here.files
        here = here.folders[0]
    found = folders.students(folder, stages)
    return Found(found.layout, found.learners, [*ignored, *found.ignored])


def _expect_handed_in(place: Path) -> None:
    """Refuse a step of nbgrader's in which the students' own work is not."""
    here = place.absolute()
    submitted = here.parent / "submitted"
    if here.name in STEPS and submitted.is_dir():
        raise LabError(f"{place} is not what students handed in; give {submitted}")


def _download(folder: Folder) -> Found | None:
    return next((found for layout in _LAYOUTS if (found := layout(folder))), None)


def _downloads(folder: Folder) -> Found | None:
    """Several downloads side by side, one for each assignment.

    Raises: LabError where a download lies beside other work
    """
    at_work = [below for below in folder.folders if any(below.notebooks())]
    found = {below.path: download for below in at_work if (download := _tried(below))}
    if found and len(found) == len(at_work) and not any(file.is_notebook for file in folder.files):
        return _together(folder, found)
    larger = [path for path, one in found.items() if len(one.learners) > len(folder.folders)]
    if larger:
        names = " or ".join(larger[:4])
        raise LabError(f"{folder.path} holds {found[larger[0]].layout} among other things; give {names}")
    return None


def _tried(folder: Folder) -> Found | None:
    try:
        found = _download(folder)
    except LabError:
        return None
    return found if found and sum(bool(learner.submitted) for learner in found.learners) > 1 else None


def _together(folder: Folder, found: dict[str, Found]) -> Found:
    ignored: Ignored = [entry for one in found.values() for entry in one.ignored]
    for file in folder.files:
        ignore(file, ignored)
    learners = joined([learner for one in found.values() for learner in one.learners])
    layouts = " and ".join(f"{one.layout} in {path}" for path, one in found.items())
    return Found(layouts, learners, ignored, any(one.dated for one in found.values()))
