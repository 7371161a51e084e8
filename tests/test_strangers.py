"""Networks that nobody here made: in training mode, with view in them, with other answers than logits."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from labkit import models
from labkit.errors import LabError
from labkit.hooks import recording
from labkit.methods import activations, adversarial, ascent, dream, gradients, neighbors, patches, robustness
from labkit.models import Classifier
from labkit.modes import expect_eval
from labkit.objectives import channel, logit, neuron

IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1])


class Tutorial(nn.Module):
    """As the usual tutorials write it: batch norm, dropout, and x.view before the last layer."""

    def __init__(self, ends=lambda logits: logits):
        super().__init__()
        self.conv1, self.bn = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.drop, self.fc = nn.Dropout(), nn.Linear(16 * 8 * 8, 4)
        self.ends = ends

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.ends(self.fc(self.drop(x)))


def stranger(ends=lambda logits: logits):
    torch.manual_seed(0)
    return Classifier(Tutorial(ends), name="tutorial", categories=list("abcd"), input_size=32)


SMALL = {"size": 32, "steps": 2, "transforms": ()}
ENTRIES = {
    "the network itself": lambda model: model(IMAGES),
    "top": lambda model: model.top(IMAGES[:1], k=2),
    "record": lambda model: activations.record(model, IMAGES, "conv2"),
    "rectified layers": lambda model: activations.rectified_layers(model, IMAGES),
    "silence": lambda model: activations.silence_by_layer(model, IMAGES, ["conv2"]),
    "features": lambda model: neighbors.features(model, IMAGES),
    "top patches": lambda model: patches.top_patches(model, IMAGES, "conv2", [0, 1], k=1),
    "saliency": lambda model: gradients.saliency(model, IMAGES, LABELS),
    "guided backprop": lambda model: gradients.guided_backprop(model, IMAGES, LABELS),
    "deconvnet": lambda model: gradients.deconvnet(model, IMAGES, LABELS),
    "a logit's ascent": lambda model: ascent.maximize(logit(model, 1), **SMALL),
    "a channel's ascent": lambda model: ascent.maximize(channel(model, "conv2", 1), **SMALL),
    "a neuron's ascent": lambda model: ascent.maximize(neuron(model, "conv2", 1), **SMALL),
    "rescore": lambda model: ascent.rescore(model, IMAGES, ["a", "b"]),
    "deep dream": lambda model: dream.deep_dream(model, IMAGES[:1], "conv2", octaves=1, steps=2),
    "fgsm": lambda model: adversarial.fgsm(model, IMAGES, LABELS, epsilon=0.1),
    "pgd": lambda model: adversarial.pgd(model, IMAGES, LABELS, epsilon=0.1, steps=2),
    "fool": lambda model: adversarial.fool(model, IMAGES[:1], "b", steps=2),
    "first guess": lambda model: robustness.first_guess(model, IMAGES),
}
TRAINING = {
    "all of it": lambda model: model.train(),
    "the bare network": lambda model: model.net.train(),
    "its batch norm": lambda model: model.net.bn.train(),
    "its dropout": lambda model: model.net.drop.train(),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_usual_tutorial_network_runs_everywhere(entry):
    ENTRIES[entry](stranger())


@pytest.mark.parametrize("part", TRAINING)
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_network_in_training_mode_is_refused_and_not_changed(entry, part):
    model = stranger()
    TRAINING[part](model)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(LabError, match=r"eval mode.*model\.eval\(\)"):
        ENTRIES[entry](model)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize(
    "entry", ["record", "rectified layers", "silence", "features", "first guess", "fgsm"]
)
def test_a_bare_network_in_training_mode_is_refused_too(entry):
    net = stranger().net
    ENTRIES[entry](net)
    net.bn.train()
    with pytest.raises(LabError, match="eval mode"):
        ENTRIES[entry](net)


def test_layers_that_do_the_same_in_training_are_no_reason_to_refuse():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
    net[2] = nn.ReLU6()  # put in by a student, and in training mode as all that is new
    expect_eval(net)
    net.append(nn.Dropout())
    with pytest.raises(LabError):
        expect_eval(net)


@pytest.mark.parametrize(
    ("ends", "got"),
    [
        (lambda logits: (logits, logits), "a tuple"),
        (lambda logits: {"out": logits}, "a dict"),
        (lambda logits: logits[:, 0], r"\(2,\)"),
        (lambda logits: logits[:, :, None, None], r"\(2, 4, 1, 1\)"),
        (lambda logits: logits.mean(0, keepdim=True), r"\(1, 4\)"),
    ],
)
def test_other_answers_than_logits_are_a_sentence_where_logits_are_asked_for(ends, got):
    model = stranger(ends)
    for entry in ("saliency", "guided backprop", "fgsm", "pgd", "first guess", "rescore"):
        with pytest.raises(LabError, match=rf"to put out logits \(2, categories\), got {got}"):
            ENTRIES[entry](model)
    for entry in ("record", "a channel's ascent", "deep dream", "top patches"):
        ENTRIES[entry](model)  # these ask for no logit


@pytest.mark.parametrize("name", ["squeezenet", "efficientnet_lite0"])
def test_what_comes_back_can_be_viewed(name):
    """Networks compute in channels_last; what students get does not show it."""
    model = models.load(name)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    layer = models.NETWORKS[name].layers[0]
    with recording(model.net, layer) as seen:
        (gradient,) = torch.autograd.grad(model(images)[:, 0].sum(), images)
    for tensor in (gradient, seen[layer], activations.record(model, images.detach(), layer)):
        assert tensor.view(2, -1).shape[0] == 2
    for tensor in (
        gradients.saliency(model, images.detach(), 1),
        gradients.guided_backprop(model, images.detach(), 1),
    ):
        assert tensor.view(2, -1).shape[0] == 2


class Odd(nn.Module):
    """A layer that puts out a tuple, in a network that is walked through."""

    def forward(self, x):
        return x, x.mean()


def test_a_layer_that_puts_out_no_map_does_not_stop_a_walk_that_nobody_asked_to_go_there():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.odd, self.relu = nn.Conv2d(3, 4, 3), Odd(), nn.ReLU()

        def forward(self, x):
            x, _ = self.odd(self.conv(x))
            return self.relu(x).mean((2, 3))

    net = Net().eval()
    assert activations.rectified_layers(net, IMAGES) == {"relu": (4, 30, 30)}
    with pytest.raises(LabError, match="puts out a tuple"):
        activations.record(net, IMAGES, "odd")
