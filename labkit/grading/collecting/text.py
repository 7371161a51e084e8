"""The bytes of a notebook as JSON, whatever editor, system or upload they went through."""

import codecs
import json
import re
from typing import Any

from labkit.errors import LabError

_MARKS = (  # longest first: UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHERS = (
    (re.compile(rb"PK\x03\x04"), "a zip file under another name; ask for it unpacked"),
    (re.compile(rb"%PDF"), "a PDF; ask for the notebook itself"),
    (re.compile(rb"\s*<(!doctype|html|\?xml)", re.I), "a web page; ask for the notebook itself, the .ipynb"),
    (re.compile(rb"version https://git-lfs"), "a pointer of git LFS; ask for the file that it stands for"),
    (re.compile(rb"\x00*\Z"), "nothing but zeros, so the upload failed; ask for it again"),
)
_CONFLICT = re.compile(r"^<{7} .*$", re.M)
_MOST_BRACKETS = 2_000_000  # each takes memory, twenty times what it takes in the file
_LONGEST_NUMBER = 300  # digits; Python refuses to read 4,300, and no notebook needs them


def json_of(data: bytes) -> Any:
    """What a notebook's bytes say.

    Encodings: UTF-8, UTF-16 and UTF-32, with a byte-order mark or without; what is none of them is read as Latin-1 (on
    Windows: cp1252).
    Raises: LabError that says what the file is instead, and what to ask the student for
    """
    if not data.strip():
        raise LabError("the file is empty; ask for it again")
    for looks, other in _OTHERS:
        if looks.match(data):
            raise LabError(f"no notebook but {other}")
    if data.count(b"{") + data.count(b"[") > _MOST_BRACKETS:
        raise LabError(
            f"more than {_MOST_BRACKETS:,} brackets, which no notebook has; ask for it with outputs cleared"
        )
    text = decoded(data).lstrip("\ufeff \t\r\n")
    try:
        return _DECODER.raw_decode(text)[0]
    except RecursionError:
        raise LabError("brackets in brackets, too deep to be read; ask for the notebook again") from None
    except ValueError as error:
        raise LabError(_trouble(text, error, len(data))) from None


def decoded(data: bytes) -> str:
    """Bytes as text; of what is in no known encoding, each byte is a letter."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    if data[:4].count(0) in (2, 3):  # no text in UTF-8 has a zero in it, and JSON begins with ASCII
        width = 32 if data[:4].count(0) == 3 else 16
        return data.decode(f"utf-{width}-{'be' if data[0] == 0 else 'le'}", errors="replace")
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else 0


_DECODER = json.JSONDecoder(strict=False, parse_int=_number)


def _trouble(text: str, error: ValueError, size: int) -> str:
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        return f"two versions, which git could not merge, stand side by side from line {line} on; ask for one of them"
    if not text.startswith(("{", "[")):
        return "no notebook: it does not begin as one; ask for the .ipynb"
    at = getattr(error, "pos", len(text))
    unended = getattr(error, "msg", "").startswith("Unterminated string")
    if unended or not text[at:].strip("\x00 \t\r\n"):
        return f"the upload ended early, at byte {size:,}; ask for it again"
    line = text.count("\n", 0, at) + 1
    return (
        f"not readable as a notebook from line {line} on ({getattr(error, 'msg', error)}); ask for it again"
    )
