"""What a student sets for the whole kernel does not reach into a check, and a check leaves it as it was."""

import random
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import takewhile

import numpy as np
import torch

from labkit.kernel import usual_numbers


@contextmanager
def usual_surroundings() -> Iterator[None]:
    """Inside: float32, CPU, gradients on, no autocast, no anomaly mode, warnings that are no errors.

    Afterwards all of it, and the global generators of PyTorch, NumPy and Python, are as they were found.
    """
    with ExitStack() as stack:
        stack.callback(torch.set_default_dtype, torch.get_default_dtype())
        stack.callback(torch.set_rng_state, torch.get_rng_state())
        stack.callback(np.random.set_state, np.random.get_state())
        stack.callback(random.setstate, random.getstate())
        stack.enter_context(_algorithms_of_any_kind())
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(np.errstate(all="warn"))
        stack.enter_context(usual_numbers())
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autograd.set_detect_anomaly(False))
        _soften_warnings()
        yield


@contextmanager
def _algorithms_of_any_kind() -> Iterator[None]:
    """Asked for only where something is to be changed: to ask costs a first import of a second and more."""
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    if before[0]:
        torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        if before[0] or torch.are_deterministic_algorithms_enabled():
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _soften_warnings() -> None:
    """Warnings that would be raised are shown, but where all are ignored; IPython raises one of its own."""
    heeded = takewhile(lambda rule: rule[0] != "ignore" or rule[2] is not Warning, warnings.filters)
    for category in [rule[2] for rule in heeded if rule[0] == "error"]:
        warnings.simplefilter("default", category)
