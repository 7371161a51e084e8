"""How a verdict reads: as text in a terminal and in nbval's report, as a card in a notebook."""

from html import escape

from labkit.checks.answer import State
from labkit.checks.judging import Verdict

# No colour of letters has 4.5:1 against both a light and a dark page, so the mark is white on a ground of its own.
_LOOK = {  # state: (mark, colour behind it and of the card's edge); anything else is a cross in red
    State.PASSED: ("✓", "#1a7f37"),
    State.NOT_ATTEMPTED: ("○", "#6e7781"),
}
# A failed check also raises its text, for nbval and for front ends that show no HTML; where the card
# is shown right above it, that second telling is hidden.
_HIDE_ECHO = (
    "<style>.jp-OutputArea-child:has(.labkit-verdict)"
    " + .jp-OutputArea-child:has([data-mime-type='application/vnd.jupyter.error']),"
    " .jp-OutputArea-child:has(.labkit-verdict)"
    " + .jp-OutputArea-child:has([data-mime-type='application/vnd.jupyter.stderr'])"
    " { display: none }</style>"
)


_MARK = "color:#fff;border-radius:4px;padding:0 5px;margin-right:6px"
_LABELS = ("Likely cause:", "Where:", "Next:")  # what a card sets in bold


def sentences(verdict: Verdict) -> list[str]:
    """What there is to say under the headline, most useful first."""
    exercise = verdict.exercise
    if verdict.passed:
        return []
    if verdict.state == State.NOT_ATTEMPTED:
        todo = (
            f"Write the TODO {exercise.id} cell above, then run this cell again. Stuck: hint({exercise.id!r})"
        )
        return [verdict.message or todo]
    lesson = verdict.mistake.lesson if verdict.mistake else verdict.cause
    cause = [f"Likely cause: {lesson}"] if lesson else []
    place = [f"Where: {verdict.place}"] if verdict.place else []
    return [verdict.message, *cause, *place, f"Next: hint({exercise.id!r})"]


def headline(verdict: Verdict) -> str:
    """One line: "✓ 01.2 Scale each filter: passed, 2 points"."""
    exercise = verdict.exercise
    worth = f", {exercise.worth}" if verdict.passed else ""
    mark, _ = _LOOK.get(verdict.state, ("✗", ""))
    return f"{mark} {exercise.id} {exercise.title}: {verdict.state}{worth}"


def as_text(verdict: Verdict) -> str:
    return "\n".join(
        [headline(verdict), *(f"  {line}" for line in "\n".join(sentences(verdict)).split("\n") if line)]
    )


def as_html(verdict: Verdict) -> str:
    _, colour = _LOOK.get(verdict.state, ("✗", "#cf222e"))
    mark, _, title = headline(verdict).partition(" ")  # the title has the theme's own colour, legible in any
    lines = "".join(_paragraph(sentence) for sentence in sentences(verdict))
    return (
        f"<div class='labkit-verdict' role='status' style='border-left:4px solid {colour};padding:4px 12px;"
        f"line-height:1.45'><b><span style='{_MARK};background:{colour}'>{mark}</span>{escape(title)}</b>{lines}</div>"
        + ("" if verdict.passed else _HIDE_ECHO)
    )


def _paragraph(sentence: str) -> str:
    label = next((label for label in _LABELS if sentence.startswith(label)), "")
    told = f"<b>{label}</b>{escape(sentence.removeprefix(label))}" if label else escape(sentence)
    return f"<div style='margin-top:4px;white-space:pre-wrap'>{told}</div>"
