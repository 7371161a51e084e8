"""Batch norms folded into convolutions: the same numbers, and nothing else that anybody could see."""

import copy
import io
from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from labkit import models
from labkit.hooks import recording
from labkit.methods import gradients, neighbors
from labkit.models import Classifier, folding
from labkit.models.stand_ins import StandIns
from labkit.relus import relu_rule
from labkit.running import run


def classifier(net, **options):
    return Classifier(net, name="tiny", categories=[str(i) for i in range(4)], input_size=16, **options)


def randomised(net, seed=0):
    """Weights and statistics that are all different, so that a mix-up shows."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in [*net.parameters(), *net.buffers()]:
        if tensor.is_floating_point():
            tensor.data = 0.5 + torch.rand(tensor.shape, generator=generator) / 2
            tensor.data *= torch.where(torch.rand(tensor.shape, generator=generator) < 0.5, -1, 1) ** (
                tensor.ndim > 1
            )
    return net


class Net(nn.Module):
    """Two pairs of a convolution and a batch norm, the second with options; a head."""

    def __init__(self, conv=None, norm=None, **options):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.conv2, self.norm2 = conv or nn.Conv2d(6, 6, 3), norm or nn.BatchNorm2d(6, **options)
        self.relu, self.head = nn.ReLU(), nn.Linear(6, 4)

    def forward(self, x):
        x = self.relu(self.norm1(self.conv1(x)))
        return self.head(self.relu(self.norm2(self.conv2(x))).mean(dim=(2, 3)))


class KeepsItsConvolution(Net):
    def forward(self, x):
        self.last = self.conv1(x)
        return self.head(self.relu(self.norm1(self.last)).mean(dim=(2, 3)))


class AddsItsConvolution(Net):
    def forward(self, x):
        y = self.conv1(x)
        return self.head(self.relu(self.norm1(y) + y).mean(dim=(2, 3)))


class AddsFirst(Net):
    def forward(self, x):
        y = self.conv1(x)
        z = y.sin()
        return self.head((self.norm1(y) + z).mean(dim=(2, 3)))


class ReluBetween(Net):
    def forward(self, x):
        return self.head(self.norm1(self.relu(self.conv1(x))).mean(dim=(2, 3)))


class InPlaceBetween(Net):
    def forward(self, x):
        y = self.conv1(x)
        y += 1
        return self.head(self.norm1(y).mean(dim=(2, 3)))


class ChangesTheInput(Net):
    def forward(self, x):
        x = (x * 2).detach() + x - x.detach()
        y = self.conv1(x)
        with torch.no_grad():
            x.data.zero_()
        return self.head((self.norm1(y) + y.cos()).mean(dim=(2, 3)))


class Twice(Net):
    """A convolution and a batch norm, each used twice."""

    def forward(self, x):
        x = self.relu(self.norm1(self.conv1(x)))
        x = self.relu(self.norm2(self.conv2(x)))
        return self.head(self.norm2(self.conv2(x)).mean(dim=(2, 3)) + self.norm1(x).mean(dim=(2, 3)))


class Functional(Net):
    def forward(self, x):
        y = F.conv2d(x, self.conv1.weight, self.conv1.bias, padding=1)
        norm = self.norm1
        y = F.batch_norm(y, norm.running_mean, norm.running_var, norm.weight, norm.bias, False, 0.1, norm.eps)
        return self.head(F.relu(F.conv2d(y, weight=self.conv2.weight)).mean(dim=(2, 3)))


class Checkpointed(Net):
    def forward(self, x):
        x = checkpoint(lambda x: self.relu(self.norm1(self.conv1(x))), x, use_reentrant=False)
        return self.head(self.relu(self.norm2(self.conv2(x))).mean(dim=(2, 3)))


class HalfNormed(Net):
    """A batch norm of another kind of floats than its network: nothing to fold."""

    def forward(self, x):
        x = self.conv1(x)
        return self.head(self.relu(self.norm1.double()(x.double()).float()).mean(dim=(2, 3)))


NETS = {
    "usual": Net,
    "without affine": lambda: Net(affine=False),
    "without running statistics": lambda: Net(track_running_stats=False),
    "strided, grouped, without bias": lambda: Net(nn.Conv2d(6, 6, 3, 2, groups=3, bias=False)),
    "reflected": lambda: Net(nn.Conv2d(6, 6, 3, padding=1, padding_mode="reflect")),
    "weight norm": lambda: Net(nn.utils.parametrizations.weight_norm(nn.Conv2d(6, 6, 3))),
    "instance norm": lambda: Net(norm=nn.InstanceNorm2d(6, track_running_stats=True)),
    "channels last": lambda: Net().to(memory_format=torch.channels_last),
    "keeps its convolution": KeepsItsConvolution,
    "adds its convolution": AddsItsConvolution,
    "adds first": AddsFirst,
    "ReLU between": ReluBetween,
    "in place between": InPlaceBetween,
    "changes the input": ChangesTheInput,
    "twice": Twice,
    "functional": Functional,
    "checkpointed": Checkpointed,
    "two kinds of floats": HalfNormed,
}  # fmt: skip


def shared():
    net = Net()
    net.norm2 = net.norm1
    return net


def tied():
    net = Net(nn.Conv2d(6, 6, 3, padding=1))
    net.conv1 = nn.Conv2d(3, 6, 1)
    net.conv2.weight.data = net.conv2.weight.data.transpose(0, 1)
    return net


NETS |= {"shared norm": shared, "a weight that is no matrix in memory": tied}


def folds(model):
    """Whether the network's plan has a pair that was folded."""
    plan = folding.PLANS.get(model.net)
    return plan is not None and any(pair._copy and pair._copy.folded for pair in plan.pairs)


