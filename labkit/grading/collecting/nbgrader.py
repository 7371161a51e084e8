"""nbgrader's folders of a course: submitted/STUDENT/ASSIGNMENT/ with timestamp.txt, beside what is not handed in."""

from dataclasses import replace
from datetime import datetime

from labkit.errors import LabError
from labkit.grading.collecting.submissions import Found, Learner, ignore, notebooks_of
from labkit.grading.collecting.text import decoded
from labkit.grading.collecting.times import time_of
from labkit.grading.collecting.tree import File, Folder, Ignored

STEPS = {"source", "release", "autograded", "feedback"}  # beside "submitted"
_STAMP, _LARGEST_STAMP = "timestamp.txt", 1000  # bytes
_SECRET = "submission_secret.txt"


def nbgrader(folder: Folder) -> Found | None:
    """nbgrader's submissions, if the folder is theirs or a course that has them.

    Raises: LabError for a course in which nothing has been collected
    """
    submitted = next((below for below in folder.folders if below.name == "submitted"), None)
    steps = STEPS & {below.name for below in folder.folders}
    is_course = bool(folder.file("nbgrader_config.py") or folder.file("gradebook.db") or len(steps) > 1)
    if submitted and (is_course or steps or _has_stamps(submitted)):
        ignored = [(f"{below.path}/", "not handed in") for below in folder.folders if below is not submitted]
        for file in folder.files:
            ignore(file, ignored)
        return _found(submitted, "an nbgrader course, of which submitted/ is read", ignored)
    if is_course:
        raise LabError(f"{folder.path} is an nbgrader course without submitted/; nbgrader collect brings it")
    if _has_stamps(folder):
        return _found(folder, "nbgrader's submissions", [])
    return _exchange(folder)


def _exchange(folder: Folder) -> Found | None:
    """What lies in nbgrader's exchange and has not been collected yet: STUDENT+ASSIGNMENT+TIME+LETTERS."""
    names = [below.name.split("+") for below in folder.folders]
    if not names or any(len(name) < 3 or time_of(name[2]) is None for name in names):
        return None
    students: dict[str, Folder] = {}
    for below, (student, *_) in zip(folder.folders, names, strict=True):
        students.setdefault(student, Folder(student, folder.path)).folders.append(below)
    found = replace(folder, folders=[*students.values()])
    return _found(found, "nbgrader's exchange, not collected yet", [])


def _has_stamps(folder: Folder) -> bool:
    """Whether most students who handed in have a time written beside their work."""
    at_work = [student for student in folder.folders if any(student.notebooks())]
    stamped = [student for student in at_work if any(map(_is_stamped, student.folders))]
    return 0 < len(at_work) <= 2 * len(stamped)


def _is_stamped(assignment: Folder) -> bool:
    return assignment.file(_STAMP) is not None and "+" not in assignment.name


def _found(submitted: Folder, layout: str, ignored: Ignored) -> Found:
    for file in submitted.files:
        if file.is_notebook:
            ignored.append((file.path, "it lies beside the students' folders, so whose it is is not known"))
        else:
            ignore(file, ignored)
    return Found(layout, [_student(student, ignored) for student in submitted.folders], ignored, dated=True)


def _student(folder: Folder, ignored: Ignored) -> Learner:
    learner = Learner(folder.name, ids={"login": folder.name})
    for assignment in [*folder.folders, Folder("", folder.path, folder.files)]:
        stamp = assignment.file(_STAMP)
        when = _time(stamp, learner) if stamp else None
        work = replace(
            assignment, files=[file for file in assignment.files if file.name not in (_STAMP, _SECRET)]
        )
        found = notebooks_of(work, ignored, assignment.name)
        order = when.timestamp() if when else None
        learner.submitted += [replace(one, when=when, order=order) for one in found]
    return learner


def _time(stamp: File, learner: Learner) -> datetime | None:
    try:
        when = time_of(decoded(stamp.read(_LARGEST_STAMP)).strip())
    except LabError:
        when = None
    if when is None:
        learner.private_notes.append(f"{stamp.path} has no time in it that can be read")
    return when
