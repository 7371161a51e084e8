"""A student's feedback: one page with each exercise's verdict, its lesson, and the code it is about."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from labkit.checks.answer import State
from labkit.grading.records import Mark, Result, Row
from labkit.grading.reporting.classes import anchor, result_of, stage_of, title_of
from labkit.grading.reporting.highlighting import as_html
from labkit.grading.reporting.isolated import apart
from labkit.grading.reporting.looks import LOOKS, Look
from labkit.grading.reporting.page import render
from labkit.grading.reporting.text import CODE, MESSAGE, one_line, shown

MOST_BYTES = 1_000_000
_NOTES = 30  # more than that nobody reads
FIGURE_WORDS = 600  # characters of what a figure is said to show


@dataclass(frozen=True)
class Room:
    """How much of each text a page has room for, in characters; and whether for colours, and for figures."""

    code: int = CODE
    message: int = MESSAGE
    colours: bool = True
    figures: bool = True


_ROOMS = (
    Room(),
    Room(figures=False),
    Room(colours=False, figures=False),
    Room(6_000, 2_000, False, False),
    Room(1_200, 400, False, False),
    Room(200, 100, False, False),
)


@dataclass(frozen=True)
class Item:
    """One exercise on the page."""

    mark: Mark
    room: Room

    @property
    def id(self) -> str:
        return self.mark.outcome.exercise

    @property
    def anchor(self) -> str:
        return anchor(self.id)

    @property
    def title(self) -> str:
        return title_of(self.id)

    @property
    def state(self) -> State:
        return self.mark.outcome.state

    @property
    def look(self) -> Look:
        return LOOKS[self.state]

    @property
    def advice(self) -> str:
        return "" if self.message and self.state == State.NOT_ATTEMPTED else self.look.advice

    @property
    def why(self) -> str:
        return one_line(self.mark.why, self.room.message)

    @cached_property
    def lesson(self) -> str:
        return shown(self.mark.outcome.lesson, self.room.message)

    @cached_property
    def message(self) -> str:
        """What the check says; a judge's own trouble is its author's business, and not the student's."""
        if self.state == State.TO_BE_LOOKED_AT:
            return ""
        return shown(self.mark.outcome.message.strip(), self.room.message, end=self.state == State.CRASHED)

    @cached_property
    def code(self) -> Markup:
        code = "" if self.state == State.NOT_ATTEMPTED else self.mark.outcome.code
        return as_html(code, most=self.room.code, colours=self.room.colours) if code.strip() else Markup()

    @property
    def figure(self) -> str:
        """The address of the student's own figure: a WebP inside the page."""
        data = self.mark.outcome.figure
        return f"data:image/webp;base64,{data}" if data and self.open and self.room.figures else ""

    @property
    def figure_shows(self) -> str:
        shows = one_line(self.mark.outcome.figure_shows, FIGURE_WORDS)
        return (
            shows
            or f"The first figure below exercise {self.id} in your notebook; nothing says what it shows."
        )

    @property
    def open(self) -> bool:
        return self.state not in (State.PASSED, State.NOT_ATTEMPTED)


@dataclass(frozen=True)
class Stage:
    """One notebook on the page. result: None where none was handed in"""

    name: str
    result: Result | None
    items: list[Item]

    @property
    def file(self) -> str:
        """The file's own name: in which folders of the instructor's it lay is no student's business."""
        return self.result.file.rpartition("/")[2] if self.result else ""


def feedback(row: Row, *, title: str, isolation: str) -> str:
    """The page, of MOST_BYTES at most: where there is too much of them, codes and messages are shortened."""
    for room in _ROOMS:
        page = _page(row, title, isolation, room)
        if len(page.encode(errors="replace")) <= MOST_BYTES:
            break
    return page


def _page(row: Row, title: str, isolation: str, room: Room) -> str:
    items = [Item(mark, room) for mark in row.marks]
    states = Counter(item.state for item in items)
    names = dict.fromkeys(stage_of(item.id) for item in items)
    return render(
        "feedback.html",
        title=title,
        student=row.student.shown,
        row=row,
        items=items,
        stages=[
            Stage(name, result_of(row, name), [i for i in items if stage_of(i.id) == name]) for name in names
        ],
        passed=sum(item.state == State.PASSED for item in items),
        counts=[
            (LOOKS[state], state, states[state]) for state in LOOKS if states[state] and state != State.PASSED
        ],
        notes=row.notes[:_NOTES],
        shortened=room != _ROOMS[0],
        apart=apart(isolation),
    )
