"""How bets read: as text everywhere, as markup in a notebook."""

from collections.abc import Sequence
from html import escape
from typing import Any

from labkit.show.bet_terms import Answer, Choice, Number, Terms
from labkit.show.palette import BLUE, FAINT

WIDGET = "application/vnd.jupyter.widget-view+json"
Row = tuple[Terms, Answer | None, Answer]  # what was asked, said, and found
# Without its kernel JupyterLab has an error in place of a widget; below a question it says what to do instead.
_NO_KERNEL = (
    "<style>.jp-OutputArea-child:has(.labkit-bet-asked) + .jp-OutputArea-child"
    " .jupyter-widgets:not(:has(*), button) {font-size:0}"
    " .jp-OutputArea-child:has(.labkit-bet-asked) + .jp-OutputArea-child"
    " .jupyter-widgets:not(:has(*), button)::after"
    " {content:'Run this cell to bet.';font-size:var(--jp-content-font-size1,14px)}</style>"
)


def in_notebook() -> bool:
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def show(bundle: dict[str, Any]) -> None:
    """An output of the cell; outside of a notebook its text is printed."""
    if not in_notebook():
        print(bundle["text/plain"])
        return
    from IPython.display import display

    display(bundle, raw=True)


def asked(terms: Terms) -> dict[str, Any]:
    """The question, and what may be said; it stays where there is no control."""
    line = f"Your bet? {terms.question} ({terms.range})"
    whole = terms.range.replace(" ", "\N{NO-BREAK SPACE}") if isinstance(terms, Number) else terms.range
    markup = f"<b>Your bet?</b> {escape(terms.question)} ({escape(whole)})"
    return {"text/plain": line, "text/html": _NO_KERNEL + _card("labkit-bet-asked", markup)}


def controls(model_id: str) -> dict[str, Any]:
    view = {"version_major": 2, "version_minor": 0, "model_id": model_id}
    return {WIDGET: view, "text/plain": "Run this cell to bet."}


def status(text: str) -> str:
    """A line beside the control, read out when it changes."""
    return f"<span role='status'>{escape(text)}</span>" if text else ""


def settled(terms: Terms, guess: Answer | None, answer: Answer) -> dict[str, Any]:
    number = isinstance(terms, Number)
    if guess is None:
        line = f"It is {terms.written(answer)}." if number else f"The answer: {answer}."
    else:
        it = "it is" if number else "the answer:"
        line = f"You said {terms.written(guess)}; {it} {terms.plain(answer)} ({terms.near(guess, answer)})."
    if isinstance(terms, Choice) and terms.options and not terms.allows(answer):
        line += " It was not among the options."
    return {"text/plain": line, "text/html": _card("labkit-bet-settled", escape(line), "role='status'")}


def table(rows: Sequence[Row], unsettled: Sequence[Terms]) -> dict[str, Any]:
    """All bets: the question over what was said and found, and a sentence on the whole."""
    heads = ("you said", "the answer", "how near")
    cells = [(terms.question, *_cells(terms, guess, answer)) for terms, guess, answer in rows]
    lines = [_whole(rows)]
    if unsettled:
        lines.append("Not computed yet: " + "; ".join(terms.question for terms in unsettled))
    plain = [
        f"- {question} You said: {said}. Answer: {it}. {near[:1].upper() + near[1:]}{'.' if near else ''}".strip()
        for question, said, it, near in cells
    ]
    markup = "".join(f"<p style='margin:4px 0'>{escape(line)}</p>" for line in lines)
    if cells:
        body = "".join(_rows(*row) for row in cells)
        head = "".join(f"<th scope='col' style='text-align:left'>{name}</th>" for name in heads)
        markup = f"<table><thead><tr>{head}</tr></thead>{body}</table>{markup}"
    return {
        "text/plain": "\n".join(["How well you knew", *plain, *lines]),
        "text/html": _card("labkit-bets", f"<b>How well you knew</b>{markup}"),
    }


def _cells(terms: Terms, guess: Answer | None, answer: Answer) -> tuple[str, str, str]:
    if guess is None:
        return "no bet", terms.written(answer), ""
    share = terms.share(guess, answer)
    part = (
        f", {100 * share:.0f} % of the range"
        if share and terms.near(guess, answer) != "exactly right"
        else ""
    )
    return terms.written(guess), terms.written(answer), terms.near(guess, answer) + part


def _whole(rows: Sequence[Row]) -> str:
    """The sum of it: how many choices were right, how far off the numbers were on average."""
    made = [(terms, guess, answer) for terms, guess, answer in rows if guess is not None]
    parts = [f"You bet on {len(made)} of {len(rows)}." if made else "You have not bet on any."]
    offs = [terms.share(g, a) for terms, g, a in made if isinstance(terms, Number)]
    right = [guess == answer for terms, guess, answer in made if not isinstance(terms, Number)]
    if shares := [off for off in offs if off is not None]:
        parts.append(f"Numbers: off by {100 * sum(shares) / len(shares):.0f} % of the range on average.")
    if right:
        parts.append(f"Choices: {sum(right)} of {len(right)} right.")
    return " ".join(parts)


def _rows(question: str, *cells: str) -> str:
    """A question in a row of its own, so that a narrow page does not break it into a column of single words."""
    look = "style='text-align:left;vertical-align:top;overflow-wrap:anywhere'"
    row = "".join(f"<td {look}>{escape(cell)}</td>" for cell in cells)
    return (
        f"<tbody><tr><th scope='rowgroup' colspan='{len(cells)}' {look}>{escape(question)}</th></tr>"
        f"<tr>{row}</tr></tbody>"
    )


def _card(name: str, markup: str, attributes: str = "") -> str:
    """A quiet card; its text has the page's own colour, in either theme."""
    # a cell may ask two questions, one below the other
    colour, above = (FAINT, "margin-top:10px;") if name == "labkit-bet-asked" else (BLUE, "")
    return (
        f"<div class='{name}' {attributes} style='border-left:4px solid {colour};{above}padding:4px 12px;"
        f"line-height:1.45'>{markup}</div>"
    )
