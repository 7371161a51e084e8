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

# (gradient from above, above 0 where open, at its top?) -> gradient; the last is None without a true `asks_for_top`
Rule = Callable[[Tensor, Tensor, Any], Tensor]


def handed_down(grad: Tensor, kept: Tensor, rule: str) -> Tensor:
    """What a ReLU hands down to the layer below it.

    grad, kept: alike in shape: what comes from above; and what the ReLU has kept of its way up, its output or a mask,
                which is above 0 where it lets its input through
    rule:       "gradient", "deconvnet" or "guided"
    """
    if rule == "deconvnet":
        return grad.clamp(min=0)
    passed = let_through(grad, kept)
    return passed if rule == "gradient" else passed.clamp_(min=0)  # in its own memory, which is faster


def let_through(grad: Tensor, kept: Tensor) -> Tensor:
    """The gradient of a ReLU, of what it has kept. Of its output it is had in one pass, with no mask made."""
    if kept.dtype == torch.bool:
        return grad * kept
    passed: Tensor = torch.ops.aten.threshold_backward(grad, kept, 0)
    return passed


def _by(rule: str) -> Rule:
    return lambda grad, kept, _: handed_down(grad, kept, rule)


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
        output = _Relu.apply(relu.x, relu.top, relu.keeps_output, self.rule)
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
    def forward(ctx: Any, x: Tensor, top: float, keeps_output: bool, rule: Rule) -> Tensor:
        ctx.rule = rule
        with torch._C.DisableTorchFunction():  # an outer rule would take this for a ReLU of the network's
            output = x.clamp(min=0, max=top)
            is_at_top = x >= top if getattr(rule, "asks_for_top", False) else None
            kept = output if keeps_output else _mask(x, top)  # not x itself: an in-place ReLU overwrites it
            ctx.save_for_backward(kept, is_at_top)
            return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        return ctx.rule(grad, *ctx.saved_tensors), None, None, None


def _mask(x: Tensor, top: float) -> Tensor:
    is_open = x > 0
    return is_open & (x < top) if top < torch.inf else is_open