def both_ways(model, images):
    """Logits and gradient, as the classifier has them, and as its bare network has them."""
    found = []
    for answer in (model, lambda x: run(model.net, (x - model.mean) / model.std)):
        leaf = images.clone().requires_grad_()
        logits = answer(leaf)
        found.append((logits.detach(), torch.autograd.grad(logits[:, 1].sum(), leaf)[0]))
    return found


def expect_equal(model, images, **tolerance):
    for got, expected in zip(*both_ways(model, images), strict=True):
        torch.testing.assert_close(got, expected, **(tolerance or {"rtol": 1e-4, "atol": 1e-5}))


@pytest.fixture
def images():
    return torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", NETS)
def test_a_network_answers_and_gives_gradients_as_without_folding(name, images):
    model = classifier(randomised(NETS[name]()), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.2))
    for batch in (images, images, images[:1]):
        expect_equal(model, batch)
    with torch.no_grad():
        torch.testing.assert_close(model(images), run(model.net, (images - model.mean) / model.std))


@pytest.mark.parametrize("name", models.EMBEDDED)
def test_the_embedded_networks_answer_to_photos_as_without_folding(name):
    model = models.load(name)
    images = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    (logits, _), (expected, _) = both_ways(model, images)
    torch.testing.assert_close(logits, expected, rtol=0, atol=2e-5)
    assert folds(model) == (name == "efficientnet_lite0")


def test_the_batch_norms_of_a_usual_network_do_not_run(images, monkeypatch):
    model, calls = classifier(randomised(Net())), []
    plain = torch.batch_norm
    monkeypatch.setattr(torch, "batch_norm", lambda *args: calls.append(args) or plain(*args))
    model(images)
    assert folds(model)
    assert calls == []
    model.net(images)
    assert len(calls) == 2


def by_data(net):
    net.conv1.weight.data[0] = 0


def by_numpy(net):
    net.norm2.running_var.numpy()[1] *= 3


def by_loading(net):
    net.load_state_dict(randomised(Net(), seed=1).state_dict())


def by_hand(net):
    with torch.no_grad():
        net.conv2.bias.add_(1)


def by_exchange(net):
    net.conv1, net.norm2.eps = nn.Conv2d(3, 6, 5, padding=2), 0.5


def by_permutation(net):
    weight = net.conv1.weight.data
    weight.copy_(weight.flatten().flip(0).view_as(weight))


