import copy
import random

import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from labkit.errors import LabError
from labkit.receptive import receptive_field

# Textbook numbers: size and stride


@pytest.mark.parametrize(
    ("name", "layer", "size", "stride"),
    [
        ("alexnet", "features.0", 11, 4),
        ("alexnet", "features.2", 19, 8),
        ("alexnet", "features.12", 195, 32),
        ("vgg16", "features.4", 6, 2),
        ("vgg16", "features.28", 196, 16),
        ("vgg16", "features.30", 212, 32),
        ("resnet18", "maxpool", 11, 4),
        ("resnet18", "layer4", 435, 32),
        # 11 + 3 · 8 = 35; + 8 + 3 · 16 = 91; + 16 + 22 · 32 = 811; + 32 + 2 · 64 = 971
        ("resnet101", "layer1", 35, 4),
        ("resnet101", "layer4", 971, 32),
    ],
)
def test_size_and_stride_are_the_textbooks(name, layer, size, stride):
    with torch.device("meta"):
        net = torchvision.models.get_model(name, weights=None)
    field = receptive_field(net, layer, 224)
    assert (field.size, field.stride) == (size, stride)


def test_size_and_stride_are_pairs_where_rows_and_columns_differ():
    net = nn.Sequential(nn.Conv2d(3, 4, (3, 5), stride=(1, 2)), nn.Conv2d(4, 4, 2))
    field = receptive_field(net, "1", (9, 20))
    assert field.size == (4, 7)
    assert field.stride == (1, 2)
    assert field.boxes.shape == (6, 7, 4)


def test_behind_a_global_pooling_a_unit_sees_any_image_whole():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1))
    assert receptive_field(net, "1", 9).size == float("inf")
    assert receptive_field(net, "1", 9).box(0, 0) == (0, 0, 9, 9)


# The judge: change one pixel after the other, see which units change


def seen_by_nudging(net, layer, size, *, trials=4):
    """(h, w, 4): the box around all pixels whose change changes a unit; zeros where there is none."""
    H, W = size
    pixels = torch.eye(H * W, dtype=torch.float64).view(H * W, 1, H, W)
    changed = 0
    for trial in range(trials):
        image = torch.rand(1, 3, H, W, dtype=torch.float64)
        before, after = (output_of(net, layer, x) for x in (image, image + (-1) ** trial * 50 * pixels))
        changed = changed + ((after - before).abs() > 1e-9).any(1)  # (H·W, h, w)
    return boxes_around(changed.permute(1, 2, 0).unflatten(2, size) > 0)


def output_of(net, layer, x):
    outputs = []
    hook = net.get_submodule(layer).register_forward_hook(
        lambda module, inputs, output: outputs.append(output)
    )
    with torch.no_grad():
        net(x)
    hook.remove()
    return outputs[-1]


def boxes_around(support):
    """support: (h, w, H, W) bool;  Returns: (h, w, 4)"""

    def ends(line):  # (n,) bool -> first, last + 1
        places = line.nonzero().flatten().tolist()
        return (places[0], places[-1] + 1) if places else (0, 0)

    def box(mask):
        (top, bottom), (left, right) = ends(mask.any(1)), ends(mask.any(0))
        return [top, left, bottom, right]

    return torch.tensor([[box(mask) for mask in row] for row in support])


