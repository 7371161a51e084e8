"""labkit: a course lab on looking inside convolutional networks."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit import images, models, show
    from labkit.exercises import check, hint, mine, progress

__version__ = "0.1.0"
__all__ = ["check", "hint", "images", "mine", "models", "progress", "show"]


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: `import labkit` alone costs next to nothing."""
    if name in ("check", "hint", "mine", "progress"):
        return getattr(import_module("labkit.exercises"), name)
    if name in ("images", "models", "show"):
        return import_module(f"labkit.{name}")
    raise AttributeError(f"module 'labkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