def by_another_layer(net):
    net.norm1 = nn.Sequential(nn.Sigmoid(), nn.BatchNorm2d(6).eval(), nn.Tanh())


def by_another_forward(net):
    net.norm2.forward = lambda x: x.sin()


EDITS = (
    by_data, by_numpy, by_loading, by_hand, by_exchange, by_permutation, by_another_layer, by_another_forward,
)  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_weights_may_change_in_any_way(edit, images):
    model = classifier(randomised(Net()))
    before = model(images)
    assert folds(model)
    edit(model.net)
    model.requires_grad_(False)
    expect_equal(model, images)
    assert not torch.allclose(model(images), before)


def test_a_network_can_be_trained_and_is_folded_anew(images):
    model = classifier(randomised(Net()))
    model(images)
    weights = [*model.net.parameters()]
    for step in range(2):
        model.requires_grad_(True)
        loss = model(images).square().mean()
        gradients_ = torch.autograd.grad(loss, weights)
        expected = torch.autograd.grad(model.net(images).square().mean(), weights)
        for got, wanted in zip(gradients_, expected, strict=True):
            torch.testing.assert_close(got, wanted, msg=f"step {step}")
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients_, strict=True):
                weight -= 0.01 * gradient
        model.requires_grad_(False)
        expect_equal(model, images)


def test_other_weights_for_one_call_are_those_that_count(images):
    model = classifier(randomised(Net()))
    model(images)
    others = {name: value + 0.3 for name, value in model.named_parameters()}
    got = torch.func.functional_call(model, others, images)
    torch.testing.assert_close(
        got, torch.func.functional_call(model.net, {k[4:]: v for k, v in others.items()}, images)
    )
    expect_equal(model, images)


def test_copies_and_other_kinds_of_floats_are_folded_for_themselves(images):
    model = classifier(randomised(Net()))
    model(images)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    for other in (copy.deepcopy(model), torch.load(file, weights_only=False)):
        by_data(other.net)
        expect_equal(other, images)
        assert not torch.allclose(other(images), model(images))
    expect_equal(model.double(), images.double(), rtol=1e-12, atol=1e-12)
    expect_equal(model.float(), images)
    half = model.half()
    with torch.no_grad():
        assert torch.equal(half(images.half()), half.net(images.half()))


def test_recordings_of_any_layer_are_the_plain_ones(images):
    model = classifier(randomised(Net()))
    names = [name for name, _ in model.net.named_modules() if name]
    for inference in (False, True):
        with torch.inference_mode(inference):
            for layers in (names, *([name] for name in names)):
                with recording(model.net, *layers) as seen:
                    model(images)
                with recording(model.net, *layers) as expected:
                    model.net(images)
                for layer in layers:
                    torch.testing.assert_close(seen[layer], expected[layer])


def test_a_gradient_with_respect_to_what_a_convolution_puts_out_is_the_plain_one(images):
    model, found = classifier(randomised(Net())), []
    for answer in (model, model.net):
        leaf = images.clone().requires_grad_()
        with recording(model.net, "conv1") as seen:
            logits = answer(leaf)
        found.append(torch.autograd.grad(seen["conv1"].square().sum() + logits[:, 1].sum(), leaf)[0])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", ["", "conv1", "norm1", "relu", "conv2", "head"])
@pytest.mark.parametrize("is_proven", [False, True])
def test_hooks_see_what_they_would_see_without_folding_and_once(layer, is_proven, images):
    model = classifier(randomised(Net()))
    if is_proven:
        model(images)
    module, seen = model.net.get_submodule(layer), []
    hooks = [
        module.register_forward_hook(lambda m, given, out: seen.append((m, given[0], out))),
        module.register_forward_pre_hook(lambda m, given: seen.append((m, given[0]))),
        module.register_full_backward_hook(lambda m, below, above: seen.append((m, below[0], above[0]))),
    ]
    told = []
    for answer in (model, model.net):
        seen.clear()
        leaf = images.clone().requires_grad_()
        torch.autograd.grad(answer(leaf)[:, 1].sum(), leaf)
        told.append([*seen])
    for hook in hooks:
        hook.remove()
    assert len(told[0]) == len(told[1])
    for got, expected in zip(*told, strict=True):
        assert got[0] is expected[0] is module
        torch.testing.assert_close(got[1:], expected[1:], rtol=1e-4, atol=1e-5)


