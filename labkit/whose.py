"""Whose code a figure is made with: said by whoever runs it, read by the figure, forgotten with the cell."""

_yours: dict[str, None] = {}  # the student's own functions that have run, in the order in which they did
_failed: dict[str, None] = {}  # what the student's own ended in, where the lab's took over


def made_with(function: str) -> None:
    """A function of the student's own has run."""
    _yours[function] = None


def failed_with(error: str) -> None:
    """The student's own ended in an error, and the lab's has taken over."""
    _failed[error] = None


def told() -> str:
    """What a caption says of it: "Made with your own iou and suppress."; empty if there is nothing to say."""
    *most, last = [*_yours] or [""]
    yours = f"{', '.join(most)} and {last}" if most else last
    sentences = [f"Made with your own {yours}."] if yours else []
    sentences += [f"Made with the lab's own code: with yours it ended in {error}." for error in _failed]
    return " ".join(sentences)


def forget(*_event: object) -> None:
    """A new cell begins."""
    _yours.clear()
    _failed.clear()
