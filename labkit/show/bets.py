"""Bets: what you expect of a number or a choice, kept until the notebook has computed it.

    show.bet("precision", "How many of five neighbours show the same photo?", low=0, high=5, unit="of 5")
    show.settle("precision", 4.7)  # in the cell that computes it: "You said 3 of 5; it is 4.7 (off by 1.7)."
    show.how_well_you_knew()       # at the notebook's end

Bets live as long as their kernel. Nothing is graded, and no cell needs one.
"""

from collections.abc import Sequence
from typing import Any

from labkit.errors import LabError
from labkit.show import bet_texts
from labkit.show.bet_terms import Answer, Choice, Number, Terms

_terms: dict[str, Terms] = {}  # name -> what may be bet, in the order of the notebook
_guesses: dict[str, Answer] = {}
_answers: dict[str, Answer] = {}


def bet(
    name: str,
    question: str,
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    options: Sequence[str] = (),
) -> None:
    """Ask for a guess, and keep it under a name as soon as it is made; run again, it is still there.

    low, high: the range of a number, both ends included;  unit: stands behind it, such as "of 5" or "%"
    options:   the choices, in place of a range
    Raises:    LabError unless there is either a range or a choice of two or more
    """
    _terms[name] = terms = _asked(name, question, low, high, unit, tuple(options))
    if name in _guesses and not terms.allows(_guesses[name]):
        del _guesses[name]  # the question has changed since
    if name in _answers and not terms.same_kind(_answers[name]):
        del _answers[name]
    bet_texts.show(bet_texts.asked(terms))
    if bet_texts.in_notebook():
        bet_texts.show(_widget(name, terms))


def guess(name: str, said: str | float) -> str:
    """Bet, as the control below the question does; empty takes the bet back.

    said:    a number within the range, or one of the options
    Returns: what was kept, in words
    Raises:  LabError for a number outside the range, no number at all, no such option, no such bet
    """
    if name not in _terms:
        raise LabError(f"no bet {name!r}; try one of {list(_terms)}")
    if said == "":
        _guesses.pop(name, None)
        return "No bet yet."
    _guesses[name] = _terms[name].read(said)
    return f"Your bet: {_terms[name].written(_guesses[name])}."


def settle(name: str, value: Any) -> None:
    """Show what it is, and how far from it the guess was, if there is one.

    value:  what the cell has found: a number (of Python, numpy or torch), or the right option
    Raises: LabError for what is neither, and for an option where a number was asked for, or the other way round
    """
    answer = _found(name, value)
    if name in _terms and not _terms[name].same_kind(answer):
        raise LabError(f"bet {name!r}: expected {_terms[name].kind}, got {value!r}")
    _answers[name] = answer
    bet_texts.show(bet_texts.settled(_known(name), _guesses.get(name), answer))


def how_well_you_knew() -> None:
    """A table of all that was settled: what you said, what it is, and how near that was."""
    names = [*_terms, *(name for name in _answers if name not in _terms)]
    rows = [(_known(name), _guesses.get(name), _answers[name]) for name in names if name in _answers]
    open_bets = [_terms[name] for name in names if name not in _answers]
    bet_texts.show(bet_texts.table(rows, open_bets))


def forget() -> None:
    """All bets and answers, as a new kernel does."""
    for kept in (_terms, _guesses, _answers):
        kept.clear()


def _asked(name: str, question: str, low: Any, high: Any, unit: str, options: tuple[str, ...]) -> Terms:
    if len(set(options)) >= 2 and low is None and high is None:
        return Choice(question, options)
    if not options and low is not None and high is not None and low < high:
        return Number(question, float(low), float(high), unit)
    raise LabError(
        f"bet {name!r}: expected a range or two options or more, got low={low}, high={high}, "
        f"options={list(options)}; try low=0, high=5"
    )


def _found(name: str, value: Any) -> Answer:
    if isinstance(value, str):
        return value
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise LabError(f"bet {name!r}: expected one number or an option, got {value!r}") from None


def _known(name: str) -> Terms:
    """What was asked; of a bet whose cell has not run in this kernel, only its name."""
    if name in _terms:
        return _terms[name]
    return Choice(name, ()) if isinstance(_answers[name], str) else Number(name, 0.0, 0.0, "")


def _widget(name: str, terms: Terms) -> dict[str, Any]:
    """The control, as a bundle (MIME type -> data)."""
    import ipywidgets

    control, status = terms.control(_guesses.get(name)), ipywidgets.HTML()
    control.style.description_width = "initial"

    def say(text: str) -> None:
        status.value = bet_texts.status(text)

    def keep(change: Any) -> None:
        try:
            say(guess(name, change["new"]))
        except LabError as error:  # a callback has no cell to raise in
            _guesses.pop(name, None)
            say(f"No bet yet: {error}.")

    say(f"Your bet: {terms.written(_guesses[name])}." if name in _guesses else "")
    control.observe(keep, names="value")
    box = ipywidgets.HBox([control, status], layout=ipywidgets.Layout(flex_flow="row wrap"))
    return bet_texts.controls(box.model_id)
