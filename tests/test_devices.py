"""Every method on another device gives what it gives on the CPU: on a GPU where there is one, and on one in pretence.

Tolerances: 1e-3 of each number and 1e-4; a GPU rounds otherwise.
"""

import copy
import os
import re
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace

import pretended
import pytest
import torch
from explorer_calls import COMPUTED
from pretended import PRETENDING
from public_calls import CALLS, IMAGES, LABELS, MODEL, NEEDY, NETWORK, VECTORS, rand
from test_odd_kernels import MORE, values
from torch.utils import backend_registration

from labkit.methods import adversarial, ascent, dream, patches, probe, sanity
from labkit.objectives import Objective

TWO = torch.arange(6) % 2
OF_THEIR_OWN = {  # as in public_calls, where the functions that are called hold tensors of the CPU
    "probe.logits": (
        lambda features, labels: probe.train(features, labels, steps=2).logits(features),
        {"features": VECTORS, "labels": TWO},
    ),
    "probe.accuracy": (
        lambda features, labels: probe.train(features, labels, steps=2).accuracy(features, labels),
        {"features": VECTORS, "labels": TWO},
    ),
    "patches.answers_alone": (
        lambda model, images: patches.answers_alone(
            model,
            "1",
            patches.top_patches(model, images, "1", [0, 2], k=2),
            image_size=(32, 28),
            batch_size=2,
        ),
        NETWORK,
    ),
    "patches.ranked": (
        lambda model, images, ranks: vars(
            patches.ranked(patches.top_patches(model, images, "1", [0, 2], k=2), ranks)
        ),
        NETWORK | {"ranks": torch.tensor([[1, 0], [0, 1]])},
    ),
    "sanity.shuffle_weights": (
        lambda model, images: sanity.shuffle_weights(model, ["0", "4"], seed=0)(images),
        NETWORK,
    ),
    "ascent.clip_contribution": (
        lambda images, gradient: ascent.clip_contribution(30.0)(images, gradient, 4),
        {"images": IMAGES, "gradient": rand(*IMAGES.shape, seed=2) - 0.5},
    ),
}
PLAIN_TENSORS = {"robustness.foolbox_pgd"}


def is_on_a_device(given):
    tensors = any(isinstance(value, torch.Tensor | torch.nn.Module) for value in given.values())
    return tensors or "objective" in given


CALLED = {
    name: call for name, call in (CALLS | MORE | COMPUTED | OF_THEIR_OWN).items() if is_on_a_device(call[1])
}
if PRETENDING:
    PLACE, ON_IT = torch.device(pretended.NAME, 0), pretended.OnTwoDevices
else:
    PLACE, ON_IT = torch.device("cuda", 0), nullcontext


@pytest.fixture(scope="module")
def expected():
    """What each call gives on the CPU, before anything is moved."""
    return {name: function(**given) for name, (function, given) in CALLED.items()}


@pytest.fixture(scope="module")
def device(expected):
    """A device, with the networks of the calls on it."""
    if not PRETENDING and not torch.cuda.is_available():
        pytest.skip("no GPU that PyTorch can use")
    with ON_IT():
        for model in (MODEL, NEEDY):
            model.to(PLACE)
        yield PLACE
        for model in (MODEL, NEEDY):
            model.to("cpu")


def moved(value, device):
    """An argument on a device; a network of the calls is there already."""
    if isinstance(value, torch.nn.Module):
        return value if value in (MODEL, NEEDY) else copy.deepcopy(value).to(device)
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, Objective):
        return replace(value, device=device)  # its network is moved in place
    if isinstance(value, dict):
        return {name: moved(part, device) for name, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(moved(part, device) for part in value)
    return value


def expect_alike(answer, expected):
    got, wanted = values(answer), values(expected)
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        if isinstance(other, torch.Tensor):
            assert one.dtype == other.dtype
            torch.testing.assert_close(one.cpu(), other, rtol=1e-3, atol=1e-4, equal_nan=True)
        elif isinstance(other, float):
            assert one == pytest.approx(other, rel=1e-3, abs=1e-4, nan_ok=True)


@pytest.mark.gpu
@pytest.mark.parametrize("name", CALLED)
def test_a_method_gives_the_same_on_another_device(name, device, expected):
    if PRETENDING and name in PLAIN_TENSORS:
        pytest.skip("foolbox takes plain tensors only")
    function, given = CALLED[name]
    answer = function(**{key: moved(value, device) for key, value in given.items()})
    expect_alike(answer, expected[name])


LOOPS = {
    "pgd": lambda photos, steps: adversarial.pgd(
        MODEL, photos, LABELS.to(PLACE), epsilon=0.1, steps=steps, step_size=0.01
    ),
    "maximize": lambda photos, steps: ascent.maximize(ascent.logit(MODEL, 1), size=16, steps=steps, seed=0),
    "deep dream": lambda photos, steps: dream.deep_dream(
        MODEL, photos.repeat(1, 1, 2, 2)[:1], "1", octaves=1, steps=steps
    ),
}  # fmt: skip


@pytest.mark.gpu
@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_copies_no_image_from_device_to_device_in_its_steps(name, device):
    """What is drawn by chance is a few numbers, and drawn on the CPU, so that it is the same on every device."""
    if not PRETENDING:
        pytest.skip("copies are counted on the pretended device")
    counts = []
    for steps in (2, 12):
        photos = IMAGES.to(device)
        pretended.moves.clear()
        LOOPS[name](photos, steps)
        counts.append(pretended.moves["numbers"])
    assert (counts[1] - counts[0]) / 10 < 32


@pytest.mark.skipif(PRETENDING, reason="this is that process")
def test_all_of_this_holds_on_a_pretended_device():
    """In a process of its own: PyTorch forgets no device, and takes no new one once something was differentiated."""
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip(f"PyTorch {torch.__version__} has no devices made in Python")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    environment = os.environ | {"LABKIT_PRETENDED_DEVICE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 140
