"""ReLUs that are written with a mask: x * (x > 0), torch.where(x > 0, x, 0), x[x < 0] = 0.

A mask is a tensor of its own. So that it is known where it is used, it is marked where it is made.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

import torch
from torch import Tensor

_ABOVE = {torch.gt, Tensor.gt, torch.ge, Tensor.ge}
_BELOW = {torch.lt, Tensor.lt, torch.le, Tensor.le}
_AS_NUMBERS = {
    Tensor.float,
    Tensor.double,
    Tensor.half,
    Tensor.bfloat16,
    Tensor.to,
    Tensor.type_as,
    Tensor.type,
}
_Found = tuple[Tensor, bool] | None  # what is rectified, and whether in its place


def run_and_mark(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """Call a function; where it compares a tensor with 0, what comes of it is marked as that tensor's mask."""
    output = func(*args, **(kwargs or {}))
    if func in _AS_NUMBERS and hasattr(args[0], "masks"):
        output.masks = args[0].masks
    elif (func in _ABOVE or func in _BELOW) and len(args) == 2 and is_zero(args[1]):
        output.masks = ref(args[0]), args[0]._version, func in _ABOVE
    return output


def masked_relu(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> _Found:
    """What a call rectifies by a mask, and whether in its place; None for a call that does not."""
    read = _FORMS.get(func)
    return read(*args) if read is not None and len(args) == read.keywords["count"] and not kwargs else None


def is_zero(given: Any) -> bool:
    """Whether something is 0, or 0 all over."""
    if isinstance(given, Tensor):
        return not given.requires_grad and not given.is_meta and not given.any()
    return isinstance(given, int | float) and given == 0


def keeps(x: Tensor, other: Tensor | float) -> bool:
    """Whether what comes of both has the shape and the dtype of x."""
    shape = other.shape if isinstance(other, Tensor) else torch.Size()
    alike = all(b in (1, a) for a, b in zip(x.shape[::-1], shape[::-1], strict=False))
    return alike and len(shape) <= x.ndim and torch.result_type(x, other) == x.dtype


def _is_mask(mask: Any, x: Any, *, above: bool) -> bool:
    """Whether a tensor says where x, as it is now, is above 0; or where it is below."""
    if not isinstance(x, Tensor) or not hasattr(mask, "masks"):
        return False
    of, version, is_above = mask.masks
    return of() is x and version == x._version and is_above == above and keeps(x, mask)


def _product(first: Any, second: Any, *, in_place: bool, count: int) -> _Found:
    for x, mask in ((first, second), (second, first))[: 1 if in_place else 2]:
        if _is_mask(mask, x, above=True):
            return x, in_place
    return None


def _where(mask: Any, kept: Any, other: Any, *, count: int) -> _Found:
    for x, zero, above in ((kept, other, True), (other, kept, False)):
        if _is_mask(mask, x, above=above) and is_zero(zero) and keeps(x, zero):
            return x, False
    return None


def _method_where(kept: Any, mask: Any, other: Any, *, count: int) -> _Found:
    return _where(mask, kept, other, count=count)


def _filled(x: Any, mask: Any, value: Any, *, in_place: bool, count: int) -> _Found:
    return (x, in_place) if _is_mask(mask, x, above=False) and is_zero(value) else None


_times = partial(_product, count=2)
_fill = partial(_filled, count=3)
_FORMS: dict[Any, partial[_Found]] = {
    **dict.fromkeys(
        (torch.mul, Tensor.mul, torch.multiply, Tensor.multiply), partial(_times, in_place=False)
    ),
    **dict.fromkeys((Tensor.mul_, Tensor.multiply_), partial(_times, in_place=True)),
    torch.where: partial(_where, count=3),
    Tensor.where: partial(_method_where, count=3),
    **dict.fromkeys((torch.masked_fill, Tensor.masked_fill), partial(_fill, in_place=False)),
    **dict.fromkeys((Tensor.masked_fill_, Tensor.__setitem__), partial(_fill, in_place=True)),
}