def test_somebodys_mode_sees_every_call(images):
    class Counting(torch.overrides.TorchFunctionMode):
        calls = ()

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.calls = (*self.calls, func)
            return func(*args, **(kwargs or {}))

    model = classifier(randomised(Net()))
    model(images)
    with Counting() as mode:
        model(images)
    assert mode.calls.count(F.batch_norm) == 2


@pytest.mark.parametrize("rule", ["gradient", "deconvnet", "guided"])
@pytest.mark.parametrize("name", ["usual", "ReLU between", "adds its convolution", "twice"])
def test_rules_for_relus_give_the_same(name, rule, images):
    model = classifier(randomised(NETS[name]()))
    with relu_rule(rule) as relus:
        got, expected = both_ways(model, images)
    assert relus.count
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_a_network_in_training_mode_is_refused_and_its_statistics_stay(images):
    model = classifier(randomised(Net()))
    model(images)
    before = copy.deepcopy(model.state_dict())
    model.net.train()
    with pytest.raises(models.classifier.LabError, match="eval mode"):
        model(images)
    model.net(images)
    assert not torch.equal(model.net.norm1.running_mean, before["net.norm1.running_mean"])
    model.eval()
    expect_equal(model, images)


def test_features_come_once_for_each_image_whatever_the_network_keeps(images):
    model = classifier(randomised(KeepsItsConvolution()))
    assert neighbors.features(model, images).shape == (3, 6)
    torch.testing.assert_close(model.net.last, model.net.conv1(images))


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore:.torch.jit:FutureWarning")
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_tracing_autocast_and_second_derivatives_work(images):
    model = classifier(randomised(Net()))
    expected = model(images)
    traced = torch.jit.trace(model, images)
    torch.testing.assert_close(traced(images), expected, rtol=1e-4, atol=1e-5)
    with torch.autocast("cpu"), torch.no_grad():
        assert torch.equal(model(images), model.net(images))
    leaf = images.clone().requires_grad_()
    (slope,) = torch.autograd.grad(model(leaf).square().sum(), leaf, create_graph=True)
    (bend,) = torch.autograd.grad(slope.square().sum(), leaf)
    assert bend.isfinite().all()
    assert bend.any()
    with torch.autograd.forward_ad.dual_level():
        moved = model(torch.autograd.forward_ad.make_dual(images, torch.ones_like(images)))
        assert torch.autograd.forward_ad.unpack_dual(moved).tangent is not None
    jacobian = torch.func.jacrev(model)(images[:1])
    torch.testing.assert_close(jacobian, torch.func.jacrev(model.net)(images[:1]))


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_onednn_may_be_switched_off_and_a_batch_may_be_empty(images):
    model = classifier(randomised(Net()))
    expected = model(images)
    with torch.backends.mkldnn.flags(enabled=False):
        torch.testing.assert_close(model(images), expected)
    assert model(images[:0]).shape == (0, 4)


def test_nothing_is_left_behind(images):
    model = classifier(randomised(Net()))
    before = {name: (dict(vars(module)), type(module)) for name, module in model.named_modules()}
    gradients.saliency(model, images, 1)
    assert {name: (vars(module), type(module)) for name, module in model.named_modules()} == before
    assert not any(isinstance(mode, StandIns) for mode in torch.overrides._get_current_function_mode_stack())
    net = model.net
    with pytest.raises(models.classifier.LabError), nullcontext():
        model(images[..., :1, :1])
    assert not any(isinstance(mode, StandIns) for mode in torch.overrides._get_current_function_mode_stack())
    del model
    assert net in folding.PLANS
    count = len(folding.PLANS)
    del net, before
    assert len(folding.PLANS) < count
