"""Networks that compute parts of themselves once more on the way back answer like those that do not."""

import warnings

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential
from torchvision.models import densenet121

from labkit.errors import LabError
from labkit.hooks import recording
from labkit.methods import activations, adversarial, ascent, dream, gradients, patches, switches
from labkit.methods.neurons import three_rules
from labkit.models import Classifier
from labkit.relus import relu_rule

pytestmark = pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")

IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1])


class Net(nn.Module):
    """Three convolutions; `call` calls its last two, and `inner` the last one within that."""

    def __init__(self, call, inner):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.third = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 8, 3), nn.Conv2d(8, 8, 3)
        self.relu, self.pool, self.head = nn.ReLU(), nn.MaxPool2d(2), nn.Linear(8, 5)
        self.call, self.inner = call, inner

    def upper(self, x):
        return self.inner(lambda x: self.relu(4 * self.third(x)), self.pool(self.relu(4 * self.second(x))))

    def forward(self, x):
        x = self.pool(self.relu(4 * self.first(x)))
        return self.head(self.call(self.upper, x).mean((2, 3)))


def plain(part, x):
    return part(x)


def reentrant(part, x):
    return checkpoint(part, x, use_reentrant=True)


def other(part, x):
    return checkpoint(part, x, use_reentrant=False)


def in_segments(part, x):
    return checkpoint_sequential([part], 1, x, use_reentrant=False)


CALLS = {
    "reentrant": (reentrant, plain),
    "reentrant, nested": (reentrant, reentrant),
    "not reentrant": (other, plain),
    "not reentrant, nested": (other, other),
    "in segments": (in_segments, plain),
    "one in the other": (other, reentrant),
}


def classifier(call=plain, inner=plain):
    return Classifier(Net(call, inner), name="parts", categories=list("abcde"), input_size=32)


@pytest.mark.parametrize("rule", ["gradient", "deconvnet", "guided"])
@pytest.mark.parametrize("where", ["inside the block", "after it"])
@pytest.mark.parametrize("how", CALLS)
def test_what_is_computed_once_more_goes_by_the_rule_too_whenever_that_is(how, where, rule):
    def gradient(net):
        leaf = IMAGES.clone().requires_grad_()
        with relu_rule(rule) as relus:
            score = net(leaf)[:, 2].sum()
            if where == "inside the block":
                score.backward()
        if where == "after it":
            score.backward()
        return leaf.grad, relus.count, relus.others

    expected, count, _ = gradient(Net(plain, plain))
    got, counted, others = gradient(Net(*CALLS[how]))
    assert torch.equal(got, expected)
    assert (counted, others) == (count, {}) == (3, {})


def test_of_nested_rules_the_inner_one_holds_for_what_is_computed_once_more():
    def gradient(net):
        leaf = IMAGES.clone().requires_grad_()
        with relu_rule("deconvnet") as outer, relu_rule("guided") as inner:
            score = net(leaf)[:, 2].sum()
        score.backward()
        assert (outer.count, inner.count) == (0, 3)
        return leaf.grad

    assert torch.equal(gradient(Net(other, other)), gradient(Net(plain, plain)))
    assert torch.equal(gradient(Net(reentrant, reentrant)), gradient(Net(plain, plain)))


def by_other_switches(model):
    with switches.unpooling(switches.switches(model, IMAGES.flip(0))):
        return gradients.deconvnet(model, IMAGES, 2)


GRADIENTS = {
    "saliency": lambda model: gradients.saliency(model, IMAGES, LABELS),
    "guided backprop": lambda model: gradients.guided_backprop(model, IMAGES, LABELS),
    "deconvnet": lambda model: gradients.deconvnet(model, IMAGES, LABELS),
    "by other switches": by_other_switches,
    "a neuron under three rules": lambda model: torch.cat(
        [*three_rules(model, IMAGES[:1], "third", channel=1, row=2, column=2).values()]
    ),
    "a channel's gradient": lambda model: gradients.input_gradient(ascent.channel(model, "third", 1), IMAGES),
    "a logit's ascent": lambda model: ascent.maximize(ascent.logit(model, 1), size=32, steps=3),
    "a channel's ascent": lambda model: ascent.maximize(ascent.channel(model, "third", 1), size=32, steps=3),
    "deep dream": lambda model: dream.deep_dream(model, IMAGES[:1], "third", octaves=1, steps=2),
    "fgsm": lambda model: adversarial.fgsm(model, IMAGES, LABELS, epsilon=0.1),
    "fool": lambda model: adversarial.fool(model, IMAGES[:1], "b", steps=2).image,
}
FORWARD = {
    "the network itself": lambda model: model(IMAGES),
    "record": lambda model: activations.record(model, IMAGES, "third"),
    "top patches": lambda model: patches.top_patches(model, IMAGES, "third", [0, 1], k=1).values,
}


@pytest.mark.parametrize("method", GRADIENTS | FORWARD)
@pytest.mark.parametrize("how", ["not reentrant", "not reentrant, nested", "in segments"])
def test_every_method_gives_what_it_gives_without_checkpointing(how, method):
    asked = (GRADIENTS | FORWARD)[method]
    assert torch.equal(asked(classifier(*CALLS[how])), asked(classifier()))


@pytest.mark.parametrize("method", GRADIENTS)
@pytest.mark.parametrize("how", ["reentrant", "reentrant, nested", "one in the other"])
def test_parts_that_give_no_gradient_for_images_are_a_sentence(how, method):
    with pytest.raises(LabError, match="use_reentrant"):
        GRADIENTS[method](classifier(*CALLS[how]))


@pytest.mark.parametrize("method", FORWARD)
@pytest.mark.parametrize("how", CALLS)
def test_where_no_gradient_is_asked_for_every_part_runs(how, method):
    assert torch.equal(FORWARD[method](classifier(*CALLS[how])), FORWARD[method](classifier()))


@pytest.mark.parametrize("how", CALLS)
def test_a_recording_is_of_the_forward_pass_and_not_of_what_is_computed_once_more(how):
    net, leaf = Net(*CALLS[how]), IMAGES.clone().requires_grad_()
    with recording(net, "third") as seen:
        score = net(leaf).sum()
        recorded = seen["third"]
        score.backward()
        assert seen["third"] is recorded


def test_memory_efficient_densenet_is_densenet():
    nets = []
    for efficient in (False, True):
        torch.manual_seed(0)
        net = densenet121(memory_efficient=efficient)
        nets.append(Classifier(net, name="densenet121", categories=[str(i) for i in range(1000)]))
    image = IMAGES[:1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method in (gradients.saliency, gradients.guided_backprop, gradients.deconvnet):
            expected, got = (method(model, image, 3) for model in nets)
            torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())
