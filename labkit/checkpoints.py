"""Networks in parts that forget what they computed, and compute it once more on the way back (checkpointing).

Hooks and modes meet such a part twice, the second time during the backward pass, and perhaps when they have ended.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.utils.checkpoint as torchs

_CHECKPOINTINGS: Any = torchs.CheckpointFunction._backward_cls


def is_recomputing() -> bool:
    """Whether a forward pass that runs now is one of a backward pass, which computes once more what was forgotten."""
    return not torch.compiler.is_compiling() and torch._C._current_graph_task_id() != -1


def is_in_autograd_function() -> bool:
    """Whether the forward pass of somebody's autograd function is under way; checkpointing's is none of those."""
    if torch.is_grad_enabled() or torch.compiler.is_compiling():  # which it is in none of them
        return False
    forwards = (frame for frame in _frames() if frame.f_code.co_name == "forward")
    givens = (
        frame.f_locals.get(frame.f_code.co_varnames[0]) for frame in forwards if frame.f_code.co_argcount
    )
    functions = (given for given in givens if isinstance(given, torch.autograd.function.FunctionCtx))
    innermost = next(functions, None)
    return innermost is not None and not isinstance(innermost, _CHECKPOINTINGS)


def recompute_under(owner: object, context: Callable[[], AbstractContextManager[Any]]) -> None:
    """Let all checkpointed parts that run now be computed in a context on the way back, whenever that is.

    owner: whose context it is; of one owner only the first context in a part counts
    """
    for part, name in () if torch.compiler.is_compiling() else _parts_that_run():
        compute = getattr(part, name)
        if getattr(compute, "owner", None) is not owner:
            setattr(part, name, _Recomputing(compute, owner, context))


class _Recomputing:
    """What a part computes, in a context; where it has one already, in that too, and inside it."""

    def __init__(
        self, compute: Callable[..., Any], owner: object, context: Callable[[], AbstractContextManager[Any]]
    ):
        self.compute, self.owner, self.context = compute, owner, context

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with self.context():
            return self.compute(*args, **kwargs)


def _parts_that_run() -> Iterator[tuple[Any, str]]:
    """Objects that keep how a part is computed, the innermost part's first, each with the attribute's name.

    PyTorch names them nowhere, so they are looked up among the calls that are under way.
    """
    reentrant = torchs.CheckpointFunction.forward.__code__
    for frame in _frames():
        code = frame.f_code
        if code is reentrant:
            yield frame.f_locals["ctx"], "run_function"
        elif code.co_filename == torchs.__file__ and "gen" in code.co_varnames:
            generator = getattr(frame.f_locals.get("gen"), "gi_frame", None)
            if generator is not None and "new_frame" in generator.f_locals:
                yield generator.f_locals["new_frame"], "recompute_fn"


def _frames() -> Iterator[Any]:
    """The calls that are under way, the latest first."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
