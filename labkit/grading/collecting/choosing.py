"""Which of a student's files counts for a stage, and what an instructor is told about the others."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from labkit.grading.collecting.notebooks import is_solution
from labkit.grading.collecting.submissions import Submitted

SEVERAL = "files for this stage"  # of a note that says which of them counts
_SHOWN = 6
_APART_S = 60  # seconds; a zip notes times to two, and copying a class takes some
_NUMBER = re.compile(r"[-_ ]?\((\d{1,3})\)$|[-_ ]v(?:ersion)?[-_ ]?(\d{1,3})$|-(\d{1,2})$|_(\d)$", re.I)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A file that may be the one. attempted: of the stage's exercises;  notebook: None where `trouble` says why"""

    submitted: Submitted
    sha256: str
    notebook: NotebookNode | None
    attempted: int = 0
    trouble: str = ""

    @property
    def path(self) -> str:
        one = self.submitted
        return f"{one.folder}/{one.file.name}" if one.folder else one.file.name


def choose(candidates: Sequence[Candidate]) -> tuple[Candidate, tuple[str, ...]]:
    """The one that counts, and notes on how that was decided, for its student too.

    What can be read counts before what cannot, and work before an untouched handout and a copy of the lab's
    solutions/. Then the layout's own number or time decides; where it has none, the number in the names; then the
    time each was saved, if those lie apart; then how many exercises were attempted.
    """
    notes: list[str] = []
    for counts, why_not in _BEFORE:
        better = [c for c in candidates if counts(c)]
        if better:
            worse = [c for c in candidates if not counts(c)]
            notes += [f"{c.path} {why_not}{c.trouble}" for c in worse[:_SHOWN]]
            candidates = better
    chosen, why = _latest(candidates)
    if len(candidates) > 1:
        names = ", ".join(c.path for c in candidates[:_SHOWN]) + ", …" * (len(candidates) > _SHOWN)
        more = [c.path for c in candidates if c.attempted > chosen.attempted]
        but = f"; in {more[0]} more exercises are attempted" if more else ""
        notes.append(f"{len(candidates)} {SEVERAL} ({names}): {chosen.path} counts, {why}{but}")
    return chosen, tuple(notes)


_BEFORE: tuple[tuple[Callable[[Candidate], bool], str], ...] = (
    (lambda c: c.notebook is not None, "cannot be read and does not count: "),
    (
        lambda c: not (c.submitted.folder == "solutions" and is_solution(c.notebook)),
        "is a copy of the lab's solution and does not count",
    ),
    (lambda c: c.attempted > 0, "has no exercise attempted and does not count"),
)


def _latest(candidates: Sequence[Candidate]) -> tuple[Candidate, str]:
    """The last of them, and by what."""
    if len({_sources(c) for c in candidates}) == 1:
        return max(
            candidates, key=lambda c: (c.submitted.order or 0, c.submitted.attempt or 0, c.path)
        ), "they are alike"
    for values, why in _RULES:
        found = values(candidates)
        if None not in found and len(set(found)) > 1:
            last = max(value for value in found if value is not None)
            candidates = [c for c, value in zip(candidates, found, strict=True) if value == last]
        if len(candidates) == 1:
            return candidates[0], why
    return max(candidates, key=lambda c: c.path), "the last by name, since nothing else tells them apart"


Values = list[float | None]


def _attempts(candidates: Sequence[Candidate]) -> Values:
    """The layout's own numbers, which count files of one name."""
    one_name = len({c.submitted.name for c in candidates}) == 1
    return [c.submitted.attempt if one_name else None for c in candidates]


def _orders(candidates: Sequence[Candidate]) -> Values:
    return [c.submitted.order for c in candidates]


def _numbers(candidates: Sequence[Candidate]) -> Values:
    """The numbers at the ends of names that are else the same: 05.ipynb, 05-1.ipynb, 05 (2).ipynb, 05_v3.ipynb."""
    parts = [split_name(c.submitted.name) for c in candidates]
    return [number if len({stem for stem, _ in parts}) == 1 else None for _, number in parts]


def split_name(name: str) -> tuple[str, int]:
    stem = re.sub(r"\.ipynb$", "", name, flags=re.I)
    if match := _NUMBER.search(stem):
        return stem[: match.start()], int(next(group for group in match.groups() if group))
    return stem, 0


def _times(candidates: Sequence[Candidate]) -> Values:
    """When they were saved, if the last was so long after the others."""
    times = sorted(c.submitted.file.modified for c in candidates)
    apart = times[-1] - times[-2] > _APART_S and times[0] > 0
    return [c.submitted.file.modified if apart else None for c in candidates]


def _attempted(candidates: Sequence[Candidate]) -> Values:
    return [c.attempted for c in candidates]


_RULES: tuple[tuple[Callable[[Sequence[Candidate]], Values], str], ...] = (
    (_attempts, "by the download's own number"),
    (_orders, "handed in last"),
    (_numbers, "by the number in its name"),
    (_times, "saved last"),
    (_attempted, "with most exercises attempted"),
)


def _sources(candidate: Candidate) -> tuple[str, ...]:
    cells = candidate.notebook.cells if candidate.notebook is not None else ()
    return (candidate.sha256,) if not cells else tuple(c.source for c in cells if c.cell_type == "code")
