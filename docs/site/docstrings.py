"""This project's docstrings as Markdown: text, then lines such as `images: (N, 3, H, W) in 0..1`."""

import re
from typing import Any

from griffe import Alias, Extension, Object

_FIELD = re.compile(r"(\w+(?:, \w+)*):\s+(\S.*)")
_SECOND_FIELD = re.compile(r";\s{2,}(?=\w+(?:, \w+)*: )")  # images: (N, 3, H, W);  labels: (N,)
_IN_BACKTICKS = re.compile(r"(`[^`\n]+`)")
_MARKS = re.compile(r"([<*_\[|])")


class Docstrings(Extension):
    """Gives each object its docstring as Markdown, and hides what a module only hands on."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)

    def on_alias(self, *, alias: Alias, **_: Any) -> None:
        alias.public = False  # each is described once, where it is written


def as_markdown(docstring: str) -> str:
    """A docstring's text as it is, and its lines about arguments as a list of terms."""
    first, *paragraphs = re.split(r"\n\s*\n", docstring.strip("\n"))
    return "\n\n".join(
        [_prose(first), *(_fields(paragraph) or _prose(paragraph) for paragraph in paragraphs)]
    )


def _prose(paragraph: str) -> str:
    is_code = paragraph.startswith("    ")
    return paragraph if is_code else _escaped(paragraph, re.compile(r"([<_])"))


def _fields(paragraph: str) -> str:
    """The list that a paragraph's lines make; empty if they are not lines about arguments."""
    fields: list[tuple[str, str]] = []
    for line in _SECOND_FIELD.sub("\n", paragraph).split("\n"):
        if found := _FIELD.fullmatch(line.strip()) if not line.startswith(" ") or fields else None:
            fields.append((found[1], found[2]))
        elif fields and line.startswith(" "):
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}")
        else:
            return ""
    return "\n\n".join(f"`{name}`\n:   {_escaped(text)}" for name, text in fields)


def _escaped(text: str, marks: re.Pattern[str] = _MARKS) -> str:
    parts = _IN_BACKTICKS.split(text)
    return "".join(part if number % 2 else marks.sub(r"\\\1", part) for number, part in enumerate(parts))
