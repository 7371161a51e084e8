"""One submission by itself, such as Gradescope brings it: the files of one student in one folder."""

from collections.abc import Iterable
from pathlib import Path

import psutil
from nbformat import NotebookNode

from labkit.checks.answer import State
from labkit.grading.collecting.archives import Archives
from labkit.grading.collecting.attempts import Reader, handed_in
from labkit.grading.collecting.submissions import Learner, notebooks_of
from labkit.grading.collecting.tree import Ignored, walk
from labkit.grading.executing import Limits
from labkit.grading.records import HandedIn, Result
from labkit.grading.unit import Unit, grade_unit, same_for_all

TIMEOUT_S = 2100  # for all stages together: Gradescope ends a run after 40 minutes, and then all is lost
_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def of_one_student(folder: Path, stages: Iterable[str]) -> tuple[dict[str, HandedIn], Ignored]:
    """What counts of one student's files, by stage, chosen as `labkit grade` chooses; and what was left out and why."""
    ignored: Ignored = []
    with Archives() as archives:
        files = walk(folder, ignored, archives.unzip)
        learner = Learner("", submitted=list(notebooks_of(files, ignored)))
        found = {one.stage: one for one in handed_in("", learner, Reader(frozenset(stages)), ignored, None)}
    return found, ignored


def grade_submission(
    one: HandedIn, released: NotebookNode, exercise_ids: tuple[str, ...], seed: int, limits: Limits
) -> Result:
    """Grade one notebook as `labkit grade` does.

    one:  without a file, nothing was handed in, and `trouble` says what there was
    seed: of the inputs that nobody has seen
    """
    unit = Unit(one, released, exercise_ids, seed, limits)
    return grade_unit(unit).result if one.file else same_for_all(unit, State.NOT_ATTEMPTED, one.trouble)


def limits_here(stages: int) -> Limits:
    """What a submission may cost, so that a memory hog or an endless loop ends before its container does."""
    most = psutil.virtual_memory().total
    for path in _CGROUPS:
        try:
            most = min(most, int(path.read_text()))
        except (OSError, ValueError):  # no container, or "max"
            continue
    usual = Limits()
    memory_mb = min(
        usual.memory_mb, int(most * 0.4 / 2**20)
    )  # all of a submission's processes may take twice that
    return Limits(timeout_s=min(usual.timeout_s, TIMEOUT_S / max(1, stages)), memory_mb=memory_mb)
