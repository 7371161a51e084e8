"""Formulas as MathML, which browsers draw by themselves: no script, no fonts from another server."""

import re
from html import unescape

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.S)


def with_mathml(html: str) -> str:
    """A page's HTML with MathML in place of each formula that Markdown has marked.

    Raises: ValueError for a formula with a command that is not understood
    """

    def drawn(formula: re.Match[str]) -> str:
        tag, bracket, latex = formula.groups()
        display = "block" if bracket == "[" else "inline"
        # one that is wider than the window scrolls, by keyboard too
        by_keyboard = ' tabindex="0"' if tag == "div" else ""
        return f'<{tag} class="lab-formula"{by_keyboard}>{_mathml(unescape(latex), display)}</{tag}>'

    return _FORMULA.sub(drawn, html)


def _mathml(latex: str, display: str) -> str:
    drawn = convert(
        latex.replace(r"\arg", r"\mathrm{arg}").strip(), display=display
    )  # it does not know this one
    if "\\" in drawn:
        raise ValueError(f"expected a formula that latex2mathml knows, got {latex!r}; it makes of it {drawn}")
    return drawn
