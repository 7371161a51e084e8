"""How a state looks: a mark and words, so that nothing hangs on a colour alone."""

from dataclasses import dataclass
from datetime import datetime

from labkit.checks.answer import State


@dataclass(frozen=True)
class Look:
    """A state on a page and in a terminal.

    mark:  one character;  plain: the same where a console knows ASCII alone
    css:   its class on a page;  colour: in a terminal
    advice: what a student is told about it, where the state itself says too little
    """

    mark: str
    plain: str
    css: str
    colour: str
    advice: str = ""


LOOKS = {
    State.PASSED: Look("✓", "+", "passed", "green"),
    State.WRONG: Look("✗", "x", "wrong", "red"),
    State.NOT_ATTEMPTED: Look("·", ".", "none", "dim", "This one was not written yet."),
    State.CRASHED: Look("!", "!", "crashed", "red", "Your code ended in an error."),
    State.TIMED_OUT: Look("T", "T", "stopped", "red", "Your code was stopped: it took too long."),
    State.OUT_OF_MEMORY: Look("M", "M", "stopped", "red", "Your code was stopped: it needed too much memory."),
    State.UNREADABLE: Look("?", "?", "crashed", "red", "The file that was handed in cannot be read."),
    State.TO_BE_LOOKED_AT: Look(
        "L", "L", "look", "yellow",
        "The check itself failed, and not your code. Your instructor looks at it; no points are lost for good.",
    ),
}  # fmt: skip


def number(points: float) -> str:
    """Points as people write them: 3, 2.5, 0.33."""
    return f"{round(points, 2) + 0:g}" if abs(points) < 1e6 else f"{points:.0f}"


def time(when: str) -> str:
    """A time of ISO 8601 as people read it: "24 November 2026, 23:59 (+01:00)"; other text as it is."""
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return when
    zone = f" (UTC{moment.isoformat()[-6:]})" if moment.tzinfo else ""
    return f"{moment.day} {moment:%B %Y, %H:%M}{zone}"
