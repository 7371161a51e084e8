"""Answers as a file, so that another process judges them, today or in a regrade."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from labkit.checks.answer import Answer, State
from labkit.errors import LabError

_WORDS = 2_000  # characters kept of an answer's words


def save(answers: list[Answer], path: Path) -> None:
    """Write answers as one safetensors file: tensors named CASE.NAME, states and words as metadata."""
    tensors = {f"{i}.{name}": t for i, answer in enumerate(answers) for name, t in answer.tensors.items()}
    notes = [{"state": answer.state, "message": answer.message} for answer in answers]
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata={"answers": json.dumps(notes)})
    partial.replace(path)


def load(path: Path, *, most_mb: int = 256) -> list[Answer]:
    """Read what `save` wrote, trusting nothing: neither its size, nor its shape, nor its words.

    Raises: LabError if the file is no such thing
    """
    try:
        if path.stat().st_size > most_mb * 2**20:
            raise LabError(f"the answers in {path.name} are larger than {most_mb} MB")
        with safe_open(path, framework="pt") as file:
            notes = json.loads((file.metadata() or {})["answers"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
        return [_restore(i, note, tensors) for i, note in enumerate(notes)]
    except (
        OSError,
        SafetensorError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise LabError(f"the answers in {path.name} cannot be read ({type(error).__name__})") from error


def _restore(index: int, note: dict[str, Any], tensors: dict[str, Tensor]) -> Answer:
    prefix = f"{index}."
    mine = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    state = State(note["state"]) if note["state"] is not None else None
    if state in (State.UNREADABLE, State.TO_BE_LOOKED_AT):
        raise ValueError(f"no answer is {state}")
    return Answer(mine, state, str(note["message"])[:_WORDS])
