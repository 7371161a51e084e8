"""Which calls are ReLUs: those that are called so, and those that come to the same, such as x.clamp(min=0)."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.relus.masks import is_zero, keeps, masked_relu


class Relu(NamedTuple):
    """A call that is a ReLU: what goes in, the largest value that comes out, and whether it is put in x's place.

    keeps_output: whether PyTorch itself goes back by what came out, so that no working network changes that in place
    """

    x: Tensor
    top: float = torch.inf
    in_place: bool = False
    keeps_output: bool = False


def as_relu(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Relu | None:
    """What a call is as a ReLU; None if it is none."""
    read = _RELUS.get(func)
    if read is None:
        found = masked_relu(func, args, kwargs)
        return Relu(found[0], in_place=found[1]) if found else None
    named = {_NAMES.get(name, name): value for name, value in (kwargs or {}).items()}
    return read(*args, **named) if not named.keys() & {"out", "dim", "axis"} else None


def _relu(x: Tensor, inplace: bool = False, top: float = torch.inf) -> Relu:
    return Relu(x, top, inplace, keeps_output=not inplace and top == torch.inf)


def _hardtanh(x: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Relu | None:
    return Relu(x, max_val, inplace) if min_val == 0 < max_val else None


def _threshold(x: Tensor, threshold: float, value: float, inplace: bool = False) -> Relu | None:
    return Relu(x, in_place=inplace) if threshold == value == 0 else None


def _clamp(x: Tensor, low: Any = None, high: Any = None, *, inplace: bool = False) -> Relu | None:
    top = torch.inf if high is None else high
    is_one = is_zero(low) and isinstance(top, int | float) and top > 0 and x.is_floating_point()
    return Relu(x, top, inplace) if is_one else None


def _larger(x: Any, other: Any = None, *_: Any) -> Relu | None:
    for one, zero in ((x, other), (other, x)):
        if isinstance(one, Tensor) and isinstance(zero, Tensor) and is_zero(zero):
            return Relu(one) if one.is_floating_point() and keeps(one, zero) else None
    return None


_NAMES = {"input": "x", "self": "x", "min": "low", "max": "high"}  # of arguments -> what they are called here
_RELUS: dict[Any, Callable[..., Relu | None]] = {  # its arguments -> what it is as a ReLU, or None
    **dict.fromkeys(
        (torch.relu, Tensor.relu, F.relu, torch.ops.aten.relu, torch.ops.aten.relu.default), _relu
    ),
    **dict.fromkeys((torch.relu_, Tensor.relu_), partial(_relu, inplace=True)),
    F.relu6: partial(_relu, top=6.0),
    F.hardtanh: _hardtanh,
    F.hardtanh_: partial(_hardtanh, inplace=True),
    **dict.fromkeys((F.threshold, torch.threshold), _threshold),
    torch.threshold_: partial(_threshold, inplace=True),
    **dict.fromkeys((torch.clamp, Tensor.clamp, torch.clip, Tensor.clip), _clamp),
    **dict.fromkeys((torch.clamp_, Tensor.clamp_, torch.clip_, Tensor.clip_), partial(_clamp, inplace=True)),
    **dict.fromkeys((torch.clamp_min, Tensor.clamp_min), _clamp),
    **dict.fromkeys((torch.clamp_min_, Tensor.clamp_min_), partial(_clamp, inplace=True)),
    **dict.fromkeys((torch.maximum, Tensor.maximum, torch.fmax, Tensor.fmax, torch.max, Tensor.max), _larger),
}