class Net(nn.Module):
    """Parts are layers; the forward is a plain function of them, and its result the layer "out"."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.parts, self.out, self.run = nn.ModuleDict(parts), nn.Identity(), forward

    def forward(self, x):
        return self.out(self.run(x, **self.parts))


def conv(c_in, c_out, kernel, **options):
    return nn.Conv2d(c_in, c_out, kernel, **options)


def chain(*layers):
    return Net(lambda x, body: body(x), body=nn.Sequential(*layers))


def shuffle(x):
    return x.view(len(x), 2, -1, *x.shape[2:]).transpose(1, 2).contiguous().view(x.shape)


NETS = {
    "stride and padding": lambda: chain(
        conv(3, 4, 3, stride=2, padding=1), nn.ReLU(), conv(4, 4, 3, padding=1)
    ),
    "even kernels": lambda: chain(conv(3, 4, 4, stride=2, padding=1), conv(4, 4, 2)),
    "same padding, even kernel": lambda: chain(conv(3, 4, (4, 2), padding="same")),
    "dilation": lambda: chain(
        conv(3, 4, 3, dilation=2, padding=3), conv(4, 4, 2, dilation=(1, 3), padding=1)
    ),
    "holes between strides": lambda: chain(conv(3, 4, 2, stride=3), conv(4, 4, 1, stride=2)),
    "padding wider than the kernel": lambda: chain(conv(3, 4, 1, padding=2), conv(4, 4, 2)),
    "depthwise": lambda: chain(conv(3, 6, 3, groups=3), conv(6, 6, 3, stride=2, padding=1, groups=6)),
    "max pooling": lambda: chain(conv(3, 4, 2), nn.MaxPool2d(3, 2, padding=1)),
    "max pooling, ceil mode": lambda: chain(
        nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d(2, ceil_mode=True)
    ),
    "max pooling, dilated": lambda: chain(nn.MaxPool2d(2, 1, dilation=3), conv(3, 4, 2)),
    "average pooling": lambda: chain(nn.AvgPool2d(3, 2, padding=1, ceil_mode=True), conv(3, 4, 2)),
    "adaptive pooling": lambda: chain(conv(3, 4, 3, padding=1), nn.AdaptiveAvgPool2d((4, 3)), conv(4, 4, 2)),
    "adaptive pooling, upwards": lambda: chain(nn.MaxPool2d(4), nn.AdaptiveAvgPool2d(7)),
    "adaptive max pooling": lambda: chain(nn.AdaptiveMaxPool2d((3, 5))),
    "batch norm and dropout": lambda: chain(
        conv(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Hardswish(), nn.PReLU()
    ),
    "response norm": lambda: chain(conv(3, 4, 3), nn.LocalResponseNorm(3), nn.MaxPool2d(2)),
    "instance norm": lambda: chain(conv(3, 4, 3), nn.InstanceNorm2d(4), conv(4, 4, 2)),
    "group norm": lambda: chain(conv(3, 4, 2, stride=3), nn.GroupNorm(2, 4)),
    "residual": lambda: Net(
        lambda x, first, main, side: F.relu(main(F.relu(first(x))) + side(x)),
        first=conv(3, 4, 3, stride=2, padding=1),
        main=conv(4, 4, 3, padding=1),
        side=conv(3, 4, 1, stride=2),
    ),
    "inception": lambda: Net(
        lambda x, a, b, c: torch.cat([a(x), b(x), c(F.max_pool2d(x, 3, 1, padding=1))], 1),
        a=conv(3, 2, 1),
        b=conv(3, 2, (5, 3), padding=(2, 1)),
        c=conv(3, 2, 1),
    ),
    "branches that see padding alone": lambda: Net(
        lambda x, a, b: a(F.pad(x, (3, 0, 3, 0))) + b(F.pad(x, (1, 2, 1, 2))),
        a=conv(3, 4, 1),
        b=conv(3, 4, 1),
    ),
    "asymmetric padding": lambda: Net(lambda x, c: c(F.pad(x, (0, 1, 2, 0))), c=conv(3, 4, 3, stride=2)),
    "cropping": lambda: Net(lambda x, c: c(F.pad(x, (-2, 0, 1, -1))), c=conv(3, 4, 3, padding=1)),
    "functional": lambda: Net(
        lambda x, c: F.avg_pool2d(torch.relu_(F.conv2d(x, c.weight, stride=2)).sigmoid() * 2 - 1, 2, 1),
        c=conv(3, 4, 3),
    ),
    "channels recombined": lambda: Net(
        lambda x, a, b: torch.cat([x[:, :2], *shuffle(torch.cat([a(x), b(x)], 1)).chunk(3, 1)], 1),
        a=conv(3, 3, 3, padding=1),
        b=conv(3, 3, 1),
    ),
    "channels scaled one by one": lambda: Net(
        lambda x, c: c(torch.cat([torch.unsqueeze(x[:, i], 1) * (i + 1) - 0.5 for i in range(3)], 1)),
        c=conv(3, 4, 3),
    ),
    "spatial attention": lambda: Net(
        lambda x, c: (
            x * torch.sigmoid(c(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)) / 99)
        ),
        c=conv(2, 1, 3, padding=1),
    ),
    "squeeze and excitation": lambda: Net(
        lambda x, c, e: c(x) * torch.sigmoid(e(c(x).mean((2, 3), keepdim=True)) / 99),
        c=conv(3, 4, 2, stride=3),
        e=conv(4, 4, 1),
    ),
    "excitation by linear layers": lambda: Net(
        lambda x, c, e: (
            c(x) * torch.sigmoid(e(F.adaptive_avg_pool2d(c(x), 1).flatten(1)) / 99)[:, :, None, None]
        ),
        c=conv(3, 4, 2, stride=3),
        e=nn.Linear(4, 4),
    ),
}


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("size", [(11, 14), (13, 9)])
@pytest.mark.parametrize("name", NETS)
def test_boxes_are_what_nudging_pixels_finds(name, size):
    torch.manual_seed(0)
    net = NETS[name]().double().eval()
    assert receptive_field(net, "out", size).boxes.tolist() == seen_by_nudging(net, "out", size).tolist()


@pytest.mark.parametrize("seed", range(25))
def test_boxes_of_random_networks_are_what_nudging_pixels_finds(seed):
    draw = random.Random(seed)
    torch.manual_seed(seed)

    def layer():
        kernel = draw.choice([1, 2, 3, 4, (1, 3), (2, 3)])
        options = {"stride": draw.choice([1, 1, 2, (2, 1)])}
        kind = draw.choice(["conv", "conv", "max", "average"])
        if kind == "conv":
            return conv(
                3, 3, kernel, padding=draw.choice([0, 1, (2, 0)]), dilation=draw.choice([1, 1, 2]), **options
            )
        options["ceil_mode"] = draw.random() < 0.5
        padding = draw.choice([0, 1]) if kernel in (2, 3, 4) else 0
        return {"max": nn.MaxPool2d, "average": nn.AvgPool2d}[kind](kernel, padding=padding, **options)

    net = chain(*(layer() for _ in range(draw.choice([2, 3])))).double()
    size = (draw.randint(18, 21), draw.randint(18, 21))
    assert receptive_field(net, "out", size).boxes.tolist() == seen_by_nudging(net, "out", size).tolist()


# Real networks. The judge there: with positive weights and nothing switched off, a unit's gradient is
# positive at exactly the pixels it sees


def googlenet(aux_logits):
    return torchvision.models.googlenet(weights=None, init_weights=False, aux_logits=aux_logits)


REAL = {
    "alexnet": (torchvision.models.alexnet, ["features.6", "features.12"]),
    "vgg16": (torchvision.models.vgg16, ["features.16", "features.30"]),
    "googlenet": (lambda: googlenet(True), ["inception4a", "inception5b"]),
    "googlenet without side heads": (lambda: googlenet(False), ["inception4a", "inception5b"]),
    "resnet18": (torchvision.models.resnet18, ["layer2", "layer4"]),
    "resnet101": (torchvision.models.resnet101, ["layer2.1.relu", "layer4"]),
    "densenet121": (torchvision.models.densenet121, ["features.denseblock2", "features.norm5"]),
    "efficientnet_lite0": (lambda: timm.create_model("tf_efficientnet_lite0"), ["blocks.3", "conv_head"]),
    "efficientnet_b0": (lambda: timm.create_model("efficientnet_b0"), ["blocks.0", "conv_head"]),
    "shufflenet": (torchvision.models.shufflenet_v2_x1_0, ["stage2", "conv5"]),
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", REAL)
def test_real_networks_can_be_followed(name, training):
    build, layers = REAL[name]
    with torch.device("meta"):
        net = build().train(training)
    for layer in layers:
        field = receptive_field(net, layer, 224)
        assert field.box(0, 0)[:2] == (0, 0)
        h, w, _ = field.boxes.shape
        assert field.box(h - 1, w - 1)[2:] == (224, 224)


def positive(net):
    """The same geometry in float64, all weights positive, averages for maxima, no units switched off."""
    net = copy.deepcopy(net).double().eval()
    for name, module in list(net.named_modules()):
        if isinstance(module, nn.Conv2d):
            nn.init.uniform_(module.weight, 0.5 / module.weight[0].numel(), 1.5 / module.weight[0].numel())
        elif isinstance(module, nn.MaxPool2d):
            sides = (module.kernel_size, module.stride, module.padding, module.ceil_mode)
            net.set_submodule(name, nn.AvgPool2d(*sides))
        elif isinstance(module, nn.ReLU | nn.ReLU6):
            net.set_submodule(name, nn.Identity())
    return net


@pytest.mark.parametrize(
    ("name", "layer", "size"),
    [
        ("googlenet", "inception4a", (160, 128)),
        ("googlenet", "inception4c", (96, 96)),
        ("densenet121", "features.transition1", (96, 96)),
        ("densenet121", "features.denseblock2.denselayer5", (160, 128)),
        ("efficientnet_lite0", "blocks.1", (96, 96)),
        ("efficientnet_lite0", "blocks.3", (225, 160)),
        ("resnet18", "layer2", (96, 101)),
    ],
)
def test_real_networks_boxes_are_the_support_of_gradients(name, layer, size):
    torch.manual_seed(0)
    net = REAL[name][0]()
    field = receptive_field(net, layer, size)
    h, w, _ = field.boxes.shape
    image = torch.rand(1, 3, *size, dtype=torch.float64, requires_grad=True)
    judge, outputs = positive(net), []
    judge.get_submodule(layer).register_forward_hook(lambda module, inputs, output: outputs.append(output))
    judge(image)
    for row, column in [(0, 0), (0, w // 2), (h // 2, w // 2), (h // 2, w - 1), (h - 1, w - 1), (h - 2, 1)]:
        (gradient,) = torch.autograd.grad(outputs[0][0, :, row, column].sum(), image, retain_graph=True)
        support = (gradient[0] != 0).any(0)  # (H, W)
        assert field.box(row, column) == tuple(boxes_around(support[None, None]).flatten().tolist())


# What surrounds the numbers


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 4, 3, stride=2),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 5),
    )


@pytest.mark.parametrize("training", [False, True])
def test_the_network_stays_as_it_is(net, training):
    net.train(training)
    before = copy.deepcopy(net.state_dict())
    receptive_field(net, "3", 16)
    assert net.training is training
    assert all(not module._forward_hooks for module in net.modules())
    assert all(parameter.device.type == "cpu" and parameter.requires_grad for parameter in net.parameters())
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])
    assert net(torch.rand(2, 3, 16, 16)).shape == (2, 5)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_any_gradient_mode_precision_and_memory_format_will_do(net, mode):
    expected = receptive_field(net, "4", 16).boxes
    with mode():
        assert torch.equal(receptive_field(net, "4", 16).boxes, expected)
        assert torch.equal(
            receptive_field(net.to(memory_format=torch.channels_last), "4", 16).boxes, expected
        )
        assert torch.equal(receptive_field(net.half(), "4", 16).boxes, expected)


def test_dropout_in_training_mode_is_looked_through():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(), nn.Dropout2d(), nn.Conv2d(4, 4, 3)).train()
    assert receptive_field(net, "3", 9).size == 5


def test_a_gate_flattened_in_another_memory_format_sees_the_whole_image():
    gate = nn.Linear(4 * 9 * 9, 4)
    net = Net(
        lambda x, c, e: (
            c(x) * e(c(x).contiguous(memory_format=torch.channels_last).flatten(1))[:, :, None, None]
        ),
        c=conv(3, 4, 1),
        e=gate,
    )
    assert receptive_field(net, "out", 9).box(4, 4) == (0, 0, 9, 9)


def test_layer_names_are_those_of_the_whole_model_that_normalises_first():
    class Model(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net, self.mean = net, torch.full((1, 3, 1, 1), 0.5)  # a plain tensor, not a buffer

        def forward(self, images):
            return self.net((images - self.mean) / 0.5)

    inner = torchvision.models.resnet18(weights=None)
    assert torch.equal(
        receptive_field(Model(inner), "net.layer2", 64).boxes, receptive_field(inner, "layer2", 64).boxes
    )


def test_of_a_layer_that_runs_twice_the_last_output_counts():
    relu = nn.ReLU()
    net = nn.Sequential(nn.Conv2d(3, 4, 3), relu, nn.Conv2d(4, 4, 3), relu)
    assert receptive_field(net, "1", 9).size == 5


def test_side_heads_do_not_run_in_eval_mode():
    with torch.device("meta"):
        net = googlenet(True)
    assert receptive_field(net, "aux1.conv", 224).boxes.shape == (4, 4, 4)
    with pytest.raises(LabError, match=r"'aux1\.conv' does not run when GoogLeNet"):
        receptive_field(net.eval(), "aux1.conv", 224)


def test_an_unknown_layer_is_answered_with_near_names(net):
    with pytest.raises(LabError, match=r"no layer '33' in Sequential; try one of \['3'"):
        receptive_field(net, "33", 16)


@pytest.mark.parametrize("layer", ["5", "6"])
def test_a_layer_without_rows_and_columns_is_no_map(net, layer):
    with pytest.raises(LabError, match=r"not a map: it sees the whole picture; try a convolution"):
        receptive_field(net, layer, 16)


@pytest.mark.parametrize("unit", [(-1, 0), (0, 7), (7, 0), (1.5, 0)])
def test_a_unit_that_is_not_there_is_answered_with_the_range(net, unit):
    with pytest.raises(LabError, match=r"expected a row in 0\.\.6, a column in 0\.\.6"):
        receptive_field(net, "3", 16).box(*unit)


@pytest.mark.parametrize("size", [2, (16, 2)])
def test_an_image_too_small_is_answered_with_a_size_that_fits(size):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2))
    with pytest.raises(LabError, match=r"Sequential cannot take an image \(1, 3, .*; try 28 × 28"):
        receptive_field(net, "1", size)
    assert receptive_field(net, "1", 28).size == 4


def test_where_only_a_smaller_image_fits_a_smaller_one_is_tried():
    net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.Flatten(), nn.Linear(4 * 15 * 15, 2))
    with pytest.raises(LabError, match=r"cannot take an image \(1, 3, 64, 64\): .*; try 32 × 32$"):
        receptive_field(net, "0", 64)
    assert receptive_field(net, "0", 32).size == 3
    odd = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(7, 2))
    with pytest.raises(LabError, match=r"none of 28 to 512 pixels fits either"):
        receptive_field(odd, "0", 64)


@pytest.mark.parametrize("size", [0, -3, 2.5, None, (16,), "32"])
def test_what_is_no_size_is_answered_in_a_sentence(size):
    with pytest.raises(LabError, match=r"expected .*input_size"):
        receptive_field(nn.Sequential(nn.Conv2d(3, 4, 3)), "0", size)


class Transposed(nn.Module):
    def forward(self, x):
        return x.permute(0, 1, 3, 2)


class Halves(nn.Module):
    """Space to depth, by hand."""

    def forward(self, x):
        N, C, H, W = x.shape
        return x.view(N, C, H // 2, 2, W // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(N, 4 * C, H // 2, W // 2)


class Sides(nn.Module):
    def forward(self, x):
        return torch.cat([x, x], 3)


class Unequal(nn.Module):
    def forward(self, x):
        return torch.cat([x, F.max_pool2d(x, (1, 2))], 3)


class Written(nn.Module):
    def forward(self, x):
        y = torch.zeros_like(x)
        y[:, :, 1:] = x[:, :, :-1]
        return y


class Transform(nn.Module):
    def forward(self, x):
        return torch.fft.fft2(x).real


@pytest.mark.parametrize(
    ("mover", "operation"),
    [
        (nn.ConvTranspose2d(3, 3, 2), "convolution"),
        (nn.Upsample(scale_factor=2), "upsample_nearest2d"),
        (nn.PixelUnshuffle(2), "pixel_unshuffle|view|permute"),
        (nn.ReflectionPad2d(1), "reflection_pad2d"),
        (nn.Linear(16, 16), "view"),
        (nn.Softmax(dim=3), "_softmax"),
        (Transposed(), "permute"),
        (Halves(), "view|permute"),
        (Sides(), "cat"),
        (Unequal(), "cat"),
        (Written(), "copy_ on a part of it|slice"),
        (Transform(), "fft"),
    ],
)
def test_an_operation_that_moves_positions_is_named_and_not_guessed_at(mover, operation):
    net = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), mover, nn.Conv2d(3, 3, 1), nn.Flatten())
    if isinstance(mover, nn.PixelUnshuffle | Halves):
        net[2] = nn.Conv2d(12, 3, 1)
    with pytest.raises(LabError, match=rf"cannot follow '2' to the image: it hangs on .*({operation})"):
        receptive_field(net, "2", 16)
    assert receptive_field(net, "0", 16).size == 3


def test_a_layer_that_does_not_look_at_the_image_says_so():
    net = Net(lambda x, c: c(torch.ones(1, 3, 8, 8)), c=nn.Conv2d(3, 3, 1))
    with pytest.raises(LabError, match="it hangs on nothing in the image"):
        receptive_field(net, "out", 8)
