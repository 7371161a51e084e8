"""Folders that are called after assignments: a student's own, or above those of the students."""

from collections.abc import Callable

from labkit.grading.collecting.naming import is_own
from labkit.grading.collecting.stages import stage_in_name
from labkit.grading.collecting.tree import File, Folder

Stages = Callable[[File], frozenset[str]]
Pairs = list[tuple[Folder, Folder]]  # an assignment's folder, and a student's in it
_SHOWN = 4


def at_work(folder: Folder) -> list[Folder]:
    """Its folders that have a notebook somewhere."""
    return [below for below in folder.folders if any(below.notebooks())]


def stages_in(folder: Folder, stages: Stages) -> set[str]:
    return {stage for file in folder.notebooks() for stage in stages(file)}


def is_assignment(folder: Folder, stages: Stages) -> bool:
    """Whether it is called after the stage in it."""
    return stage_in_name(folder.name) in stages_in(folder, stages)


def by_assignment(folder: Folder, stages: Stages) -> Pairs:
    """What lies in a folder that is sorted by assignments first, and by students in each; nothing for any other."""
    sorted_so = at_work(folder)
    if any(file.is_notebook for file in folder.files) or not sorted_so:
        return []
    if not all(is_assignment(below, stages) and _inside(below) for below in sorted_so):
        return []
    if any(is_own(inner.name) for below in sorted_so for inner in _inside(below)):
        return []
    return [(below, inner) for below in sorted_so for inner in below.folders]


def _inside(folder: Folder) -> list[Folder]:
    """The folders with work in one that has no notebook itself."""
    return [] if any(file.is_notebook for file in folder.files) else at_work(folder)


def doubt(folder: Folder, stages: Stages) -> str:
    """What is to be said where a folder's folders could be students, and could hold the students'."""
    outer = at_work(folder)
    inner = [_past_assignments(below, stages) for below in outer]
    found = [below for several in inner for below in several]
    names = {below.name for below in found}
    if not found or not all(inner) or any(map(is_own, names)):
        return ""
    if len(names) < len(found) and not _differ(outer, stages):
        return ""  # students who all have a folder of the same name
    return f"; if it is {_listed(names)} who handed in, give {_listed({_above(below) for below in found})}"


def _past_assignments(folder: Folder, stages: Stages) -> list[Folder]:
    inside = _inside(folder)
    if inside and all(is_assignment(below, stages) for below in inside):
        return [inner for below in inside for inner in _inside(below)]
    return inside


def _differ(folders: list[Folder], stages: Stages) -> bool:
    """Whether no stage is in two of them, as of assignments."""
    found = [stage for folder in folders for stage in stages_in(folder, stages)]
    return len(folders) > 1 and len(set(found)) == len(found)


def _above(folder: Folder) -> str:
    return folder.path.rpartition("/")[0]


def _listed(names: set[str]) -> str:
    return " or ".join(sorted(names)[:_SHOWN]) + ", …" * (len(names) > _SHOWN)
