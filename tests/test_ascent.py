import base64
import copy
import io
import math
import re

import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from nbclient import NotebookClient
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import nn
from torchvision.transforms.functional import rotate as torchvision_rotate

from labkit import models
from labkit.errors import LabError
from labkit.hooks import recording
from labkit.images import fit, to_8_bit
from labkit.methods import ascent
from labkit.models import Classifier
from labkit.relus.closed import Opening
from labkit.show.ascent_explorer import NONE, beside_the_control, climb, explore


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def model():
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5)),
    )
    for parameter in net.parameters():
        parameter.data *= 2
    return Classifier(net, name="tiny", categories=list("abcde"), input_size=12)


@pytest.fixture
def photos():
    return torch.rand(2, 3, 12, 10, generator=generator(1))


def numeric(function, images, step=1e-6):
    """Central differences in float64 of (N,) scores, each with respect to its own image."""
    nudges = step * torch.eye(images[0].numel(), dtype=torch.float64).view(-1, *images.shape[1:])
    slopes = [
        torch.stack([(function(i, image + n) - function(i, image - n)) / (2 * step) for n in nudges])
        for i, image in enumerate(images)
    ]
    return torch.stack(slopes).view(images.shape)


def by_autograd(objective, images):
    leaf = images.clone().requires_grad_()
    return torch.autograd.grad(objective(leaf).sum(), leaf)[0]


# objectives


def test_an_objectives_gradient_is_what_nudging_each_pixel_shows(model):
    model, images = model.double(), torch.rand(2, 3, 6, 7, generator=generator(1)).double()
    for objective in (
        ascent.logit(model, "d"),
        ascent.channel(model, "2", 5),
        ascent.neuron(model, "2", 3, 1, 2),
        ascent.l2(),
        ascent.total_variation(),
        2 * ascent.logit(model, 1) - 0.5 * ascent.l2() + ascent.channel(model, "0", 2),
    ):
        expected = numeric(lambda _, image, f=objective: f(image[None])[0], images)
        torch.testing.assert_close(by_autograd(objective, images), expected, rtol=1e-5, atol=1e-7)


