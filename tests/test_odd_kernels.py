"""What a student sets for the whole kernel changes nothing that the lab's functions give, and stays as it was set."""

import os
import random
import tempfile
import warnings
from contextlib import ExitStack, chdir, contextmanager

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from explorer_calls import COMPUTED, EXPLORERS, PICTURES, explored
from matplotlib import rc_context
from public_calls import CALLS, FIGURES, IMAGES, MODEL, PHOTO, rand

from labkit import images, models
from labkit.kernel import in_usual_numbers, usual_numbers
from labkit.methods import ascent, dream, yolo

ANCHORS = torch.tensor([[0.2, 0.4], [0.4, 0.2]])
BOXES, LABELS = torch.tensor([[0.1, 0.1, 0.4, 0.6], [0.5, 0.4, 0.9, 0.8]]), torch.tensor([1, 2])
OUTPUT = yolo.encode(BOXES, LABELS, ANCHORS, classes=3)
START = rand(1, 3, 48, 40)
MORE = {
    "yolo.base_boxes": (yolo.base_boxes, {"anchors": ANCHORS}),
    "yolo.boxes_of": (yolo.boxes_of, {"offsets": rand(3, 3, 2, 4), "anchors": ANCHORS}),
    "yolo.decode": (yolo.decode, {"output": OUTPUT, "anchors": ANCHORS, "classes": 3}),
    "yolo.encode": (yolo.encode, {"boxes": BOXES, "labels": LABELS, "anchors": ANCHORS, "classes": 3}),
    "yolo.iou": (yolo.iou, {"first": BOXES, "second": BOXES.flip(0)}),
    "a robust ascent": (ascent.maximize, {"objective": ascent.channel(MODEL, "4", 1), "size": 24, "steps": 2}),
    "dreaming": (
        lambda **given: [frame.images for frame in dream.dreaming(**given)],
        {"objective": dream.activation_norm(MODEL, "1"), "image": START, "octaves": 1, "steps": 2},
    ),
    "models.load": (lambda **given: models.load("squeezenet", **given)(IMAGES[:, :, :28]), {"seed": 3}),
    "models.load, untrained": (
        lambda **given: models.load("efficientnet_lite0", **given)(PHOTO),
        {"weights": None},
    ),
}  # fmt: skip
OWN = {"ascent.clip_contribution", "probe.logits", "probe.accuracy"}  # make tensors of their own in the call
METHODS = {name: call for name, call in (CALLS | MORE | COMPUTED).items() if name not in OWN}
DRAWN = FIGURES | PICTURES
NETWORKS = {  # a network that is run by whoever has autocast on, and gets what autocast gives
    "the network", "a needy network", "models.logits_of", "hooks.recording", "probe.from_scratch",
    "sanity.shuffle_weights", "models.load", "models.load, untrained",
}  # fmt: skip


@contextmanager
def setting(usual, do, *arguments):
    do(*arguments)
    try:
        yield
    finally:
        do(usual)


@contextmanager
def elsewhere():
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        yield


@contextmanager
def gone():
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        os.rmdir(folder)
        yield
        os.mkdir(folder)


KERNELS = {
    "float64 by default": lambda: setting(torch.float32, torch.set_default_dtype, torch.float64),
    "bfloat16 by default": lambda: setting(torch.float32, torch.set_default_dtype, torch.bfloat16),
    "another device by default": lambda: torch.device("meta"),
    "another device, set": lambda: setting(None, torch.set_default_device, "meta"),
    "gradients off": lambda: torch.set_grad_enabled(False),
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "four threads": lambda: setting(torch.get_num_threads(), torch.set_num_threads, 4),
    "deterministic": lambda: setting(False, torch.use_deterministic_algorithms, True),
    "anomaly mode": lambda: torch.autograd.set_detect_anomaly(True),
    "no denormals": lambda: setting(False, torch.set_flush_denormal, True),
    "numpy that raises": lambda: np.errstate(all="raise"),
    "warnings as errors": lambda: warnings.catch_warnings(action="error"),
    "another folder": elsewhere,
    "a folder that is gone": gone,
}
LOOKS = {
    "usetex": lambda: rc_context({"text.usetex": True}),
    "a dark style": lambda: plt.style.context("dark_background"),
    "xkcd": plt.xkcd,
    "large and bold": lambda: rc_context({"font.size": 30, "axes.grid": True, "image.cmap": "hot", "figure.dpi": 40}),
    "not interactive": plt.ioff,
}  # fmt: skip
ODD_FOR_FIGURES = (  # what hides none of the others comes at once: a figure takes a part of a second to draw
    ("float64 by default", "another device by default", "autocast", "numpy that raises", "a folder that is gone"),
    ("inference mode", "warnings as errors", "deterministic"),
)  # fmt: skip
ODD_LOOKS = (("usetex", "a dark style", "large and bold", "not interactive"), ("xkcd",))


def found():
    return (
        torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled(), torch.get_num_threads(),
        torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu"), torch.is_anomaly_enabled(),
        torch.are_deterministic_algorithms_enabled(), torch.get_rng_state().numpy().tobytes(),
        np.random.get_state()[1].tobytes(), random.getstate(), np.geterr(), list(warnings.filters), dict(plt.rcParams),
        plt.get_fignums(),
    )  # fmt: skip


