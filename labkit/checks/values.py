"""What students return, as tensors: everything that is right in another kind is taken as what it is."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_FIELDS = ("values", "indices", "eigenvalues", "eigenvectors", "Q", "R", "U", "S", "Vh")


class WrongKindError(Exception):
    """What came is no number, array or tensor; says what to return instead."""


def as_tensor(name: str, value: Any) -> Tensor:
    """A result as a plain tensor on the CPU: tensors, numpy's arrays and scalars, numbers, and lists of these.

    name:   of the result, for the message
    Raises: WrongKindError, with what to return instead
    """
    if isinstance(value, Tensor):
        plain = value.detach().to_dense() if value.layout != torch.strided else value.detach()
        return plain.cpu().resolve_conj().resolve_neg().contiguous().clone()
    if isinstance(value, np.ndarray | np.generic):
        return _of_numpy(name, np.asarray(value))
    if isinstance(value, bool | int | float | complex):
        return torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
    if isinstance(value, list | tuple) and not _advice(value):
        return _of_several(name, value)
    raise WrongKindError(f"{name}: expected a tensor, got {_kind(value)}; {_advice(value)}")


def several(names: tuple[str, ...], found: Any) -> dict[str, Any]:
    """What a function returned as so many results, each under its name.

    Raises: WrongKindError where it is another number of results
    """
    is_row = isinstance(found, Tensor | np.ndarray) and found.ndim >= 1
    told = "" if is_row or isinstance(found, int | float) else _advice(found)
    rows = [*found] if is_row or isinstance(found, list | tuple) else []
    if len(rows) == len(names) and not told:
        return dict(zip(names, rows, strict=True))
    came = f"{len(rows)} of them" if rows else _kind(found)
    told = told or f"return {', '.join(names)} with commas between"
    raise WrongKindError(f"expected {len(names)} results, {', '.join(names)}, got {came}; {told}")


def _kind(value: Any) -> str:
    """What came, in a word or two: "None", "list", "what max gives"."""
    if value is None:
        return "None"
    kind = type(value)
    return f"what {kind.__name__} gives" if kind.__module__ == "torch.return_types" else kind.__name__


def _advice(value: Any) -> str:
    """What to return in place of something that is no result; empty for a plain list or tuple of several."""
    if value is None:
        return "is there a return at the end? If there is, it is not reached, or nothing was put into what it returns"
    if type(value).__module__ == "torch.return_types":
        fields = [f".{field}" for field in _FIELDS if hasattr(value, field)]
        return f"it holds several, take {' or '.join(fields) or 'one of them'}"
    if isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], Tensor):
        return "it is a tuple of one, as torch.autograd.grad gives it, take [0]"
    if isinstance(value, list | tuple):
        return ""
    if isinstance(value, nn.Module):
        return "a network is no result; is its output, or its .weight, meant?"
    if isinstance(value, dict):
        return "take one of its values"
    if callable(value):
        return "call it, with brackets"
    return "it is neither a number nor made of numbers"


def _of_numpy(name: str, array: np.ndarray) -> Tensor:
    if array.dtype.kind not in "biufc":
        raise WrongKindError(
            f"{name}: expected numbers, got an array of {array.dtype}; try array.astype(float)"
        )
    native = array.astype(array.dtype.newbyteorder("="), order="C")  # torch knows no other order of bytes
    return torch.from_numpy(native.astype(np.float64) if native.dtype == np.longdouble else native)


def _of_several(name: str, values: list[Any] | tuple[Any, ...]) -> Tensor:
    if not values:
        return torch.empty(0)
    tensors = [as_tensor(f"{name}[{index}]", value) for index, value in enumerate(values)]
    shapes = {tuple(tensor.shape) for tensor in tensors}
    if len(shapes) > 1:
        raise WrongKindError(
            f"{name}: expected one tensor, got a {type(values).__name__} of shapes {sorted(shapes)}; "
            "is one of them meant, such as the last, or torch.cat?"
        )
    common = tensors[0].dtype
    for tensor in tensors:
        common = torch.promote_types(common, tensor.dtype)
    return torch.stack([tensor.to(common) for tensor in tensors])
