import weakref

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from labkit.relus import past_closed_relus, relu_rule
from labkit.relus.closed import Opening

RELUS = {
    "nn.ReLU": nn.ReLU(),
    "nn.ReLU in place": nn.ReLU(inplace=True),
    "F.relu": F.relu,
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "Tensor.relu": lambda x: x.relu(),
    "F.threshold": lambda x: F.threshold(x, 0, 0),
}
RELU6S = {
    "nn.ReLU6": nn.ReLU6(),
    "nn.ReLU6 in place": nn.ReLU6(inplace=True),
    "F.hardtanh": lambda x: F.hardtanh(x, 0, 6),
}


class Calls(nn.Module):
    """Two convolutions and a head; the second ReLU is closed everywhere once `second` has a bias of -20."""

    def __init__(self, relu, bias=None):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.head = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 8, 3, stride=2), nn.Linear(8, 1)
        self.relu = relu
        if bias is not None:
            self.second.bias.data[:] = bias

    def forward(self, x):
        x = self.relu(4 * self.first(x))
        return self.head(self.relu(4 * self.second(x)).mean(dim=(2, 3)))[:, 0]


@pytest.fixture
def images():
    return torch.rand(2, 3, 13, 11, generator=torch.Generator().manual_seed(1))


def looking(objective, images):
    """A look at an objective: gradient and scores."""

    def look():
        leaf = images.clone().requires_grad_()
        scores = objective(leaf)
        return torch.autograd.grad(scores.sum(), leaf)[0], scores.detach()

    return look


UNKNOWN = torch.tensor(True)


@pytest.mark.parametrize("name", [*RELUS, *RELU6S])
def test_a_blocked_gradient_becomes_what_would_open_the_relu(name, images):
    net, top = Calls((RELUS | RELU6S)[name], bias=-20), 6.0 if name in RELU6S else torch.inf
    assert not looking(net, images)()[0].any()
    gradient, scores, closed = past_closed_relus(looking(net, images), UNKNOWN)
    assert closed.tolist() == [True, True]
    assert torch.equal(scores, net(images))
    first = 4 * net.first(images)
    up = (net.head.weight[0] / (5 * 4)).clamp(min=0).view(1, -1, 1, 1).expand(2, -1, 5, 4)
    below = 4 * nn.grad.conv2d_input(first.shape, net.second.weight, up, stride=2)
    below = below * ((first > 0) & (first < top))  # the first ReLU is open, and its gradient exact
    expected = 4 * nn.grad.conv2d_input(images.shape, net.first.weight, below)
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", RELU6S)
def test_from_its_top_a_relu6_opens_downwards_only(name, images):
    net = Calls(RELU6S[name], bias=20)
    net.head.weight.data.abs_()
    gradient, _, closed = past_closed_relus(looking(net, images), UNKNOWN)
    assert not gradient.any()
    assert not closed.any()
    gradient, _, closed = past_closed_relus(looking(lambda x: -net(x), images), UNKNOWN)
    assert gradient.flatten(1).any(dim=1).all()
    assert closed.all()


def test_only_the_image_that_is_blocked_gets_another_gradient(images):
    net = Calls(F.relu)
    bar = net(images).mean()  # one image is above it, one below
    gated = lambda x: F.relu(net(x) - bar)
    exact, scores = looking(gated, images)()
    gradient, _, closed = past_closed_relus(looking(gated, images), UNKNOWN)
    assert closed.tolist() == (scores == 0).tolist()
    assert closed.sum() == 1
    assert torch.equal(gradient[~closed], exact[~closed])
    torch.testing.assert_close(gradient, looking(net, images)()[0])


def test_a_penalty_does_not_hide_that_the_network_is_blocked(images):
    net = Calls(F.relu, bias=-20)
    penalty = lambda x: -0.1 * x.square().sum(dim=(1, 2, 3))
    alone, _, _ = past_closed_relus(looking(net, images), UNKNOWN)
    both, _, closed = past_closed_relus(looking(lambda x: net(x) + penalty(x), images), UNKNOWN)
    assert closed.all()
    torch.testing.assert_close(both, alone - 0.2 * images)
    once_open = torch.tensor([True, False])
    both, _, closed = past_closed_relus(looking(lambda x: net(x) + penalty(x), images), once_open)
    assert closed.tolist() == [True, False]
    torch.testing.assert_close(both, torch.stack([alone[0], 0 * alone[1]]) - 0.2 * images)


def test_one_network_that_fires_is_enough(images):
    """Also where its ReLUs are not those that ran first."""
    silent, loud = Calls(F.relu, bias=-20), Calls(F.relu)
    for objective in (lambda x: silent(x) + loud(x), lambda x: loud(x) + silent(x)):
        exact, _ = looking(objective, images)()
        gradient, _, closed = past_closed_relus(looking(objective, images), UNKNOWN)
        assert torch.equal(gradient, exact)
        assert not closed.any()


def test_where_gradients_flow_one_look_is_enough_and_nothing_is_left_behind(images):
    net, leaves = Calls(F.relu), []

    def look():
        leaf = images.clone().requires_grad_()
        leaves.append(weakref.ref(leaf))
        scores = net(leaf)
        return torch.autograd.grad(scores.sum(), leaf)[0], scores.detach()

    expected, _ = look()
    gradient, _, closed = past_closed_relus(look, UNKNOWN)
    assert torch.equal(gradient, expected)
    assert not closed.any()
    assert [leaf() for leaf in leaves] == [None, None]


def test_a_network_that_looks_at_its_images_one_by_one_is_seen_through(images):
    net = Calls(F.relu)
    bar = net(images).mean()
    one_by_one = lambda x: torch.cat([F.relu(net(image[None]) - bar) for image in x])
    gradient, scores, closed = past_closed_relus(looking(one_by_one, images), UNKNOWN)
    assert closed.tolist() == (scores == 0).tolist()
    torch.testing.assert_close(gradient, looking(net, images)()[0])


def test_an_outer_rule_holds_where_gradients_flow(images):
    net = Calls(F.relu)
    with relu_rule("guided") as relus:
        expected, _ = looking(net, images)()
        gradient, _, _ = past_closed_relus(looking(net, images), UNKNOWN)
    assert relus.count == 4
    assert torch.equal(gradient, expected)


@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (2, 3, 4, 4)])
def test_the_rule_is_one_for_every_shape(shape):
    grad, no = torch.ones(shape), torch.zeros(shape, dtype=torch.bool)
    assert torch.equal(Opening()(grad, no, no), grad)
    assert not Opening()(-grad, no, no).any()
    assert torch.equal(Opening()(-grad, no, ~no), -grad)
    assert torch.equal(Opening()(-grad, ~no, no), -grad)