def test_objectives_read_off_what_the_network_says(model, photos):
    maps = model.net[2](model.net[:2]((photos - model.mean) / model.std))
    logits = model(photos)
    torch.testing.assert_close(ascent.logit(model, ["e", 0])(photos), logits[[0, 1], [4, 0]])
    torch.testing.assert_close(
        ascent.channel(model, "2", [7, 1])(photos), maps[[0, 1], [7, 1]].mean(dim=(1, 2))
    )
    torch.testing.assert_close(ascent.neuron(model, "2", 4, 2, 3)(photos), maps[:, 4, 2, 3])
    middle = maps[:, 4, maps.shape[2] // 2, maps.shape[3] // 2]
    torch.testing.assert_close(ascent.neuron(model, "2", 4)(photos), middle)


def test_each_image_may_have_a_layer_of_its_own(model, photos):
    layers = ["0", "2"]
    both = ascent.channel(model, layers, 3)
    assert both.count == 2
    alone = [ascent.channel(model, layer, 3)(photos)[i] for i, layer in enumerate(layers)]
    torch.testing.assert_close(both(photos), torch.stack(alone))
    options = {"steps": 5, "rule": ascent.normalised_steps(0.1)}  # Adam would amplify rounding errors
    made = ascent.maximize(both, start=photos, **options)
    for i, layer in enumerate(layers):
        own = ascent.maximize(ascent.channel(model, layer, 3), start=photos[i : i + 1], **options)
        torch.testing.assert_close(made[i], own[0], rtol=1e-4, atol=1e-4)


def test_objectives_add_and_scale_as_numbers_do(model, photos):
    a, b = ascent.logit(model, "a"), ascent.channel(model, "2", 3)
    torch.testing.assert_close((3 * a - b * 0.5 + -a)(photos), 2 * a(photos) - 0.5 * b(photos))
    assert (a + ascent.logit(model, ["b", "c"])).count == 2
    with pytest.raises(TypeError):
        a + 1


def test_the_penalties_are_their_formulas(photos):
    pixels = photos.double().numpy()
    expected = ((pixels - 0.5) ** 2).sum(axis=(1, 2, 3))
    torch.testing.assert_close(ascent.l2()(photos.double()), torch.tensor(expected))
    steps = [np.abs(np.diff(pixels, axis=axis)).mean(axis=(1, 2, 3)) for axis in (2, 3)]
    torch.testing.assert_close(ascent.total_variation()(photos.double()), torch.tensor(sum(steps)))


# parameterisations


def test_fourier_numbers_make_the_waves_that_a_sum_by_hand_makes():
    H, W = 6, 8
    numbers = torch.randn(1, 3, H, W // 2 + 1, 2, generator=generator()).double()
    plain = torch.zeros(1, 3, H, W, dtype=torch.float64)
    y, x = torch.arange(H).double()[:, None], torch.arange(W).double()
    for k in range(H):
        for m in range(W // 2 + 1):
            fy, fx = (k if k <= H / 2 else k - H) / H, m / W
            if k == H // 2:
                fy = -0.5
            amplitude = 1 / max(math.hypot(fy, fx), 1 / max(H, W))
            twice = 1 if m in (0, W // 2) else 2  # the other half of the plane, which a real image repeats
            angle = 2 * math.pi * (k * y / H + m * x / W)
            real, imaginary = numbers[:, :, k, m, 0], numbers[:, :, k, m, 1]
            wave = real[..., None, None] * angle.cos() - imaginary[..., None, None] * angle.sin()
            plain += twice * amplitude * wave / math.sqrt(H * W)
    colours = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    colours /= np.linalg.norm(colours, axis=0).max()
    mixed = np.einsum("dc,nchw->ndhw", colours, plain.numpy() / 4)
    got = ascent.FOURIER.decode(numbers, (H, W))
    torch.testing.assert_close(got, torch.tensor(1 / (1 + np.exp(-mixed))), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(12, 10), (9, 13)])
def test_an_image_survives_being_written_in_other_numbers(shape):
    images = 0.02 + 0.96 * torch.rand(2, 3, *shape, generator=generator())
    for kind in (ascent.FOURIER, ascent.PIXELS):
        torch.testing.assert_close(kind.decode(kind.encode(images), shape), images, rtol=1e-4, atol=1e-4)


# transforms


def test_jitter_rolls_and_its_gradient_comes_back_rolled_back(photos):
    moved = ascent.jitter(3)(photos, generator(5))
    shifts = [(d, r) for d in range(-3, 4) for r in range(-3, 4)]
    (shift,) = [s for s in shifts if torch.equal(photos.roll(s, dims=(2, 3)), moved)]
    weights = torch.rand(photos.shape, generator=generator(2))
    gradient = by_autograd(lambda x: (ascent.jitter(3)(x, generator(5)) * weights).sum(dim=(1, 2, 3)), photos)
    assert torch.equal(gradient, weights.roll((-shift[0], -shift[1]), dims=(2, 3)))


def test_rotation_is_torchvisions_and_scale_one_is_nothing():
    y, x = torch.meshgrid(torch.linspace(-1, 1, 40), torch.linspace(-1, 1, 40), indexing="ij")
    images = torch.stack([x, y, x * y])[None] / 2 + 0.5
    drawn = -20 + 40 * torch.rand((), generator=generator(3)).item()
    expected = torchvision_rotate(images, drawn, interpolation=Image.Resampling.BILINEAR)
    got = ascent.rotate(20)(images, generator(3))
    inside = (..., slice(10, 30), slice(10, 30))
    torch.testing.assert_close(got[inside], expected[inside], rtol=0, atol=2e-3)
    torch.testing.assert_close(ascent.scale(1, 1)(images, generator()), images)
    assert ascent.pad(3)(images, generator()).shape == (1, 3, 46, 46)


def test_a_tint_is_one_gain_and_one_shift_a_colour_for_the_whole_batch(photos):
    tinted = ascent.tint(photos, generator(6))
    for before, after in zip(photos.transpose(0, 1), tinted.transpose(0, 1), strict=True):
        gain, shift = np.polyfit(before.flatten().numpy(), after.flatten().numpy(), 1)
        torch.testing.assert_close(after, float(gain) * before + float(shift), rtol=0, atol=1e-4)
        assert 0 < abs(gain - 1) < 0.5
        assert 0 < abs(shift) < 0.5
    assert torch.equal(ascent.tint(photos, generator(6)), tinted)


def test_a_larger_scale_shows_the_middle_larger():
    images = torch.zeros(1, 3, 20, 20)
    images[..., 8:12, 8:12] = 1
    assert ascent.scale(2, 2)(images, generator())[0, 0].sum() == pytest.approx(64, rel=0.1)


# regularisers


def test_the_blur_is_scipys(photos):
    for sigma in (0.5, 1.0, 1.7):
        expected = gaussian_filter(
            photos.double().numpy(), (0, 0, sigma, sigma), mode="nearest", truncate=3.0
        )
        got = ascent.gaussian_blur(photos.double(), sigma)
        torch.testing.assert_close(got, torch.tensor(expected), rtol=1e-9, atol=1e-12)


def test_the_blur_comes_every_few_steps_only(photos):
    blur = ascent.blur(1.0, every=4)
    for step in (1, 2, 3, 5, 6):
        assert torch.equal(blur(photos, photos, step), photos)
    for step in (4, 8):
        torch.testing.assert_close(blur(photos, photos, step), ascent.gaussian_blur(photos, 1.0))


def test_decay_moves_every_value_its_share_of_the_way_to_grey(photos):
    moved = ascent.decay(0.25)(photos, photos, 1)
    torch.testing.assert_close(moved - 0.5, 0.75 * (photos - 0.5))


def test_clipping_greys_that_share_of_each_images_smallest_pixels(photos):
    gradient = torch.randn(photos.shape, generator=generator(4))
    sizes = {
        ascent.clip_norm: np.sqrt((((photos - 0.5).numpy()) ** 2).sum(axis=1)),
        ascent.clip_contribution: np.abs(((photos - 0.5) * gradient).numpy().sum(axis=1)),
    }
    for clip, size in sizes.items():
        for percent in (0, 30, 90):
            got = clip(percent)(photos, gradient, 1).numpy()
            for image, before, own in zip(got, photos.numpy(), size, strict=True):
                small = own < np.percentile(own, percent)
                assert small.mean() == pytest.approx(percent / 100, abs=0.01)
                assert (image[:, small] == 0.5).all()
                assert (image[:, ~small] == before[:, ~small]).all()


# the loop


def test_each_score_rises_and_images_are_valid(model):
    start = torch.full((2, 3, 12, 12), 0.5)
    for kind, rule in ((ascent.FOURIER, ascent.adam(0.1)), (ascent.PIXELS, ascent.normalised_steps(0.02))):
        objective = ascent.logit(model, ["b", "d"])
        made = ascent.maximize(objective, parameterisation=kind, rule=rule, transforms=(), steps=20)
        assert made.shape == (2, 3, 12, 12)
        assert not made.requires_grad
        assert made.min() >= 0
        assert made.max() <= 1
        assert (objective(made) > objective(start) + 0.1).all()


def test_steps_in_pixels_are_the_formula_step_by_step(model, photos):
    objective = ascent.logit(model, "b") - 0.1 * ascent.l2()
    image = photos.clone()
    regularise = ascent.clip_norm(20)
    for step in range(1, 6):
        gradient = by_autograd(objective, image)
        image = image + 0.03 * gradient / gradient.abs().mean(dim=(1, 2, 3), keepdim=True)
        image = regularise(image, gradient, step).clamp(0, 1)
    got = ascent.maximize(
        objective,
        start=photos,
        parameterisation=ascent.PIXELS,
        transforms=(),
        regularisers=(regularise,),
        rule=ascent.normalised_steps(0.03),
        steps=5,
    )
    torch.testing.assert_close(got, image)


def test_a_regulariser_holds_in_fourier_space_too(model):
    def framed(images, _gradient, _step):
        images = images.clone()
        images[..., 0] = 0.5
        return images

    made = ascent.maximize(ascent.logit(model, "b"), regularisers=(framed,), steps=4)
    assert (made[..., 0] == 0.5).all()
    frames = list(ascent.ascend(ascent.logit(model, "b"), regularisers=(ascent.decay(1.0),), steps=2))
    torch.testing.assert_close(frames[-1].images, torch.full_like(made, 0.5))


def test_equal_seeds_give_the_same_picture_bit_for_bit_and_others_do_not(model):
    first, again, other = (ascent.maximize(ascent.logit(model, "b"), steps=6, seed=s) for s in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-3)


def test_the_global_random_state_is_left_alone(model):
    before = torch.random.get_rng_state()
    ascent.maximize(ascent.logit(model, "b"), steps=2)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_an_image_comes_out_as_it_would_alone(model):
    together = ascent.maximize(ascent.logit(model, ["b", "d"]), steps=5)
    alone = ascent.maximize(ascent.logit(model, "b"), steps=5)
    torch.testing.assert_close(together[:1], alone, rtol=1e-3, atol=1e-4)


def test_network_and_start_are_bit_for_bit_unchanged(model, photos):
    before, kept = copy.deepcopy(model.state_dict()), photos.clone()
    ascent.maximize(ascent.channel(model, "2", 1), start=photos, parameterisation=ascent.PIXELS, steps=3)
    ascent.maximize(ascent.logit(model, "a"), start=photos, steps=3)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None and not p.requires_grad for p in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(photos, kept)
    assert not photos.requires_grad


@pytest.mark.parametrize("guard", [torch.no_grad, torch.inference_mode])
def test_the_callers_no_grad_or_inference_mode_does_not_matter(guard, model, photos):
    expected = ascent.maximize(ascent.logit(model, "b"), start=photos, steps=3)
    with guard():
        assert torch.equal(ascent.maximize(ascent.logit(model, "b"), start=photos.clone(), steps=3), expected)


def test_frames_tell_each_step_and_the_last_is_what_maximize_gives(model):
    objective = ascent.logit(model, "b")
    frames = list(ascent.ascend(objective, steps=5, transforms=()))
    assert [frame.step for frame in frames] == [1, 2, 3, 4, 5]
    assert torch.equal(frames[-1].images, ascent.maximize(objective, steps=5, transforms=()))
    torch.testing.assert_close(frames[3].scores, objective(frames[2].images), rtol=1e-4, atol=1e-5)
    assert not torch.equal(frames[0].images, frames[1].images)  # each its own, not one that is written over


def test_one_photo_may_go_to_several_targets_and_any_function_is_an_objective(model, photos):
    assert ascent.maximize(ascent.logit(model, ["a", "b"]), start=photos[:1], steps=2).shape == (2, 3, 12, 10)
    made = ascent.maximize(
        lambda images: -images.mean(dim=(1, 2, 3)), size=8, steps=30, transforms=(), rule=ascent.adam(1.0)
    )
    assert made.mean() < 0.2


def test_rescoring_is_of_the_file(model, photos):
    for image, rounded in zip(photos, to_8_bit(photos), strict=True):
        pixels = (image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="png")
        again = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255
        torch.testing.assert_close(rounded, again, rtol=0, atol=1e-7)
    expected = model(to_8_bit(photos)).softmax(1)[[0, 1], [2, 0]]
    torch.testing.assert_close(ascent.rescore(model, photos, ["c", "a"]), expected)


# climbs that begin where nothing fires


def shut(model, channel, *, by=0.05):
    """The model with a channel of its second convolution closed by that much, at least, all over a grey image."""
    with torch.no_grad(), recording(model.net, "2") as seen:
        model(torch.full((1, 3, 12, 12), ascent.GREY))
    model.net[2].bias.data[channel] -= seen["2"][0, channel].max() + by
    return model


def by_plain_autograd(objective, *, steps, rule, transforms):
    """The loop in Fourier space, without a word about ReLUs."""
    numbers, draws = ascent.FOURIER.encode(torch.full((1, 3, 12, 12), ascent.GREY)), generator(3)
    numbers = (numbers + 0.01 * torch.randn(numbers.shape[1:], generator=generator(3))).requires_grad_()
    optimizer = rule(numbers)
    for _ in range(steps):
        images = ascent.FOURIER.decode(numbers, (12, 12))
        for transform in transforms:
            images = transform(images, draws)
        (numbers.grad,) = torch.autograd.grad(objective(images).sum(), numbers)
        optimizer.step()
    return ascent.FOURIER.decode(numbers, (12, 12)).clamp(0, 1).detach()


@pytest.mark.parametrize("rule", [ascent.adam(), ascent.normalised_steps(0.02)], ids=["adam", "normalised"])
@pytest.mark.parametrize("transforms", [(), ascent.ROBUST], ids=["plain", "robust"])
def test_a_climb_that_moves_is_bit_for_bit_plain_autograd_and_asks_once_a_step(
    model, rule, transforms, monkeypatch
):
    def forbidden(*_):
        raise AssertionError("asked for another rule")

    asked = []

    def objective(images):
        asked.append(images)
        return ascent.channel(model, "3", 3)(images) - 0.1 * ascent.l2()(images)

    expected = by_plain_autograd(objective, steps=12, rule=rule, transforms=transforms)
    monkeypatch.setattr(Opening, "__init__", forbidden)
    asked.clear()
    made = ascent.maximize(objective, size=12, steps=12, rule=rule, transforms=transforms, seed=3)
    assert len(asked) == 12
    assert torch.equal(made, expected)


GENTLE = {"transforms": (ascent.jitter(2), ascent.scale(0.95, 1.05)), "steps": 60}


@pytest.mark.parametrize("rule", [ascent.adam(), ascent.normalised_steps(0.02)], ids=["adam", "normalised"])
@pytest.mark.parametrize("kind", [ascent.FOURIER, ascent.PIXELS], ids=["fourier", "pixels"])
def test_a_channel_that_is_closed_all_over_the_start_opens(model, kind, rule):
    channel = ascent.channel(shut(model, 4), "3", 4)
    for objective in (
        channel,
        ascent.neuron(model, "3", 4),
        channel - 0.001 * ascent.l2(),  # a term whose gradient is not 0
        lambda images: 3 * F.relu(model.net[2](model.net[:2]((images - model.mean) / model.std)))[:, 4, 1, 2],
    ):
        for more in (
            {},
            {"transforms": ()},
            {"regularisers": (ascent.blur(0.5), ascent.clip_contribution(5))},
        ):
            options = GENTLE | {"size": 12, "parameterisation": kind, "rule": rule} | more
            frames = list(ascent.ascend(objective, **options))
            assert channel(torch.full((1, 3, 12, 12), ascent.GREY)) == 0
            assert channel(frames[-1].images) > 0
            assert all(frame.images.isfinite().all() for frame in frames)


@pytest.mark.parametrize(
    "relu", [nn.ReLU6(), nn.ReLU(inplace=True), nn.ReLU6(inplace=True), nn.Hardtanh(0, 6)]
)
def test_a_channel_opens_whatever_kind_of_relu_it_is_behind(model, relu):
    shut(model, 4).net[3] = relu
    objective = ascent.channel(model, "3", 4)
    assert objective(ascent.maximize(objective, **GENTLE)) > 0


def test_a_stuck_image_leaves_the_others_of_its_batch_alone_and_climbs_as_it_would_alone(model):
    shut(model, 4)
    start = torch.full((1, 3, 12, 12), ascent.GREY)
    options = GENTLE | {"rule": ascent.normalised_steps(0.02), "start": start, "steps": 20}
    channels = [3, 4, 6]
    made = ascent.maximize(ascent.channel(model, "3", channels), **options)
    for channel, image in zip(channels, made, strict=True):
        objective = ascent.channel(model, "3", channel)
        assert (objective(start) == 0) == (channel == 4)
        alone = ascent.maximize(objective, **options)
        torch.testing.assert_close(image[None], alone, rtol=1e-4, atol=1e-4)
        assert objective(alone) > objective(start)


@pytest.mark.parametrize("weights", [1, 0])
def test_where_nothing_ever_fires_it_is_said_in_which_images(model, weights):
    grey = torch.full((1, 3, 12, 12), ascent.GREY)
    model.net[2].bias.data[[4, 5]] = -1e6
    model.net[2].weight.data[[4, 5]] *= weights
    dead = ascent.channel(model, "3", 4)
    for more in (
        {},
        {"start": grey},
        {"rule": ascent.normalised_steps()},
        {"parameterisation": ascent.PIXELS},
    ):
        for objective in (dead, dead - 0.1 * ascent.l2()):
            with pytest.raises(
                LabError, match=r"has not moved: nothing .* each of 3 steps .*; try another seed"
            ):
                ascent.maximize(objective, steps=3, **more)
    frames = ascent.ascend(ascent.neuron(model, "3", [4, 3, 5]), steps=5, transforms=())
    images = [next(frames).images for _ in range(5)]
    with pytest.raises(LabError, match="has not moved in 0, 2 of the images 0 to 2: nothing"):
        next(frames)
    assert all(batch.isfinite().all() for batch in images)


def test_no_alarm_where_a_climb_moves_or_is_at_its_top_or_is_not_about_relus(model):
    grey = torch.full((1, 3, 12, 12), ascent.GREY)
    closed = ascent.channel(shut(model, 4, by=100), "3", 4)
    assert not torch.equal(
        ascent.maximize(closed, start=grey, steps=1), grey
    )  # the caller may go on from here
    still = {"start": grey, "steps": 3, "parameterisation": ascent.PIXELS, "transforms": ()}
    for objective in (-closed, ascent.total_variation(), -ascent.l2(), -closed - ascent.l2()):
        assert torch.equal(ascent.maximize(objective, **still), grey)
    for objective in (ascent.channel(model, "2", 4), closed + ascent.logit(model, "b")):
        assert not torch.equal(ascent.maximize(objective, **still), grey)
    model.net[3] = nn.ReLU6()
    model.net[2].bias.data[4] = 1e3
    assert torch.equal(ascent.maximize(closed, **still), grey)


def test_no_alarm_where_the_last_step_opens_what_was_closed(model):
    options = {
        "size": 12,
        "transforms": (),
        "parameterisation": ascent.PIXELS,
        "rule": ascent.normalised_steps(0.005),
    }
    objective = ascent.channel(shut(model, 4), "3", 4)
    frames = list(ascent.ascend(objective, steps=40, **options))
    opening = next(frame.step for frame in frames if objective(frame.images) > 0)
    assert opening > 2
    assert objective(ascent.maximize(objective, steps=opening, **options)) > 0
    with pytest.raises(LabError, match="has not moved"):
        ascent.maximize(objective, steps=opening - 1, **options)


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "channels"), [("features.9", 384), ("features.12", 512)])
def test_every_24th_channel_of_squeezenet_climbs_from_grey(layer, channels):
    model = models.load("squeezenet")
    objective = ascent.channel(model, layer, range(0, channels, 24))
    grey = torch.full((objective.count, 3, 96, 96), ascent.GREY)
    made = ascent.maximize(objective, size=96, steps=16, transforms=(ascent.jitter(4),))
    with torch.no_grad():
        before, after = objective(grey), objective(made)
    assert (before == 0).sum() >= 5
    assert (after > before).all()


# what is refused


def test_bad_input_is_answered_in_a_sentence(model, photos):
    logit = ascent.logit(model, "a")
    for match, call in {
        r"no category 'x'": lambda: ascent.logit(model, "x"),
        r"no category 5; try 0 to 4": lambda: ascent.logit(model, 5),
        r"no layer 'layer2'": lambda: ascent.channel(model, "layer2", 0),
        r"no channel 8 in '2'; try 0 to 7": lambda: ascent.channel(model, "2", 8)(photos),
        r"no channel -1": lambda: ascent.channel(model, "2", -1)(photos),
        r"no row 9 in '2'; try 0 to 4": lambda: ascent.neuron(model, "2", 0, 9, 0)(photos),
        r"'6' to put out maps \(N, C, H, W\), got \(2, 5\)": lambda: ascent.channel(model, "6", 0)(photos),
        r"no layer '9'": lambda: ascent.channel(model, ["2", "9"], 0),
        r"one for each of 2 images, got 3": lambda: ascent.logit(model, ["a", "b", "c"])(photos),
        r"for 2 and for 3 images": lambda: ascent.logit(model, ["a", "b"]) + ascent.logit(model, [0, 1, 2]),
        r"values in 0\.\.1": lambda: ascent.maximize(logit, start=photos * 2),
        r"images of shape": lambda: ascent.maximize(logit, start=photos[0]),
        r"steps as a whole number of 1 or more, got 0": lambda: ascent.maximize(logit, steps=0),
        r"one score per image, \(2,\), got \(2, 5\)": lambda: ascent.maximize(model, start=photos),
        r"depend on the images, got none": lambda: ascent.maximize(
            lambda images: images.detach().mean(dim=(1, 2, 3)), start=photos
        ),
        r"percent as a number in 0\.\.100, got 150": lambda: ascent.clip_norm(150),
        r"percent as a number in 0\.\.100, got -1": lambda: ascent.clip_contribution(-1),
        r"share as a number in 0\.\.1, got 3": lambda: ascent.decay(3),
        r"sigma as a number above 0": lambda: ascent.blur(0),
    }.items():
        with pytest.raises(LabError, match=match):
            call()


def test_the_names_are_sorted_and_all_there():
    assert all(hasattr(ascent, name) for name in ascent.__all__)
    assert len(set(ascent.__all__)) == len(ascent.__all__)


# the explorer


@pytest.fixture
def climbs(model):
    gentle = {"rate": 0.015, "transforms": (ascent.jitter(8),)}
    return climb(model, "b", size=12, steps=8, progress=False, **gentle)


def test_the_lab_climbs_every_setting_from_one_start(climbs):
    assert climbs.steps == (0, 4, 8)
    starts = torch.stack([images[0] for images in climbs.images.values()])
    assert (starts == starts[0]).all()
    assert all(climbs.probabilities[s][-1] > climbs.probabilities[s][0] for s in (NONE, (0.0, 0.5, 0)))
    rough = climbs.roughness
    assert rough[(0.0, 1.0, 0)][-1] < rough[(0.0, 0.5, 0)][-1] < rough[NONE][-1]


def test_the_lab_can_begin_at_a_photo_of_ones_own(model):
    photo = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(5))
    climbs = climb(model, "b", size=12, steps=4, photo=photo, progress=False)
    for images in climbs.images.values():
        start = images[0].float() / 255
        assert (start - fit(photo, 12)[0]).abs().max() < 0.06  # the noise, and half a level
    with pytest.raises(LabError, match="expected one photo"):
        climb(model, "b", size=12, steps=4, photo=torch.cat([photo, photo]), progress=False)


