"""What kept submissions apart, in words for a report."""

_WORDS = {
    "bubblewrap": "in a sandbox of its own (bubblewrap), without network",
    "landlock": "in a sandbox of its own (Landlock)",
}


def apart(isolation: str) -> str:
    """How student code ran: "in a sandbox of its own". isolation: as the run notes it"""
    words = next((words for name, words in _WORDS.items() if isolation.lower().startswith(name)), "")
    return words or f"without a sandbox ({isolation or 'nothing kept it apart'})"


def is_sandboxed(isolation: str) -> bool:
    return isolation.lower().startswith(tuple(_WORDS))
