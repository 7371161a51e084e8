"""The pictures that a student's notebook shows: the first one below each exercise, as bytes, for a later look."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from nbformat import NotebookNode

from labkit.grading.collecting.stages import exercises_in
from labkit.grading.records import Picture

LARGEST = 600_000  # characters in base64; the lab's own figures have 400,000 at most
_LONGEST_PAGE = 4_000_000  # characters of HTML that are looked through for a picture
_TRIED, _LONGEST_WORDS = 20, 2_000  # pictures for one exercise; characters of what a picture is said to show
_INSIDE = re.compile(r"data:image/(?:png|jpeg|webp);base64,([A-Za-z0-9+/=]+)")
_BEGINNINGS = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP", re.DOTALL)


def pictures(content: dict[str, Any], notebook: NotebookNode) -> tuple[Picture, ...]:
    """What a notebook shows from an exercise's task on, up to the next task: PNG, JPEG or WebP, one for each exercise.

    They are not opened: nothing is known of them but how they begin. Pages and drawings (HTML, SVG) are none, but a
    picture that lies in a page as data is one, as the lab's figures do.

    content: the notebook as JSON;  notebook: the same, as `read_notebook` gives it
    """
    given = [cell for cell in content.get("cells", ()) if isinstance(cell, dict)]
    shown: dict[str, list[Iterator[tuple[str, str]]]] = {}
    exercise = ""
    for cell, read in zip(given, notebook.cells, strict=False):
        exercise = max(exercises_in(read), default=exercise)
        if exercise and cell.get("outputs"):
            shown.setdefault(exercise, []).append(_shown(cell))
    found = (_first(exercise, chain.from_iterable(cells)) for exercise, cells in shown.items())
    return tuple(picture for picture in found if picture)


def _first(exercise: str, shown: Iterable[tuple[str, str]]) -> Picture | None:
    for words, text in islice(shown, _TRIED):
        if data := _picture(text):
            return Picture(exercise, data, _told(words))
    return None


def _shown(cell: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a cell's outputs say of themselves, and what may be a picture in base64."""
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        data = output.get("data") if isinstance(output, dict) else None
        if not isinstance(data, dict):
            continue
        words = _text(data.get("text/plain"), 10 * _LONGEST_WORDS)
        for kind in ("image/png", "image/jpeg"):
            if text := _text(data.get(kind), LARGEST):
                yield words, text
        for match in _INSIDE.finditer(_text(data.get("text/html"), _LONGEST_PAGE)):
            yield words, match[1]


def _text(value: object, longest: int) -> str:
    """A text that nbformat may have cut into lines; empty where it is none, or too long."""
    given = value if isinstance(value, list) else [value]
    parts = [part for part in given if isinstance(part, str)]
    return "".join(parts) if len(parts) == len(given) and sum(map(len, parts)) <= longest else ""


def _picture(text: str) -> bytes:
    """The bytes, if they begin as a picture does."""
    if len(text) > LARGEST:
        return b""
    try:
        data = b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if _BEGINNINGS.match(data) else b""


def _told(words: str) -> str:
    """What a figure of the lab says that it shows; others say "<Figure size 640x480>", which says nothing."""
    return "" if words.lstrip().startswith(("<", "array(", "tensor(")) else words[:_LONGEST_WORDS]
