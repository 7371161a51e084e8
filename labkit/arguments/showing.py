"""How a message shows what came."""

from typing import Any

from torch import Tensor


def shown(given: Any) -> str:
    """A value for a message, in one short line."""
    if isinstance(given, Tensor) and (given.numel() != 1 or given.is_meta):
        return f"a tensor {tuple(given.shape)}{' on the meta device' if given.is_meta else ''}"
    text = " ".join(repr(given).split())
    return text if len(text) <= 60 else f"{type(given).__name__} {text[:50]}…"
