"""Tensors of a shape, and of a kind of numbers."""

from typing import Any

import torch
from torch import Tensor

from labkit.errors import LabError

_KINDS = {  # what is asked for -> whether a tensor holds it, what turns a tensor into it
    "floats": (Tensor.is_floating_point, ".float()"),
    "floats of 32 or 64 bits": (lambda given: given.dtype in (torch.float32, torch.float64), ".float()"),
    "numbers": (lambda given: not given.is_complex() and given.dtype != torch.bool, ".float()"),
    "numbers or bools": (lambda given: not given.is_complex(), ".real"),
    "whole numbers": (
        lambda given: not (given.is_complex() or given.is_floating_point() or given.dtype == torch.bool),
        ".long()",
    ),
    "bools": (lambda given: given.dtype == torch.bool, ".bool()"),
}


def expect_tensor(
    name: str,
    given: Any,
    shape: str,
    *,
    of: str | torch.dtype = "floats",
    finite: bool = False,
    mend: str = "",
    **sizes: int,
) -> dict[str, int]:
    """Require a tensor of a shape.

    shape: a word for each dimension, such as "N 3 H W"; a word means the same size wherever it stands; "…" in front
           or behind is for any others
    of:    "floats", "floats of 32 or 64 bits", "numbers", "whole numbers" or "bools", or the dtype of another tensor
           that it meets
    finite: whether NaN and infinity are refused;  mend: what to try, for another shape
    sizes: of words that are known already, N=3
    Returns: the size of each word
    Raises:  LabError, also for a tensor on the meta device, which holds no values
    """
    want = f"{name} as {_worded(shape, sizes)} {str(of).removeprefix('torch.')}"
    if not isinstance(given, Tensor):
        raise LabError(
            f"expected {want}, got {type(given).__name__}; try torch.as_tensor(…) of numbers alike in shape"
        )
    got = f"{tuple(given.shape)} {given.dtype}"
    if unusable := _unusable(name, given, of):
        raise LabError(f"expected {want}, got {got}{unusable}")
    return _fitting(name, given, shape, sizes, want=want, finite=finite, mend=mend)


def _fitting(
    name: str, given: Tensor, shape: str, sizes: dict[str, int], *, want: str, finite: bool, mend: str
) -> dict[str, int]:
    """The size of each word. Raises: LabError for another shape, and for what is not finite"""
    got = f"{tuple(given.shape)} {given.dtype}"
    found = _fitted(shape.split(), tuple(given.shape), dict(sizes))
    if found is None or given.numel() == 0:
        mend = mend or (f"{name}[None]" if given.ndim == len(shape.split()) - 1 else f"print({name}.shape)")
        raise LabError(f"expected {want}, got {got}; try {mend}")
    if finite and not given.isfinite().all():
        raise LabError(
            f"expected {want}, all finite, got NaN or infinity among them; try {name}.nan_to_num()"
        )
    return found


def _worded(shape: str, sizes: dict[str, int]) -> str:
    words = [str(sizes.get(word, word)) for word in shape.split()]
    return f"({', '.join(words)}{',' if len(words) == 1 else ''})"


def _unusable(name: str, given: Tensor, of: str | torch.dtype) -> str:
    """Why no such numbers can be read out of a tensor, and what to try; empty where they can."""
    if given.is_meta:
        return " on the meta device, without values; try a tensor on the CPU"
    if given.layout != torch.strided:
        return f", a sparse one; try {name}.to_dense()"
    if isinstance(of, torch.dtype):
        return "" if given.dtype == of else f"; try {name}.to({of})"
    holds, turned = _KINDS[of]
    return "" if holds(given) else f"; try {name}{turned}"


def _fitted(words: list[str], shape: tuple[int, ...], sizes: dict[str, int]) -> dict[str, int] | None:
    """The size of each word, or None where a shape is another one."""
    if "…" in words:
        others = len(shape) - len(words) + 1
        if others < 0:
            return None
        at = words.index("…")
        words, shape = words[:at] + words[at + 1 :], shape[:at] + shape[at + others :]
    if len(words) != len(shape):
        return None
    for word, size in zip(words, shape, strict=True):
        if sizes.setdefault(word, int(word) if word.isdigit() else size) != size:
            return None
    return sizes


def expect_alike(
    first_name: str, first: Any, second_name: str, second: Any, shape: str, *, of: str = "floats"
) -> None:
    """Require two tensors of one shape. Raises: LabError"""
    for name, given in ((first_name, first), (second_name, second)):
        expect_tensor(name, given, shape, of=of)
    if first.shape != second.shape:
        raise LabError(
            f"expected {first_name} and {second_name} alike in shape, got {tuple(first.shape)} and "
            f"{tuple(second.shape)}; try to make both of the same images"
        )
