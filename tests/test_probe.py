"""Linear probes: a step that never makes the objective larger, weights that are 0 and small, and what they cost."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from labkit.errors import LabError
from labkit.methods import probe
from labkit.show.probe import learning_curves, survivors, weight_sizes


@pytest.fixture
def groups():
    """Three groups of points in 12 dimensions, of which the first two tell them apart: features, labels."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 3
    features = torch.randn(60, 12, generator=generator)
    features[:, :2] += 4 * torch.tensor([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])[labels]
    return features, labels


def test_a_step_is_what_autograd_and_softshrink_make_of_it(groups):
    features, labels = groups
    weights = torch.randn(12, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
    loss = F.cross_entropy(features @ weights, labels) + 0.2 / 2 * weights.square().sum()
    (slope,) = torch.autograd.grad(loss, weights)
    expected = F.softshrink(weights.detach() - 0.3 * slope, 0.3 * 0.5)
    torch.testing.assert_close(probe.probe_step(weights.detach(), features, labels, 0.3, 0.5, 0.2), expected)


def test_no_step_of_a_safe_rate_makes_the_objective_larger(groups):
    features, labels = groups
    rate = 1 / (torch.linalg.matrix_norm(features, 2).item() ** 2 / (2 * len(features)) + 0.1)
    weights, values = torch.zeros(12, 3), []
    for _ in range(60):
        values.append(probe.objective(weights, features, labels, l1=0.02, l2=0.1).item())
        weights = probe.probe_step(weights, features, labels, rate, 0.02, 0.1)
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(values))
    assert values[-1] < 0.7 * values[0]


def test_training_ends_where_no_small_change_is_better(groups):
    features, labels = groups
    found = probe.train(features, labels, l1=0.02, l2=0.1, steps=1000)
    inputs = (features - found.middle) / found.scale

    def value(weights):
        return probe.objective(weights.double(), inputs.double(), labels, l1=0.02, l2=0.1).item()

    least, generator = value(found.weights), torch.Generator().manual_seed(2)
    for size in (1e-3, 1e-2, 0.1):
        for _ in range(20):
            assert value(found.weights + size * torch.randn(12, 3, generator=generator)) > least


def test_l1_keeps_the_features_that_tell_the_groups_apart_and_l2_keeps_all(groups):
    features, labels = groups
    few, small = probe.train(features, labels, l1=0.1), probe.train(features, labels, l2=1.0)
    assert (few.weights != 0).any(dim=1).nonzero().flatten().tolist() == [0, 1]
    assert few.surviving() == 2
    assert small.surviving() == 12
    assert small.weights.norm() < probe.train(features, labels, l2=0.01).weights.norm()
    assert few.accuracy(features, labels) == small.accuracy(features, labels) == 1


def test_the_features_scale_and_middle_change_nothing(groups):
    features, labels = groups
    found, moved = probe.train(features, labels, l2=0.1), probe.train(100 * features + 7, labels, l2=0.1)
    torch.testing.assert_close(found.weights, moved.weights, atol=1e-3, rtol=1e-3)


def test_training_leaves_what_it_was_given(groups):
    features, labels = (part.clone() for part in groups)
    probe.train(features, labels, l1=0.1, steps=5)
    assert torch.equal(features, groups[0])
    assert torch.equal(labels, groups[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": torch.arange(59)}, "a label for each"),
        ({"labels": torch.zeros(60)}, "labels as .*whole numbers, got .*float32"),
        ({"labels": torch.full((60,), -1)}, "0 or more"),
        ({"l1": -1.0}, "l1 as a number of 0 or more"),
        ({"steps": 0}, "steps as a whole number of 1 or more"),
    ],
)
def test_what_cannot_be_trained_is_said(groups, change, words):
    options = {"features": groups[0], "labels": groups[1]} | change
    with pytest.raises(LabError, match=words):
        probe.train(options.pop("features"), options.pop("labels"), **options)


def test_a_network_from_scratch_learns_what_it_is_shown_and_the_same_each_time():
    labels = torch.arange(12) % 3
    images = torch.rand(12, 3, 40, 40, generator=torch.Generator().manual_seed(0)) * 0.2
    images[torch.arange(12), labels] += 0.7  # red, green and blue ones
    before = torch.random.get_rng_state()
    net = probe.from_scratch(images, labels, steps=40)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert probe.network_accuracy(net, images, labels) == 1
    assert probe.network_accuracy(net, images, (labels + 1) % 3) == 0
    assert torch.equal(probe.from_scratch(images, labels, steps=40)(images), net(images))
    assert net(images[:1, :, :24, :20]).shape == (1, 3)


def test_the_figures_say_their_numbers(groups):
    features, labels = groups
    few = probe.train(features, labels, l1=0.1)
    curves = learning_curves({"probe": [0.5, 0.875]}, (1, 4), chance=0.1, title="t", caption="60 points.")
    assert curves.caption == (
        "60 points. Named right with 1 view per photo: probe 0.50; with 4: probe 0.88; guessing 0.10."
    )
    left = survivors({"all": [few, probe.train(features, labels)]}, (0.1, 0.0), features, labels, title="t")
    assert "all: 0.1 leaves 2 and gets 1.00, 0 leaves 12 and gets 1.00" in left.caption
    sizes = weight_sizes({"L1": few}, title="t")
    assert f"L1: 2 of 12 are not 0, the largest is {few.weights.norm(dim=1).max():.2f}" in sizes.caption
