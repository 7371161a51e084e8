"""Formulas as MathML, which browsers draw by themselves: no script, no fonts from another server."""

import re
from html import unescape

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.S)


def with_mathml(html: str) -> str:
    """A page's HTML with MathML in place of each formula that Markdown has marked."""

    def drawn(formula: re.Match[str]) -> str:
        tag, bracket, latex = formula.groups()
        display = "block" if bracket == "[" else "inline"
        scrolls = (
            ' tabindex="0"' if tag == "div" else ""
        )  # where it is wider than the window, by keyboard too
        return (
            f'<{tag} class="lab-formula"{scrolls}>{convert(unescape(latex).strip(), display=display)}</{tag}>'
        )

    return _FORMULA.sub(drawn, html)
