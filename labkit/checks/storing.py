"""Answers as a file, so that another process judges them, today or in a regrade."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from labkit.checks.answer import Answer, State
from labkit.errors import LabError
from labkit.files import replacing

_WORDS = 2_000  # characters kept of an answer's words
_LARGEST_MB = 256
_MOST_TENSORS = 1_000
_KINDS = {  # safetensors' names of those that can be computed with
    *("BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "BF16", "F32", "F64", "C64"),
    *("F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"),
}


def save(answers: list[Answer], path: Path) -> None:
    """Write answers as one safetensors file: tensors named CASE.NAME, states and words as metadata.

    What is too large to be judged is a crash, in words.
    """
    size = sum(tensor.nbytes for answer in answers for tensor in answer.tensors.values())
    if size > (_LARGEST_MB - 1) * 2**20:
        told = f"the results take {size / 2**20:,.0f} MB, no more than {_LARGEST_MB} can be judged"
        answers = [Answer(state=State.CRASHED, message=told)]
    tensors = {
        f"{i}.{name}": t.to(torch.complex64) if t.is_complex() else t  # the only complex kind there is
        for i, answer in enumerate(answers)
        for name, t in answer.tensors.items()
    }
    notes = [{"state": answer.state, "message": answer.message} for answer in answers]
    with replacing(path) as partial:
        save_file(tensors, partial, metadata={"answers": json.dumps(notes)})


def load(path: Path, *, most_mb: int = _LARGEST_MB) -> list[Answer]:
    """Read what `save` wrote, trusting nothing: neither its size, nor its shape, nor its words.

    Raises: LabError if the file is no such thing
    """
    try:
        if path.stat().st_size > most_mb * 2**20:
            raise LabError(f"the answers in {path.name} are larger than {most_mb} MB")
        with safe_open(path, framework="pt") as file:
            notes = json.loads((file.metadata() or {})["answers"])
            tensors = {name: file.get_tensor(name) for name in _expected(file)}
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


def _expected(file: Any) -> list[str]:
    """The names of the tensors in a file, none of which has been read yet."""
    names = list(file.keys())
    if len(names) > _MOST_TENSORS:
        raise ValueError(f"{len(names)} tensors")
    if odd := {kind for name in names if (kind := file.get_slice(name).get_dtype()) not in _KINDS}:
        raise ValueError(f"numbers of the kind {odd}")
    return names


def _restore(index: int, note: dict[str, Any], tensors: dict[str, Tensor]) -> Answer:
    prefix = f"{index}."
    mine = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    state = State(note["state"]) if note["state"] is not None else None
    if state in (State.UNREADABLE, State.TO_BE_LOOKED_AT):
        raise ValueError(f"no answer is {state}")
    return Answer(mine, state, str(note["message"])[:_WORDS])
