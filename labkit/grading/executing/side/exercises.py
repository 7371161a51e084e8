"""The exercises of a notebook: what is asked, and how answers are written down."""

from labkit.exercises.catalogue import exercises, find, stages
from labkit.exercises.notebook import check, hint, mine, progress  # type: ignore[attr-defined, unused-ignore]

__all__ = ["check", "exercises", "find", "hint", "mine", "progress", "stages"]
