"""Whose code a figure is made with: said by whoever runs it, read by the figure, forgotten with the cell."""

_said: dict[str, None] = {}  # in the order in which it was said, each sentence once


def say(sentence: str) -> None:
    """Something about the code that runs now, for the caption of a figure of the same cell."""
    _said[sentence] = None


def told() -> str:
    """All that was said since `forget`, for a caption; empty if nothing was."""
    return " ".join(_said)


def forget(*_event: object) -> None:
    """A new cell begins."""
    _said.clear()
