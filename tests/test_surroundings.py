"""What a student sets for the whole kernel changes no verdict, and a check leaves it as it was."""

import random
import warnings
from contextlib import ExitStack, contextmanager, suppress

import numpy as np
import pytest
import torch
from lab import ROOT

from labkit.authoring.reference import all_references
from labkit.checks.answering import produce
from labkit.checks.judging import judge
from labkit.checks.surroundings import usual_surroundings
from labkit.exercises import find

REFERENCES = all_references(ROOT / "solutions")
SENSITIVE = ("00.3", "01.5", "02.6", "04.2", "05.1", "05.4", "06.5", "06.6", "07.1", "08.4")


@contextmanager
def setting(undo, do, *arguments):
    do(*arguments)
    try:
        yield
    finally:
        undo()


KERNELS = {
    "float64 by default": lambda: setting(
        lambda: torch.set_default_dtype(torch.float32), torch.set_default_dtype, torch.float64
    ),
    "bfloat16 by default": lambda: setting(
        lambda: torch.set_default_dtype(torch.float32), torch.set_default_dtype, torch.bfloat16
    ),
    "gradients off": lambda: torch.set_grad_enabled(False),
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "another device by default": lambda: torch.device("meta"),
    "anomaly mode": lambda: torch.autograd.set_detect_anomaly(True),
    "deterministic": lambda: setting(
        lambda: torch.use_deterministic_algorithms(False), torch.use_deterministic_algorithms, True
    ),
    "numpy that raises": lambda: np.errstate(all="raise"),
    "warnings as errors": lambda: warnings.catch_warnings(action="error"),
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("exercise_id", SENSITIVE)
def test_a_right_answer_is_right_in_an_odd_kernel_and_a_wrong_one_wrong(exercise_id, kernel):
    exercise, right = find(exercise_id), REFERENCES[exercise_id].function()
    wrong = exercise.mistakes[0]
    with KERNELS[kernel]():
        verdict = judge(exercise, produce(exercise, right, exercise.draw_cases(3)), 3)
        assert verdict.passed, verdict.message
        verdict = judge(exercise, produce(exercise, wrong.wrong, exercise.draw_cases(3)), 3)
        assert verdict.mistake is wrong


def test_the_kernel_is_left_as_it_was_found():
    def found():
        return (
            torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_rng_state().tolist(),
            np.random.get_state()[1].tolist(), random.getstate(), np.geterr(),
            torch.are_deterministic_algorithms_enabled(), torch.is_anomaly_enabled(), list(warnings.filters),
        )  # fmt: skip

    with ExitStack() as stack:
        for kernel in (
            "float64 by default",
            "gradients off",
            "anomaly mode",
            "deterministic",
            "numpy that raises",
        ):
            stack.enter_context(KERNELS[kernel]())
        before = found()
        with suppress(ZeroDivisionError), usual_surroundings():
            torch.rand(3), np.random.rand(3), random.random()
            torch.set_default_dtype(torch.float16)
            torch.set_grad_enabled(False)
            raise ZeroDivisionError
        assert found() == before


def test_where_all_warnings_are_ignored_a_rule_that_raises_some_brings_none_back():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("error", BytesWarning)  # as IPython has one, in every notebook
        warnings.simplefilter("ignore")
        with usual_surroundings():
            warnings.warn("of a change that was only tried", stacklevel=1)
    assert not seen
