"""Where in a sentence Python begins and ends, so that a card can set it in monospace: what is between `backticks`,
and whatever has the form of an expression with an operator, a call, an index or an attribute."""

import re
from html import escape

_STYLE = "background:rgba(127,127,127,.15);border-radius:3px;padding:1px 4px;font-size:92%"


def _nested(depth: int) -> str:
    """What may stand inside of brackets, with brackets of its own to that depth."""
    inside = r"[^()\[\]]*"
    for _ in range(depth):
        inside = rf"(?:[^()\[\]]|\({inside}\)|\[{inside}\])*"
    return inside


_GROUP = rf"(?:\({_nested(4)}\)|\[{_nested(4)}\])"
_TEXT = r"""(?:"[^"]*"|'[^']*'|\{\})"""
_ATOM = rf"(?:[-~]?(?:\d[\d.]*\d|\d|[^\W\d]\w*(?:\.[^\W\d]\w*)*|{_TEXT}|{_GROUP})(?:{_GROUP}|\.[^\W\d]\w*)*)"
_OPERATOR = (
    r"(?: (?:[-+*@%]=?|/=?|//|\*\*|==|!=|[<>]=?|=) |=|\*\*|/(?=\d))"  # but for a few, only between spaces
)
_EXPRESSION = rf"(?:\.(?=\w+\())?{_ATOM}(?:{_OPERATOR}{_ATOM})*"
_FOUND = re.compile(rf"`[^`]+`|(?<![\w|²]){_EXPRESSION}")
_IS_CODE = re.compile(
    rf"\w[(\[]|[^\W\d_]\w*\.[^\W\d]|\w_\w|[\w)\]]{_OPERATOR}[-~]?[\w(\[{{\"']|[)\]][.(\[]|\[\w*:"
)
_BEFORE = re.compile(r"(?:return |for \w+ in |if (?:not )?|(?:^|(?<=[.;:] ))(?:\w+, )+)$")


def with_code(text: str) -> str:
    """A sentence as markup, the Python in it as <code>."""
    done, at = [], 0
    for start, end in _spans(text):
        done += [
            escape(text[at:start]),
            f"<code style='{_STYLE}'>{escape(text[start:end].strip('`'))}</code>",
        ]
        at = end
    return "".join([*done, escape(text[at:])])


def _spans(text: str) -> list[tuple[int, int]]:
    """Where Python begins and ends; two statements with a semicolon between are one."""
    found: list[tuple[int, int]] = []
    for match in _FOUND.finditer(text):
        if not (match[0][0] == "`" or _IS_CODE.search(match[0])):
            continue
        start, end = match.span()
        before = _BEFORE.search(text, 0, start)
        if before and ("," not in before[0] or " = " in match[0]):
            start = before.start()
        if found and text[found[-1][1] : start] == "; ":
            start = found.pop()[0]
        found.append((start, end))
    return found
