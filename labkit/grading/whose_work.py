"""Whose work it is: what can be seen of it in the code. Flags for people to look at, never verdicts.

The lab's reference answers are public, so nothing here proves anything.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labkit.grading.fingerprints import fingerprint, printed
from labkit.grading.lab_functions import does_the_work, is_judging, look_up
from labkit.grading.mentioned import Mentions
from labkit.grading.mentions import mentions
from labkit.grading.records import Result

__all__ = ["Signs", "equal_code", "fingerprint", "signs"]

SHORT, LONG = 30, 60  # statements and expressions: about three lines of tensors, and about seven
FEW, SMALL_SHARE, LARGE_SHARE = 3, 0.1, 0.5
_SOLUTIONS = re.compile(r"(^|[/\\])solutions([/\\]|$)")
_NAMED = 5  # of those with equal code


@dataclass(frozen=True)
class Signs:
    """What is to be looked at in a task. own_code: the one of the flags that names a function of the lab, or "" """

    flags: tuple[str, ...]
    own_code: str


def signs(
    outcome_code: Mapping[str, str],
    *,
    cells: Sequence[str] = (),
    released: Sequence[str] = (),
    published: Mapping[str, str] = {},
) -> dict[str, Signs]:
    """What is to be looked at in one student's tasks, by exercise id; exercises without a flag are left out.

    outcome_code: exercise id -> the task cell
    cells:        all code cells of the student's notebook, for what a task imports and calls from elsewhere
    released:     those of the released notebook, whose own ways of looking up names are nobody's sign
    published:    exercise id -> the code of the published solution, where it is known
    """
    found = {}
    for exercise_id, code in outcome_code.items():
        seen = mentions(code, cells, released)
        of_the_lab = _of_the_lab(exercise_id, seen)
        flags = [*of_the_lab, *_others(seen)]
        if _is_published(code, published.get(exercise_id, "")):
            flags.append("the code is the published solution's, but for names and layout")
        if flags:
            found[exercise_id] = Signs(tuple(flags), next(iter(of_the_lab), ""))
    return found


def equal_code(results: Sequence[Result]) -> dict[tuple[str, str], str]:
    """Who wrote the same code, but for names and layout: (student, exercise) -> a flag that says with whom.

    Short answers come out alike by themselves, and so does what many write. So code counts from SHORT on, where FEW
    students have it or a SMALL_SHARE of those who wrote the exercise; and from LONG on, where half of them have it
    or fewer.
    """
    written: dict[str, dict[str, list[str]]] = {}
    sizes: dict[str, int] = {}
    for result in results:
        for outcome in result.outcomes:
            digest, size = printed(outcome.code)
            if digest:
                sizes[digest] = size
                written.setdefault(outcome.exercise, {}).setdefault(digest, []).append(result.student)
    flags: dict[tuple[str, str], str] = {}
    for exercise_id, groups in written.items():
        everybody = len({student for group in groups.values() for student in group})
        for digest, group in groups.items():
            students = sorted(set(group))
            if _is_a_sign(len(students), everybody, sizes[digest]):
                flags |= {(s, exercise_id): _with_whom(s, students, everybody) for s in students}
    return flags


def _is_a_sign(count: int, everybody: int, size: int) -> bool:
    if count < 2 or size < SHORT:
        return False
    share = LARGE_SHARE if size >= LONG else SMALL_SHARE
    return count <= FEW or count <= share * everybody


def _with_whom(student: str, students: Sequence[str], everybody: int) -> str:
    others = [other for other in students if other != student]
    named = ", ".join(others[:_NAMED]) + (f" and {len(others) - _NAMED} more" if len(others) > _NAMED else "")
    share = f"{len(students)} of the {everybody} who wrote it, {100 * len(students) / everybody:.0f} %"
    return f"the same code as {named}, but for names and layout ({share})"


def _of_the_lab(exercise_id: str, seen: Mentions) -> list[str]:
    """Flags for functions of the lab that do the work of this exercise."""
    work = does_the_work(exercise_id)
    if not work:
        return []
    direct = {work[id(thing)] for path in seen.paths for thing in look_up(path) if id(thing) in work}
    by_text = {path for path in work.values() if _is_asked_for(path, seen)}
    guessed = {path for path in work.values() if path.rpartition(".")[2] in seen.of_lab}
    return [f"uses {path}, which does the exercise's work" for path in sorted(direct | by_text | guessed)]


def _is_asked_for(path: str, seen: Mentions) -> bool:
    """Whether a function's name stands in the code as a text, beside a module that has it: for operator.attrgetter."""
    name = path.rpartition(".")[2]
    return name in seen.texts and any(look_up(f"{near}.{name}") == look_up(path) for near in seen.paths)


def _others(seen: Mentions) -> list[str]:
    judging = sorted({path for path in seen.paths if is_judging(path)}, key=lambda path: (len(path), path))
    shortest = [path for path in judging if not any(path.startswith(f"{other}.") for other in judging)]
    flags = [f"uses {path}, a part of what judges answers" for path in shortest]
    flags += [f"{part} is too long to be looked into" for part in sorted(seen.unread)]
    flags += [f"looks up a name of {path} that is only known when it runs" for path in sorted(seen.computed)]
    if hidden := seen.hidden | (seen.lookups if seen.handed and not seen.computed else set()):
        flags.append(f"looks up names at run time ({', '.join(sorted(hidden))}): look at it")
    flags += [
        f"names the solutions: {text!r}" for text in sorted(seen.texts) if re.search(r"\bsolutions\b", text)
    ]
    return flags


def _is_published(code: str, solution: str) -> bool:
    digest, size = printed(code)
    return bool(digest) and size >= SHORT and digest == printed(solution).digest
