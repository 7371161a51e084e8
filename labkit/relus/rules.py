"""Another backward rule for every ReLU, wherever and however it is called.

Hooks see modules: they miss F.relu, and fail on in-place ReLUs. So the calls themselves are caught.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from labkit.errors import LabError

Rule = Callable[[Tensor, Tensor, Tensor], Tensor]  # (gradient from above, open?, at its top?) -> gradient


def handed_down(grad: Tensor, is_open: Tensor, rule: str) -> Tensor:
    """What a ReLU hands down to the layer below it.

    grad, is_open: alike in shape: what comes from above, and where the ReLU lets its input through
    rule:          "gradient", "deconvnet" or "guided"
    """
    positive = grad if rule == "gradient" else grad.clamp(min=0)
    return positive if rule == "deconvnet" else positive * is_open


def _by(rule: str) -> Rule:
    return lambda grad, is_open, _: handed_down(grad, is_open, rule)


RULES: dict[str, Rule] = {rule: _by(rule) for rule in ("gradient", "deconvnet", "guided")}


class ReluCalls(TorchFunctionMode):
    """Swaps the ReLU calls of a with block; `count` says how many there were."""

    def __init__(self, rule: Rule):
        super().__init__()
        self.rule, self.count = rule, 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        relu = as_relu(func, args, kwargs)
        if relu is None:
            return func(*args, **(kwargs or {}))
        self.count += 1
        x, top, in_place = relu
        output = _Relu.apply(x, top, self.rule)
        return x.copy_(output) if in_place else output


def as_relu(func: Callable, args: tuple, kwargs: dict | None) -> tuple[Tensor, float, bool] | None:
    """A call's input, the top of its output, and whether it is in place; None if it is no ReLU."""
    if func not in _RELUS:
        return None
    named = {"x" if name == "input" else name: value for name, value in (kwargs or {}).items()}
    return _RELUS[func](*args, **named)


@contextmanager
def relu_rule(rule: str) -> Iterator[ReluCalls]:
    """Backward through every ReLU that runs inside the with block goes by this rule.

        with relu_rule("guided") as relus:
            logits = model(images)
        relus.count  # how many ReLU calls it was

    Outputs stay as they are, and the network is not touched. Caught are F.relu, torch.relu, Tensor.relu,
    F.relu6, F.hardtanh and F.threshold from 0 on, and their in-place forms, by nn.ReLU and its kin or bare.
    Of nested rules the inner one holds. What torch.jit or torch.compile made is not seen.

    rule:   "gradient" lets a gradient pass where the input was positive (in a ReLU6: and below 6),
            "deconvnet" where the gradient is positive, "guided" where both are
    Raises: LabError for another rule
    Source: Zeiler & Fergus 2014, arXiv:1311.2901; Springenberg et al. 2015, arXiv:1412.6806
    """
    if rule not in RULES:
        raise LabError(f"no rule {rule!r} for a ReLU's backward pass; try one of {list(RULES)}")
    with ReluCalls(RULES[rule]) as calls:
        yield calls


class _Relu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, top, rule):
        ctx.rule = rule
        ctx.save_for_backward((x > 0) & (x < top), x >= top)  # not x itself: an in-place ReLU overwrites it
        return x.clamp(min=0, max=top)

    @staticmethod
    def backward(ctx, grad):
        return ctx.rule(grad, *ctx.saved_tensors), None, None


def _hardtanh(x, min_val=-1.0, max_val=1.0, inplace=False):
    return (x, max_val, inplace) if min_val == 0 else None


def _threshold(x, threshold, value, inplace=False):
    return (x, torch.inf, inplace) if threshold == value == 0 else None


_RELUS: dict[Any, Callable[..., tuple | None]] = {  # its arguments -> (input, top, in place?), or no ReLU
    **dict.fromkeys((torch.relu, Tensor.relu), lambda x: (x, torch.inf, False)),
    **dict.fromkeys((torch.relu_, Tensor.relu_), lambda x: (x, torch.inf, True)),
    F.relu: lambda x, inplace=False: (x, torch.inf, inplace),
    F.relu6: lambda x, inplace=False: (x, 6.0, inplace),
    F.hardtanh: _hardtanh,
    F.hardtanh_: partial(_hardtanh, inplace=True),
    **dict.fromkeys((F.threshold, torch.threshold), _threshold),
    torch.threshold_: partial(_threshold, inplace=True),
}