def test_a_setting_of_the_lab_is_what_it_is_alone(model, climbs):
    faint = 0.01 * torch.randn(1, 3, 12, 12, generator=generator())
    alone = ascent.maximize(
        ascent.logit(model, "b") - 0.2 * ascent.l2(),
        start=0.5 + faint,
        parameterisation=ascent.PIXELS,
        transforms=(ascent.jitter(8),),
        regularisers=(ascent.blur(0.5), ascent.clip_norm(50)),
        rule=ascent.normalised_steps(0.015),
        steps=8,
    )
    got = climbs.images[(0.2, 0.5, 50)][-1].float() / 255
    torch.testing.assert_close(got, to_8_bit(alone)[0], rtol=0, atol=2.5 / 255)


def test_moving_a_control_changes_the_picture_and_computes_nothing(climbs, monkeypatch):
    lab = explore(climbs)
    monkeypatch.setattr(Classifier, "forward", None)
    seen = [lab.picture.webp()]
    for name, value in (("step", 4), ("blur", 0.0), ("l2", 0.2), ("clip", 0)):
        lab.controls[name].value = value
        assert lab.message.value == ""
        assert lab.picture.webp() not in seen
        seen.append(lab.picture.webp())
    assert "b, step 4: L2 0.2, blur 0, clip 0 %" in lab.picture.alt


