"""A student's code on a page: escaped, coloured, with line numbers, as messages speak of lines."""

from functools import lru_cache

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from labkit.grading.reporting.text import CODE, shown

_LEXER, _FORMATTER = PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)


@lru_cache(maxsize=2_000)  # a class writes many an answer alike
def as_html(code: str, *, most: int = CODE, colours: bool = True) -> Markup:
    """Its lines, each in a span of its own.

    most:    characters that are shown
    colours: leave them out where a page would grow too large
    """
    text = shown(code.strip("\n"), most)
    html = highlight(text, _LEXER, _FORMATTER) if colours else str(escape(text))
    lines = html.rstrip("\n").split("\n")
    return Markup("\n".join(f"<span class=l>{line}</span>" for line in lines))
