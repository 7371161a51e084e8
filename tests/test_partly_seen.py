"""A network that a rule for ReLUs sees in part: what comes to a ReLU is one, and what does not is counted."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from labkit.errors import LabError
from labkit.methods import ascent, gradients
from labkit.models import Classifier
from labkit.relus import past_closed_relus, relu_rule

IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    def __init__(self, first, second):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.head = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 8, 3), nn.Linear(8, 5)
        self.first, self.second = first, second

    def forward(self, x):
        return self.head(self.second(4 * self.b(self.first(4 * self.a(x)))).mean((2, 3)))


def classifier(first, second=None):
    net = Net(first, first if second is None else second)
    return Classifier(net, name="tiny", categories=list("abcde"), input_size=16)


def set_by_mask(x):
    x[x < 0] = 0
    return x


RELUS = {
    "x.clamp(min=0)": lambda x: x.clamp(min=0),
    "x.clamp_(0)": lambda x: x.clamp_(0),
    "x.clamp(min=a tensor)": lambda x: x.clamp(min=torch.zeros(())),
    "torch.clip": lambda x: torch.clip(x, min=0.0),
    "torch.clamp_min": lambda x: torch.clamp_min(x, 0),
    "torch.maximum": lambda x: torch.maximum(x, torch.tensor(0.0)),
    "torch.maximum, zeros first": lambda x: torch.maximum(torch.zeros_like(x), x),
    "torch.max": lambda x: torch.max(x, other=torch.zeros(1)),
    "torch.fmax": lambda x: torch.fmax(x, torch.zeros(1, 1)),
    "torch.where": lambda x: torch.where(x > 0, x, 0),
    "torch.where, the other way": lambda x: torch.where(x <= 0, torch.zeros_like(x), x),
    "x.where": lambda x: x.where(x > 0, 0),
    "x * (x > 0)": lambda x: x * (x > 0),
    "(x > 0).float() * x": lambda x: (x > 0).float() * x,
    "x.mul_(x > 0)": lambda x: x.mul_(x > 0),
    "x * (x >= 0).to(x)": lambda x: x * (x >= 0).to(x),
    "x.masked_fill": lambda x: x.masked_fill(x < 0, 0),
    "x.masked_fill_": lambda x: x.masked_fill_(x < 0, 0.0),
    "x[x < 0] = 0": set_by_mask,
    "torch.ops": torch.ops.aten.relu,
}
RELU6S = {
    "x.clamp(0, 6)": lambda x: x.clamp(0, 6),
    "torch.clamp_": lambda x: torch.clamp_(x, min=0, max=6.0),
    "torch.clip": lambda x: torch.clip(x, 0, 6),
}


@pytest.mark.parametrize("rule", [gradients.guided_backprop, gradients.deconvnet])
@pytest.mark.parametrize("name", [*RELUS, *RELU6S])
def test_what_comes_to_a_relu_goes_by_the_rule(name, rule):
    relu, module = (RELUS | RELU6S)[name], nn.ReLU() if name in RELUS else nn.ReLU6()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = rule(classifier(module), IMAGES, 2)
        assert torch.equal(rule(classifier(relu), IMAGES, 2), expected)
        assert torch.equal(rule(classifier(F.relu if name in RELUS else F.relu6, relu), IMAGES, 2), expected)


@pytest.mark.parametrize("name", RELUS)
def test_outputs_stay_as_they_are_and_each_call_is_counted_once(name):
    model = classifier(RELUS[name])
    expected = model(IMAGES)
    with relu_rule("guided") as relus:
        assert torch.equal(model(IMAGES), expected)
    assert (relus.count, relus.others) == (2, {})


@pytest.mark.parametrize("name", RELUS)
def test_a_climb_gets_past_it_where_it_is_closed(name):
    def look(model):
        leaf = IMAGES.clone().requires_grad_()
        score = model(leaf)[:, 2]
        return torch.autograd.grad(score.sum(), leaf)[0], score.detach()

    found = []
    for relu in (nn.ReLU(), RELUS[name]):
        model = classifier(relu)
        model.net.b.bias.data[:] = -20
        found.append(past_closed_relus(lambda model=model: look(model), torch.tensor(True)))
    (expected, _, closed), (got, _, is_closed) = found
    assert closed.tolist() == is_closed.tolist() == [True, True]
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize(
    "other",
    [
        lambda x: x * (x > 0.1),  # another mask
        lambda x: torch.where(x > 0, x, 0.1 * x),
        lambda x: x * (2 * x > 0),  # of another tensor
        lambda x: x * x.clone().add_(1).gt(0),
        lambda x: x.masked_fill(x > 0, 0),
        lambda x: torch.where(x > 0, 0, x),
        lambda x: x * (x > 0).double(),  # comes out as float64
    ],
)
def test_what_only_looks_like_one_is_none(other):
    x = torch.linspace(-2, 2, 9, requires_grad=True)
    (expected,) = torch.autograd.grad(other(1 * x).sum(), x)
    with relu_rule("guided") as relus:
        (got,) = torch.autograd.grad(other(1 * x).sum(), x)
    assert torch.equal(got, expected)
    assert relus.count == 0


def test_a_mask_of_what_has_changed_since_is_none():
    x = torch.linspace(-2, 2, 9)
    with relu_rule("guided") as relus:
        mask = x > 0
        x.neg_()
        assert (x * mask).min() < 0
    assert relus.count == 0


class OwnRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (ctx.saved_tensors[0] > 0)


@torch.jit.script
def scripted_function(x: torch.Tensor) -> torch.Tensor:
    return torch.relu(x)


def scripted(module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.jit.script(module)


def traced(module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.jit.trace(module, IMAGES)


OTHERS = {
    "leaky_relu": nn.LeakyReLU(),
    "gelu": F.gelu,
    "silu": nn.SiLU(inplace=True),
    "prelu": nn.PReLU(),
    "elu": F.elu_,
    "sigmoid": torch.sigmoid,
    "tanh": lambda x: x.tanh(),
    "hardtanh": nn.Hardtanh(),
    "clamp": lambda x: x.clamp(min=0.1),
    "maximum": lambda x: torch.maximum(x, 0.1 * x),
    "autograd function OwnRelu": OwnRelu.apply,
    "relu out of sight": scripted_function,
    "relu in TorchScript": scripted(nn.ReLU()),
    "relu6 in TorchScript": traced(nn.ReLU6()),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_a_rule_does_not_reach_is_counted_by_its_kind(kind):
    kinds = {"hardtanh in TorchScript" if kind.startswith("relu6") else kind, kind}
    with relu_rule("guided") as relus:
        gradients.input_gradient(lambda x: classifier(nn.ReLU(), OTHERS[kind])(x)[:, 0], IMAGES)
    assert relus.count == 1
    assert list(relus.others.values()) == [1]
    assert set(relus.others) <= kinds
    with pytest.warns(UserWarning, match=rf"for ReLUs, of which it saw 1; .*: 1 ({'|'.join(kinds)})"):
        gradients.guided_backprop(classifier(nn.ReLU(), OTHERS[kind]), IMAGES, 2)


@pytest.mark.parametrize("kind", OTHERS)
def test_where_nothing_is_reached_a_rule_is_refused(kind):
    with pytest.raises(
        LabError, match=r"expected ReLUs for the guided rule, saw none in this network, only 2 .*; try "
    ):
        gradients.guided_backprop(classifier(OTHERS[kind]), IMAGES, 2)


@pytest.mark.parametrize("compiled", [scripted, traced])
def test_a_network_that_is_torchscript_as_a_whole_is_refused_by_the_rule_itself(compiled):
    network = compiled(Net(nn.ReLU(), nn.ReLU()).eval())
    with (
        pytest.raises(LabError, match=r"only 2 relu in TorchScript; .*before torch\.jit"),
        relu_rule("guided"),
    ):
        network(IMAGES)


def test_torchscript_can_be_looked_into_where_no_rule_is_asked_for():
    model, plain = classifier(scripted(nn.ReLU())), classifier(nn.ReLU())
    assert torch.equal(gradients.saliency(model, IMAGES, 1), gradients.saliency(plain, IMAGES, 1))
    whole = Classifier(scripted(plain.net), name="script", categories=list("abcde"), input_size=16)
    torch.testing.assert_close(gradients.saliency(whole, IMAGES, 1), gradients.saliency(plain, IMAGES, 1))
    for model in (whole, plain):
        assert ascent.maximize(ascent.logit(model, 1), size=16, steps=2).shape == (1, 3, 16, 16)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_what_torch_compile_makes_goes_by_the_rule(backend):
    torch._dynamo.reset()
    expected = gradients.guided_backprop(classifier(nn.ReLU()), IMAGES, 2)
    model = classifier(nn.ReLU())
    model.net = torch.compile(model.net, backend=backend)
    torch.testing.assert_close(gradients.guided_backprop(model, IMAGES, 2), expected)
