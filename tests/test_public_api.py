"""Every function of the lab that takes tensors, networks and numbers: a right result, or a LabError, nothing else."""

import math
import re
import signal
import warnings
from contextlib import contextmanager
from dataclasses import fields, is_dataclass

import pytest
import torch
from explorer_calls import COMPUTED, PICTURES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from public_calls import CALLS, FIGURES, IMAGES, MODEL, NEEDY, rand
from spoilt import OTHER, SAME, ways
from torch import nn
from torch.utils._pytree import tree_leaves

from labkit.errors import LabError
from labkit.methods import activations, adversarial, neighbors
from labkit.models import Classifier
from labkit.receptive import receptive_field

MAY_BE_INFINITE = {  # as their docstrings say
    "sanity.rank_correlation",  # NaN where a map is flat
    "neighbors.smallest",  # what is left out counts as infinite
}
EXPLORERS = COMPUTED | PICTURES
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool)


@contextmanager
def within(seconds):
    """An endless loop is a failure too, where the system has alarms."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_):
        raise TimeoutError(f"expected an answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def tensors(result):
    """All tensors in a result, whatever holds them."""
    if is_dataclass(result):
        result = {field.name: getattr(result, field.name) for field in fields(result)}
    return [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]


def is_finite(value):
    if isinstance(value, torch.Tensor):
        return value.is_meta or not value.is_floating_point() or bool(value.to_dense().isfinite().all())
    return not isinstance(value, float) or math.isfinite(value)


def outcome(name, function, arguments):
    """The tensors of a right result, or None for a LabError in one or two sentences; all else is raised."""
    with warnings.catch_warnings(), within(20):
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*scipy.ndimage.*")  # foolbox's own
        try:
            found = tensors(function(**arguments))
        except LabError as error:
            assert_short(str(error))
            return None
    if name not in MAY_BE_INFINITE and all(is_finite(value) for value in arguments.values()):
        assert all(is_finite(tensor) for tensor in found)
    return found


def assert_short(message):
    sentences = re.findall(r"[.!?](?=\s+[A-Z]|$)", message.rstrip(".") + ".")
    assert len(sentences) <= 2, message
    assert "\n" not in message, message
    assert len(message) < 500, message


def is_too_long(argument, way):
    """A hundred steps are right, and only slow."""
    return argument in ("steps", "octaves", "rounds", "draws") and way == "large"


@pytest.mark.parametrize("name", [*CALLS, *FIGURES, *EXPLORERS])
def test_one_argument_that_is_not_as_it_should_be(name):
    function, right = {**CALLS, **FIGURES, **EXPLORERS}[name]
    expected = outcome(name, function, right)
    assert expected is not None
    for argument, value in right.items():
        for way, other in ways(value).items():
            if is_too_long(argument, way):
                continue
            try:
                found = outcome(name, function, {**right, argument: other})
                if way in SAME:
                    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
            except Exception as error:
                error.add_note(f"{name}({argument}={way})")
                raise


@pytest.mark.parametrize("kind", ["numpy", "list", "none", "number", "word", "meta", "sparse", "complex64"])
def test_what_is_no_tensor_of_numbers_is_never_computed_with(kind):
    optional = {"neighbors.nearest", "neighbors.smallest", "ascent.maximize", "ascent.maximize in pixels"}
    several = {"gradients.saliency", "ascent.rescore"}  # targets may come as a list, or as one number
    for name, (function, right) in CALLS.items():
        for argument, value in right.items():
            if not isinstance(value, torch.Tensor) or name in several:
                continue
            if kind == "none" and (name in optional or argument == "guide"):
                continue
            assert outcome(name, function, {**right, argument: OTHER[kind](value)}) is None, (name, argument)


@pytest.mark.parametrize("number", [2.5, True, "3", float("nan"), float("inf"), [1], torch.arange(3)])
def test_what_is_no_whole_number_is_never_counted_with(number):
    several = {"objectives.channel", "objectives.neuron", "neurons.three_rules"}  # one for each image
    for name, (function, right) in CALLS.items():
        for argument, value in right.items():
            is_count = isinstance(value, int) and not isinstance(value, bool)
            if is_count and not (name in several and isinstance(number, list | torch.Tensor)):
                assert outcome(name, function, {**right, argument: number}) is None, (name, argument)


def some_tensor(draw):
    shape = draw(st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 8, 33]), max_size=5))
    while math.prod(shape) > 20_000:
        shape.pop()
    low, high = draw(st.sampled_from([(0, 1), (0, 1), (-3, 3), (0, 255)]))
    values = low + (high - low) * rand(*shape, seed=draw(st.integers(0, 3))) if shape else torch.tensor(0.5)
    return values.to(draw(st.sampled_from(DTYPES)))


@st.composite
def spoilt_arguments(draw, right):
    """One to three arguments at once, each spoilt in one of the known ways, or another tensor altogether."""
    changed = draw(st.lists(st.sampled_from(sorted(right)), min_size=1, max_size=3, unique=True))
    given = dict(right)
    for argument in changed:
        if isinstance(right[argument], torch.Tensor) and draw(st.booleans()):
            given[argument] = some_tensor(draw)
        elif known := [way for way in ways(right[argument]) if not is_too_long(argument, way)]:
            given[argument] = ways(right[argument])[draw(st.sampled_from(known))]
    return given


@pytest.mark.parametrize("name", CALLS)
def test_several_arguments_at_once(name):
    function, right = CALLS[name]
    if not any(ways(value) for value in right.values()):
        pytest.skip("nothing in it can be spoilt")

    @settings(
        max_examples=14, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(spoilt_arguments(right))
    def sweep(arguments):
        outcome(name, function, arguments)

    sweep()


@pytest.mark.parametrize("side", [4, 16, 32, 48, 65, 96])
def test_a_network_that_needs_another_size_says_which(side):
    images = rand(1, 3, side, side)
    for look in (lambda: NEEDY(images), lambda: activations.record(NEEDY, images, "0"),
                 lambda: neighbors.features(NEEDY, images), lambda: NEEDY.top(images)):  # fmt: skip
        if side == 65:
            look()  # rounds down to the same head
            continue
        with pytest.raises(
            LabError, match=rf"cannot take images \(1, 3, {side}, {side}\).*; try images of 64 × 64 pixels"
        ):
            look()
    if side != 65:
        with pytest.raises(LabError, match=r"cannot take an image .*; try 64 × 64"):
            receptive_field(NEEDY.net, "0", side)


def test_alexnet_at_32_pixels_says_so():
    from torchvision.models import alexnet

    model = Classifier(alexnet(weights=None), name="alexnet", categories=[str(i) for i in range(1000)])
    with pytest.raises(
        LabError, match=r"AlexNet cannot take images \(1, 3, 32, 32\).*; try images of 224 × 224"
    ):
        model(rand(1, 3, 32, 32))
    with pytest.raises(LabError, match=r"AlexNet cannot take an image \(1, 3, 32, 32\).*; try 64 × 64"):
        receptive_field(model.net, "features.12", 32)


def test_a_bare_network_is_told_what_its_weights_are():
    with pytest.raises(LabError, match=r"cannot take images .* float64 on cpu: .*torch\.float32"):
        activations.record(MODEL.net, IMAGES.double(), "0")


class Faulty(nn.Module):
    def forward(self, images):
        return self.missing(images)


def test_a_fault_of_somebodys_own_is_shown_as_it_is():
    """A hook of a student's, a forward pass with a bug in it: their traceback is what they need."""

    def hook(_module, _inputs, output):
        return output @ torch.rand(99, 99)

    handle = MODEL.net[0].register_forward_hook(hook)
    try:
        with pytest.raises(RuntimeError, match="shape"):
            MODEL(IMAGES)
    finally:
        handle.remove()
    with pytest.raises(AttributeError, match="missing"):
        activations.rectified_layers(Faulty().eval(), IMAGES)


@pytest.mark.parametrize("steps", [float("nan"), float("inf")])
def test_an_attack_has_an_end(steps):
    with within(20), pytest.raises(LabError, match="steps as a whole number"):
        adversarial.fool(MODEL, IMAGES[:1], "b", steps=steps, confidence=1.0)