def values(answer):
    """All numbers of an answer, one after the other."""
    if isinstance(answer, torch.Tensor):
        return [answer.detach()]
    if hasattr(answer, "pixels"):
        return [torch.from_numpy(answer.pixels().copy())]
    if isinstance(answer, dict):
        answer = list(answer.values())
    parts = answer if isinstance(answer, list | tuple) else ()
    return [value for part in parts for value in values(part)] or [answer]


def expect_same(answer, expected, *, rounds=False):
    got, wanted = values(answer), values(expected)
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        if isinstance(one, torch.Tensor):
            assert (one.dtype, one.device) == (other.dtype, other.device)
            tolerance = {"rtol": 1e-3, "atol": 1e-3} if rounds else {"rtol": 0, "atol": 0}
            torch.testing.assert_close(one, other, equal_nan=True, **tolerance)
        elif isinstance(one, float | int | str):
            assert one == other or rounds


@contextmanager
def told(*kernels):
    try:
        yield
    except Exception as error:
        error.add_note(f"in a kernel with {', '.join(kernels)}")
        raise


@contextmanager
def at_once(*kernels):
    with ExitStack() as all_of_them:
        for kernel in kernels:
            all_of_them.enter_context((KERNELS | LOOKS)[kernel]())
        yield


@pytest.mark.parametrize("name", METHODS)
def test_a_method_gives_the_same_in_odd_kernels_and_leaves_them_as_they_were(name):
    function, given = METHODS[name]
    expected = function(**given)
    for kernel, odd in KERNELS.items():
        if kernel == "autocast" and name in NETWORKS:
            continue
        with told(kernel):
            with odd():
                before = found()
                answer = function(**given)
                assert found() == before
            expect_same(answer, expected, rounds=kernel == "four threads")


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_looks_the_same_in_odd_kernels_and_leaves_them_as_they_were(name):
    function, given = DRAWN[name]
    expected = values(function(**given))
    for kernels in (*ODD_FOR_FIGURES, *ODD_LOOKS):
        with told(*kernels):
            with at_once(*kernels):
                before = found()
                shown = values(function(**given))
                assert found() == before
            expect_same(shown, expected)


@pytest.mark.parametrize("stage", EXPLORERS)
def test_an_explorer_shows_the_same_in_odd_kernels_and_leaves_them_as_they_were(stage):
    make, moves = EXPLORERS[stage]
    expected = values(explored(make, **moves))
    for kernels in (("gradients off",), *ODD_FOR_FIGURES):
        with told(*kernels):
            with at_once(*kernels):
                before = found()
                shown = values(explored(make, **moves))
                assert found() == before
            expect_same(shown, expected)


@pytest.mark.parametrize("kernel", ["float64 by default", "another device, set", "inference mode"])
def test_photos_that_are_read_in_an_odd_kernel_are_kept_as_in_a_usual_one(kernel):
    images.bank._bank.cache_clear()
    with KERNELS[kernel]():
        expect_same(vars(images.photos(size=8)), vars(images.photos(size=8)))
    kept = images.photos(size=8)
    assert (kept.images.dtype, kept.labels.dtype, kept.labels.device.type) == (
        torch.float32,
        torch.int64,
        "cpu",
    )
    assert not kept.images.is_inference()


def test_what_is_made_in_inference_mode_can_be_looked_into_afterwards():
    with torch.inference_mode():
        model = models.load("squeezenet", weights=None)
    leaf = PHOTO.clone().requires_grad_()
    model(leaf).sum().backward()
    assert leaf.grad.any()


@pytest.mark.parametrize("kernel", ["float64 by default", "another device, set", "inference mode"])
def test_a_network_of_ones_own_is_wrapped_in_an_odd_kernel_as_in_a_usual_one(kernel):
    with KERNELS[kernel]():
        model = models.Classifier(MODEL.net, name="small", categories=list("abcd"), mean=(0.1,) * 3)
    assert (model.mean.dtype, model.mean.device.type) == (torch.float32, "cpu")
    assert torch.equal(model(IMAGES), MODEL(IMAGES - 0.1))


def test_between_the_steps_of_a_generator_all_is_as_the_student_set_it():
    with torch.device("meta"):
        for _ in ascent.ascend(ascent.logit(MODEL, 1), size=16, steps=2):
            assert torch.ones(1).is_meta


def test_an_error_leaves_the_kernel_as_it_was():
    with KERNELS["float64 by default"](), torch.inference_mode():
        with pytest.raises(ZeroDivisionError):
            in_usual_numbers(lambda: 1 / 0)()
        assert torch.get_default_dtype() is torch.float64
        assert torch.is_inference_mode_enabled()


def test_gradients_are_off_inside_where_they_were_off_outside():
    for outer in (torch.no_grad, torch.inference_mode):
        with outer(), usual_numbers():
            assert not torch.is_grad_enabled()
    with usual_numbers():
        assert torch.is_grad_enabled()
