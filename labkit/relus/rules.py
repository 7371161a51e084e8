"""Another backward rule for every ReLU, wherever and however it is called.

Hooks see modules: they miss F.relu, and fail on in-place ReLUs. So the calls themselves are caught.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from labkit.checkpoints import is_in_autograd_function, is_recomputing, recompute_under
from labkit.errors import LabError
from labkit.relus.calls import Relu, as_relu
from labkit.relus.masks import run_and_mark
from labkit.relus.others import OTHERS, hidden_makers, together, watching_scripts

# (gradient from above, open?, at its top?) -> gradient; the last is None for a rule without a true `asks_for_top`
Rule = Callable[[Tensor, Tensor, Any], Tensor]


def handed_down(grad: Tensor, is_open: Tensor, rule: str) -> Tensor:
    """What a ReLU hands down to the layer below it.

    grad, is_open: alike in shape: what comes from above, and where the ReLU lets its input through
    rule:          "gradient", "deconvnet" or "guided"
    """
    if rule == "gradient":
        return grad * is_open
    positive = grad.clamp(min=0)
    return positive if rule == "deconvnet" else positive.mul_(is_open)  # in its own memory, which is faster


def _by(rule: str) -> Rule:
    return lambda grad, is_open, _: handed_down(grad, is_open, rule)


RULES: dict[str, Rule] = {rule: _by(rule) for rule in ("gradient", "deconvnet", "guided")}


class ReluCalls(TorchFunctionMode):
    """Swaps the ReLU calls of a with block.

    count:  how many there were
    others: name -> how many nonlinearities of that kind there were that the rule does not reach
    """

    def __init__(self, rule: Rule):
        super().__init__()
        self.rule, self.count, self.others = rule, 0, Counter[str]()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        is_new = not is_recomputing()
        if is_new:
            self.others.update(hidden_makers(args))
        relu = as_relu(func, args, kwargs)
        if (relu is None and func not in OTHERS) or is_in_autograd_function():
            return run_and_mark(func, args, kwargs)
        if relu is None:
            self.others[OTHERS[func]] += is_new
            return func(*args, **(kwargs or {}))
        self.count += is_new
        return self._swapped(relu)

    def _swapped(self, relu: Relu) -> Tensor:
        recompute_under(self, lambda: ReluCalls(self.rule))
        output = _Relu.apply(relu.x, relu.top, self.rule)
        return relu.x.copy_(output) if relu.in_place else output


@contextmanager
def relu_rule(rule: str) -> Iterator[ReluCalls]:
    """Backward through every ReLU that runs inside the with block goes by this rule.

        with relu_rule("guided") as relus:
            logits = model(images)
        relus.count   # how many ReLU calls it was
        relus.others  # how many nonlinearities the rule did not reach, by kind

    Outputs stay as they are, and the network is not touched. Caught are F.relu, torch.relu, Tensor.relu,
    F.relu6, F.hardtanh, F.threshold and clamp from 0 on, torch.maximum with 0, and masks such as x * (x > 0), in
    place or not, by nn.ReLU and its kin or bare; parts that checkpointing computes once more go by the rule then too.
    Of nested rules the inner one holds. No rule is defined for other nonlinearities (leaky ReLU, GELU, SiLU), which
    keep their gradient, as do ReLUs in torch.jit and in autograd functions; `others` counts them.

    rule:   "gradient" lets a gradient pass where the input was positive (in a ReLU6: and below 6),
            "deconvnet" where the gradient is positive, "guided" where both are
    Raises: LabError for another rule, and where all ReLUs are in TorchScript
    Source: Zeiler & Fergus 2014, arXiv:1311.2901; Springenberg et al. 2015, arXiv:1412.6806
    """
    if rule not in RULES:
        raise LabError(f"no rule {rule!r} for a ReLU's backward pass; try one of {list(RULES)}")
    scripts = Counter[str]()
    with ReluCalls(RULES[rule]) as calls, watching_scripts(scripts.update):
        yield calls
    calls.others = together(calls.others, scripts)
    if scripts and not calls.count:
        raise LabError(
            f"expected ReLUs for the {rule} rule, saw none in this network, only {told(scripts)}; "
            "try the network as it was before torch.jit"
        )


def expect_reached(calls: ReluCalls, rule: str) -> None:
    """Require that a rule reached ReLUs; warn where it did not reach all that is like them.

    Raises: LabError where it reached none
    """
    if not calls.count:
        others = f", only {told(calls.others)}" if calls.others else ""
        raise LabError(f"expected ReLUs for the {rule} rule, saw none in this network{others}; try saliency")
    if calls.others:
        warnings.warn(
            f"the {rule} rule is for ReLUs, of which it saw {calls.count}; other nonlinearities of this network keep "
            f"their own gradient: {told(calls.others)}",
            stacklevel=4,
        )


def told(others: Counter[str]) -> str:
    """In words how many nonlinearities there are of each kind: "12 gelu, 2 leaky_relu"."""
    return ", ".join(f"{count} {kind}" for kind, count in others.most_common())


class _Relu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, top: float, rule: Rule) -> Tensor:
        ctx.rule = rule
        with torch._C.DisableTorchFunction():  # an outer rule would take this for a ReLU of the network's
            is_open = x > 0
            if top < torch.inf:
                is_open &= x < top
            is_at_top = x >= top if getattr(rule, "asks_for_top", False) else None
            ctx.save_for_backward(is_open, is_at_top)  # not x itself: an in-place ReLU overwrites it
            return x.clamp(min=0, max=top)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return ctx.rule(grad, *ctx.saved_tensors), None, None
