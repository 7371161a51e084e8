"""Whose code a figure is made with: said by whoever runs it, read by the figure, forgotten with the cell."""

from collections.abc import Iterable

PATIENCE = 30.0  # seconds of computing that a function of the student's own may take in a cell

_yours: dict[str, None] = {}  # the student's own functions that have run, in the order in which they did
_failed: dict[str, None] = {}  # why the lab's took over from the student's own
_seconds: dict[str, float] = {}  # how long each has run in this cell


def made_with(function: str, seconds: float = 0.0) -> None:
    """A function of the student's own has run, for so long."""
    _yours[function] = None
    _seconds[function] = _seconds.get(function, 0.0) + seconds


def has_patience(function: str) -> bool:
    """Whether a function of the student's own has not yet taken too long in this cell."""
    return _seconds.get(function, 0.0) <= PATIENCE


def so_far() -> tuple[str, ...]:
    """The student's own functions that have run in this cell, in the order in which they did."""
    return tuple(_yours)


def failed_with(why: str, *, before: Iterable[str] = ()) -> None:
    """The student's own came to nothing, and the lab's has taken over.

    why:    what it did, such as "ended in IndexError"
    before: what had run before; all that has run since has made nothing
    """
    _failed[why] = None
    kept = dict.fromkeys(before)
    _yours.clear()
    _yours.update(kept)


def told() -> str:
    """What a caption says of it: "Made with your own iou() and suppress()."; empty if there is nothing to say."""
    *most, last = [f"{name}()" for name in _yours] or [""]
    yours = f"{', '.join(most)} and {last}" if most else last
    sentences = [f"Made with your own {yours}."] if yours else []
    sentences += [f"Made with the lab's own code: with yours it {why}." for why in _failed]
    return " ".join(sentences)


def forget(*_event: object) -> None:
    """A new cell begins."""
    _yours.clear()
    _failed.clear()
    _seconds.clear()
