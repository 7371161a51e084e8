"""The class on one page: who stands where, what went wrong most, what to look at, what to teach again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from labkit.checks.answer import State
from labkit.grading.records import Mark, Row
from labkit.grading.reporting.anonymous import example
from labkit.grading.reporting.classes import (
    common_mistakes,
    exercise_ids,
    is_absent,
    stage_of,
    stages_missing,
    summaries,
    to_teach_again,
)
from labkit.grading.reporting.highlighting import as_html
from labkit.grading.reporting.isolated import apart, is_sandboxed
from labkit.grading.reporting.looks import LOOKS
from labkit.grading.reporting.page import render
from labkit.grading.reporting.spread import chart, spread

_TO_LOOK_AT = (State.TO_BE_LOOKED_AT, State.UNREADABLE)
_EXAMPLE = 3_000  # characters


@dataclass(frozen=True)
class Said:
    """Something about one student's work. where: an exercise or a stage;  what: a state, if it is about one"""

    row: Row
    where: str
    said: str
    what: State | None = None


@dataclass(frozen=True)
class Cell:
    """One mark in the table. css: its classes;  words: what a screen reader says, and a pointer shows"""

    css: str
    mark: str
    words: str
    title: str = ""


@dataclass(frozen=True)
class Line:
    """One student in the table. kinds: what the page can filter by: "late flag" """

    row: Row
    cells: list[Cell]
    kinds: str


def class_page(rows: Sequence[Row], *, title: str, isolation: str, facts: Mapping[str, str]) -> str:
    ids, found = exercise_ids(rows), summaries(rows)
    columns: dict[str, list[str]] = {}
    for exercise_id in ids:
        columns.setdefault(stage_of(exercise_id), []).append(exercise_id)
    present = [row for row in rows if not is_absent(row)]
    return render(
        "class.html",
        title=title,
        facts=facts,
        apart=apart(isolation),
        sandboxed=is_sandboxed(isolation),
        rows=rows,
        columns=columns,
        lines=[_line(row, ids) for row in rows],
        spread=spread(rows),
        chart=chart(rows),
        found=found,
        again=to_teach_again(found),
        mistakes=list(_mistakes(rows)),
        troubles=list(_troubles(rows)),
        flags=list(_flags(rows)),
        absent=[row for row in rows if is_absent(row)],
        partly=[(row, missing) for row in present if (missing := stages_missing(row))],
    )


def _line(row: Row, ids: Sequence[str]) -> Line:
    marks = {mark.outcome.exercise: mark for mark in row.marks}
    kinds = {
        "late": any(result.late for result in row.results),
        "flag": any(True for _ in _flags([row])),
        "look": any(True for _ in _troubles([row])),
        "set": any(mark.why for mark in row.marks),
        "absent": is_absent(row),
    }
    return Line(
        row, [_cell(marks.get(i)) for i in ids], " ".join(kind for kind, holds in kinds.items() if holds)
    )


def _cell(mark: Mark | None) -> Cell:
    """Where a style sheet draws the mark, it is left out of ten thousand cells."""
    if mark is None:
        return Cell("none", "", "not asked")
    outcome, look = mark.outcome, LOOKS[mark.outcome.state]
    drawn = outcome.state in (State.PASSED, State.WRONG, State.NOT_ATTEMPTED)
    words = ": ".join(filter(None, (str(outcome.state), outcome.mistake)))
    title = "; ".join(filter(None, (outcome.mistake or ("" if drawn else str(outcome.state)), mark.why)))
    return Cell(look.css + " set" * bool(mark.why), "" if drawn else look.mark, words, title)


def _troubles(rows: Sequence[Row]) -> Iterator[Said]:
    for row in rows:
        outcomes = [mark.outcome for mark in row.marks if mark.outcome.state in _TO_LOOK_AT and not mark.why]
        together: dict[tuple[str, str, State], list[str]] = {}
        for outcome in outcomes:
            told = (stage_of(outcome.exercise), outcome.message, outcome.state)
            together.setdefault(told, []).append(outcome.exercise)
        for (_, message, state), ids in together.items():
            yield Said(row, ", ".join(ids), message, state)


def _flags(rows: Sequence[Row]) -> Iterator[Said]:
    """What the instructor alone is told, flags and private notes."""
    for row in rows:
        for result in row.results:
            yield from (Said(row, result.stage, said) for said in (*result.flags, *result.private_notes))
        for mark in row.marks:
            yield from (Said(row, mark.outcome.exercise, flag) for flag in mark.outcome.flags)


@dataclass(frozen=True)
class _ShownMistake:
    exercise: str
    name: str
    lesson: str
    of: int
    codes: tuple[tuple[Row, str], ...]
    example: Markup


def _mistakes(rows: Sequence[Row]) -> Iterator[_ShownMistake]:
    for mistake in common_mistakes(rows):
        code = example(mistake.codes)
        html = as_html(code, most=_EXAMPLE) if code else Markup()
        yield _ShownMistake(mistake.exercise, mistake.name, mistake.lesson, mistake.of, mistake.codes, html)
