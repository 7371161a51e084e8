"""What a case is made of, whatever holds it together: a namespace, a dataclass, a dict, a list."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import SimpleNamespace
from typing import Any


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """(name, part) of each part; nothing for what has none, such as a tensor or a network."""
    if isinstance(value, SimpleNamespace):
        yield from vars(value).items()
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))
    elif isinstance(value, dict):
        yield from ((str(key), part) for key, part in value.items())
    elif isinstance(value, list | tuple):
        yield from ((str(index), part) for index, part in enumerate(value))
