"""What goes wrong, said so that the reader knows what to do next."""

from collections.abc import Iterable
from difflib import get_close_matches


class LabError(Exception):
    """Something the user can put right: what was expected, what came, what to try.

    In a notebook it shows as its message alone, without a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


def nearest(wrong: str, names: Iterable[str], *, most: int = 4) -> list[str]:
    """The names that look most like a misspelt one; the first few names where none does."""
    names = list(names)
    return get_close_matches(wrong, names, n=most, cutoff=0.4) or names[:most]