def test_the_lab_refuses_what_was_not_climbed(model, climbs):
    with pytest.raises(LabError, match=r"at step 5; steps are \[0, 4, 8\]"):
        beside_the_control(climbs, NONE, 5)
    with pytest.raises(LabError, match="no climb with"):
        explore(climbs, l2=0.3)
    with pytest.raises(LabError, match="no category 'x'"):
        climb(model, "x", size=12, steps=4)


@pytest.mark.slow
def test_the_explorer_without_a_front_end_is_a_picture_and_no_bar_is_left():
    cell = nbformat.v4.new_code_cell(
        "import torch\n"
        "from torch import nn\n"
        "from labkit.models import Classifier\n"
        "from labkit.show.ascent_explorer import climb, explore\n"
        "torch.manual_seed(0)\n"
        "net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))\n"
        "explore(climb(Classifier(net, name='tiny', categories='ab'), 'a', size=12, steps=4))"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, timeout=120).execute()
    outputs = [output for output in notebook.cells[0].outputs if "data" in output]
    controls, picture = (output.data for output in outputs)
    assert "application/vnd.jupyter.widget-view+json" in controls
    data = re.search(r"data:image/webp;base64,([^']+)'", picture["text/html"])[1]
    assert Image.open(io.BytesIO(base64.b64decode(data))).width > 500


@pytest.mark.slow
def test_the_embedded_networks_are_sure_of_what_they_were_asked_for():
    names = ["zebra", "daisy"]
    for network in models.EMBEDDED:
        model = models.load(network)
        made = ascent.maximize(ascent.logit(model, names), size=144, steps=48)
        assert (ascent.rescore(model, made, names) > 0.9).all()
