"""Text from submissions, made fit for a page: no character that hides, reorders or breaks, and never too long."""

import re
import unicodedata

NAME, MESSAGE, CODE = 200, 4_000, 20_000  # characters at most
_NEWLINES = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_UNUSUAL = re.compile(r"[^\n\t -~]+")
_JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji are spelt with them
_DIRECTIONS = "\u200e\u200f\u061c"  # a name's own; what stands around it is isolated from it
_COMBINING = 8  # of them on one letter; no script needs more, and a thousand cover the page


def shown(text: str, most: int = MESSAGE, *, end: bool = False) -> str:
    """The text as people should see it; what they would not see of it is named.

    most: characters at most, and then how many were left out
    end:  keep the end, as of a traceback, and not the beginning
    """
    out = len(text) - most
    if out > 0:
        text = text[-most:] if end else text[:most]
    text = _UNUSUAL.sub(lambda found: _visible(found[0]), _NEWLINES.sub("\n", text))
    left_out = f"… {out:,} more characters"
    return text if out <= 0 else f"{left_out}\n{text}" if end else f"{text}\n{left_out}"


def one_line(text: str, most: int = NAME) -> str:
    """The same on a single line, for names and cells of a table."""
    return " ".join(shown(text, most).split())


def _visible(text: str) -> str:
    letters, combining = [], 0
    for letter in text:
        combining = combining + 1 if unicodedata.combining(letter) else 0
        if combining <= _COMBINING:
            letters.append(_seen(letter))
    return "".join(letters)


def _seen(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind == "Cs" or ord(letter) & 0xFFFE == 0xFFFE:  # half a surrogate pair; no character at all
        return "\ufffd"
    if kind == "Cc":
        return chr(0x2400 + ord(letter)) if letter < " " else f"⟨U+{ord(letter):04X}⟩"
    if letter in _DIRECTIONS:
        return ""
    return f"⟨U+{ord(letter):04X}⟩" if kind in ("Cf", "Co") and letter not in _JOINERS else letter
