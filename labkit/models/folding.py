"""Batch norms folded into the convolutions before them, where nobody can tell but by time.

The network stays as it is: its modules run, with all their hooks, and `StandIns` exchanges what they compute. It is
done for frozen weights in eval mode, and left where somebody watches: hooks and modes other than the lab's own,
tracing, autocast.
"""

from typing import Any
from weakref import WeakKeyDictionary

import torch
import torch.nn.modules.module as torchs
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.overrides import _get_current_function_mode_stack
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from labkit.models.pairs import Pair, pairs_in
from labkit.models.stand_ins import StandIns
from labkit.running import OnlyLooks, run

_MODES = ("labkit.relus", "labkit.methods", "torch.utils._device")  # whose modes do not mind
_GLOBAL_HOOKS: tuple[dict[int, Any], ...] = (
    torchs._global_forward_hooks,
    torchs._global_forward_pre_hooks,
    torchs._global_backward_hooks,
    torchs._global_backward_pre_hooks,
)


class Plan:
    """The pairs of a network that may be folded.

    ids:       of all modules that there were when the pairs were looked for
    is_proven: whether in some run each convolution's output went to its batch norm and nowhere else
    """

    def __init__(self, net: nn.Module, ids: set[int]):
        self.ids, self.is_proven = ids, False
        is_seen = not any(isinstance(module, torch.jit.ScriptModule) for module in net.modules())
        self.pairs = list(pairs_in(net.modules())) if is_seen else []  # a mode sees nothing of a script

    def by_weight(self) -> dict[int, Pair]:
        """id of a convolution's weight as it is now -> its pair."""
        return {id(pair.conv._parameters.get("weight")): pair for pair in self.pairs}

    def lies_apart_from(self, modules: list[nn.Module]) -> bool:
        """Whether none of the modules, such as ReLUs, is of a pair, or may hold one."""
        folded = {id(part) for pair in self.pairs for part in (pair.conv, pair.norm)}
        return not any(module._modules or id(module) in folded for module in modules)


PLANS: WeakKeyDictionary[nn.Module, Plan] = WeakKeyDictionary()


def run_folded(net: nn.Module, images: Tensor, *, side: int | None = None) -> Any:
    """What `run` gives, equal to rounding, with batch norms folded where that changes nothing else."""
    plan = plan_of(net) if _pays(images) and _is_unwatched(images) else None
    if plan is None or not plan.pairs:
        return run(net, images, side=side)
    with StandIns(plan.by_weight()) as stand_ins:
        answer = run(net, images, side=side)
    if stand_ins.is_exact:
        plan.is_proven |= stand_ins.is_clean
        return answer
    plan.pairs.clear()  # a network that does otherwise with its convolutions
    return run(net, images, side=side)


def _pays(images: Tensor) -> bool:
    """One image's way there is as short as what finding out takes; with the way back, or several, much is saved."""
    return len(images) > 1 or images.requires_grad


def plan_of(net: nn.Module) -> Plan | None:
    """The plan for a network as it is; None where somebody's hooks may see what is folded."""
    modules = _all_modules(net)
    watched = [module for module in modules.values() if _is_watched(module)]
    plan = PLANS.get(net)
    if plan is None or plan.ids != modules.keys():
        plan = PLANS[net] = Plan(net, set(modules))
    return plan if not watched or (plan.is_proven and plan.lies_apart_from(watched)) else None


def _all_modules(net: nn.Module) -> dict[int, nn.Module]:
    """id -> module, in no order; `modules()` takes three times as long."""
    found, left = {id(net): net}, [net]
    while left:
        for module in left.pop()._modules.values():
            if module is not None and id(module) not in found:
                found[id(module)] = module
                left.append(module)
    return found


def _is_unwatched(images: Tensor) -> bool:
    """Whether nothing is going on around a network for which it makes a difference how it computes."""
    return not (
        type(images) is not Tensor
        or torch.is_autocast_enabled(images.device.type)
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]  # public, but not exported
        or torch.compiler.is_compiling()
        or forward_ad._current_level >= 0
        or torch._C._functorch.peek_interpreter_stack() is not None
        or _get_current_dispatch_mode_stack()
        or not all(type(mode).__module__.startswith(_MODES) for mode in _get_current_function_mode_stack())
        or any(_others(hooks) for hooks in _GLOBAL_HOOKS)
    )


def _is_watched(module: nn.Module) -> bool:
    return bool(
        (module._forward_hooks and _others(module._forward_hooks))
        or (module._forward_pre_hooks and _others(module._forward_pre_hooks))
        or module._backward_hooks
        or module._backward_pre_hooks
    )


def _others(hooks: Any) -> bool:
    """Whether any of the hooks is not one of the lab's own."""
    return not all(isinstance(hook, OnlyLooks) for hook in hooks.values())
