"""Small changes to the text of a function, one at a time: what makes a right answer wrong, and a wrong one right."""

from labkit.checks.edits.every import Edit, edits

__all__ = ["Edit", "edits"]
