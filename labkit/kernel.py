"""The kernel that a student works in: what is set for all of it changes nothing that the lab's functions give."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from types import FunctionType, GeneratorType
from typing import Any, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def usual_numbers() -> Iterator[None]:
    """Inside: tensors are made as float32 on the CPU unless said otherwise, and neither autocast nor inference mode.

    Whether gradients are on is left as it is. Costs some microseconds where all is as usual.
    """
    with ExitStack() as stack:
        if torch.get_default_dtype() is not torch.float32:
            stack.callback(torch.set_default_dtype, torch.get_default_dtype())
            torch.set_default_dtype(torch.float32)
        if torch.get_default_device().type != "cpu":  # the context costs a little with each operation
            stack.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.no_grad())
        yield


def in_usual_numbers(function: Callable[P, R]) -> Callable[P, R]:
    """The function, run among `usual_numbers`; generators and functions that it returns run among them, too."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with usual_numbers():
            result: R = _held(function(*args, **kwargs))
            return result

    return run


def _held(result: Any) -> Any:
    if isinstance(result, GeneratorType):
        return _stepped(result)
    return in_usual_numbers(result) if isinstance(result, FunctionType) else result


def _stepped(steps: Iterator[Any]) -> Iterator[Any]:
    """A generator, each step of which is computed among `usual_numbers`; between them all is as it was."""
    while True:
        with usual_numbers():
            try:
                step = next(steps)
            except StopIteration:
                return
        yield step


def students_shell() -> Any:
    """The shell of the notebook that a student is working in; None elsewhere.

    Whoever executes a notebook without a person before it (labkit build, nbval, nbconvert) says with each cell that
    nobody can be asked for input. In grading nobody is at work either.
    """
    from IPython import get_ipython

    shell: Any = get_ipython()
    if "LABKIT_ANSWERS" in os.environ or getattr(shell, "kernel", None) is None:
        return None
    return shell if shell.get_parent().get("content", {}).get("allow_stdin") else None


def folder_of(shell: Any) -> Path:
    """Where a student's notebook lies: VS Code says so; elsewhere its kernel is started there."""
    file = shell.user_ns.get("__vsc_ipynb_file__")
    return Path(file).parent if file else Path(shell.starting_dir)
