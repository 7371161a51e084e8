"""Whether an exercise still asks what it asked: a digest of the inputs that a seed draws."""

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import SimpleNamespace
from typing import Any

from torch import Tensor, nn

from labkit.checks.exercise import Exercise


def case_digest(exercise: Exercise, seed: int) -> str:
    """Equal for equal inputs: tensors by their values, networks by their layers and weights, functions by name."""
    digest = hashlib.sha256()
    for part in _parts(exercise.draw_cases(seed)):
        digest.update(part)
    return digest.hexdigest()[:16]


def _parts(value: Any) -> Iterator[bytes]:
    match value:
        case Tensor():
            yield repr((value.dtype, tuple(value.shape))).encode()
            yield value.detach().contiguous().reshape(-1).double().numpy().tobytes()
        case nn.Module():
            yield repr(value).encode()
            yield from _parts(dict(value.state_dict()))
        case dict():
            for name, part in value.items():
                yield repr(name).encode()
                yield from _parts(part)
        case list() | tuple():
            yield f"{type(value).__name__} of {len(value)}".encode()
            for part in value:
                yield from _parts(part)
        case SimpleNamespace():
            yield from _parts(vars(value))
        case _ if is_dataclass(value):
            yield from _parts({field.name: getattr(value, field.name) for field in fields(value)})
        case str() | int() | float() | bool() | None:
            yield repr(value).encode()
        case _:
            yield getattr(value, "__qualname__", type(value).__qualname__).encode()
