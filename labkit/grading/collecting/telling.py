"""What was found, in a few lines, for an instructor to look at before anything runs."""

from collections import Counter

from labkit.grading.collecting.choosing import SEVERAL
from labkit.grading.collecting.matching import NOT_THERE
from labkit.grading.records import Collected

_SHOWN = 5


def told(collected: Collected) -> str:
    """Layout, students, stages, attempts, late work and what is left out, with counts."""
    work = collected.handed_in
    at_work = {one.student for one in work}
    absent = [student.shown for student in collected.students if student.key not in at_work]
    lines = [f"{collected.layout}: {_count(len(collected.students), 'student')}, {_few_names(collected)}"]
    stages = Counter(one.stage for one in work)
    lines.append(
        f"handed in: {', '.join(f'stage {stage}: {n}' for stage, n in sorted(stages.items())) or 'nothing'}"
    )
    if absent:
        lines.append(f"nothing from {len(absent)}: {_few(absent)}")
    lines += _remarks(collected)
    reasons = Counter(reason for _, reason in collected.ignored)
    if reasons:
        parts = [f"{n} × {reason}" for reason, n in reasons.most_common(_SHOWN)]
        lines.append(f"not read: {_count(len(collected.ignored), 'file')} ({_few(parts, len(reasons))})")
    return "\n".join(lines).encode(errors="replace").decode()


def _remarks(collected: Collected) -> list[str]:
    work = collected.handed_in
    remarks = {
        "not the first attempt": [one for one in work if (one.attempt or 1) > 1],
        "late": [one for one in work if one.late],
        "cannot be read": [one for one in work if one.notebook is None],
        "chosen among several files": [one for one in work if any(SEVERAL in note for note in one.notes)],
        NOT_THERE: [one for one in work if any(note.startswith(NOT_THERE) for note in one.private_notes)],
    }
    names = {student.key: student.shown for student in collected.students}
    return [
        f"{remark}: {len(found)} ({_few(sorted({f'{names[one.student]} {one.stage}' for one in found}))})"
        for remark, found in remarks.items()
        if found
    ]


def _few_names(collected: Collected) -> str:
    return _few([student.shown for student in collected.students])


def _few(names: list[str], count: int | None = None) -> str:
    count = len(names) if count is None else count
    more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
