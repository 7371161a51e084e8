import itertools

import numpy as np
import pytest
import torch
import torchvision
from skimage.transform import resize
from sklearn.metrics import roc_auc_score
from torch import nn

from labkit import images, models
from labkit.errors import LabError
from labkit.methods import activations, evidence
from labkit.models import Classifier
from labkit.show import activations as pictures
from labkit.show import evidence as proofs
from labkit.show.activations_explorer import channel_over_photo, explore
from labkit.show.drawing import BETWEEN


class Functional(nn.Module):
    """Its ReLU is a call, and its block's output is rectified though no module says so."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return torch.relu_(self.conv(x))


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(64, 2)
    )


@pytest.fixture
def photos():
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def hooks_left(net):
    return sum(len(module._forward_hooks) for module in net.modules())


# Recording


def test_a_recording_is_what_running_up_to_the_layer_gives(net, photos):
    for layer in range(3):
        by_hand = photos
        for module in net[: layer + 1]:
            by_hand = module(by_hand.clone())
        torch.testing.assert_close(
            activations.record(net, photos, str(layer)), by_hand.detach(), rtol=0, atol=0
        )


def test_an_in_place_relu_behind_the_layer_leaves_the_recording_alone(net, photos):
    assert (activations.record(net, photos, "0") < 0).any()
    assert (activations.record(Functional(), photos, "conv") < 0).any()


def test_a_recording_is_detached_and_the_images_are_untouched(net, photos):
    before = photos.clone()
    maps = activations.record(net, photos.requires_grad_(), "1")
    assert not maps.requires_grad
    assert photos.grad is None
    assert torch.equal(photos, before)


def test_a_classifiers_layers_are_named_as_in_its_net_and_see_normalised_images(net, photos):
    expected = activations.record(nn.Sequential(net[0]), (photos - 0.5).clamp(0, 1), "0")
    model = Classifier(net, name="tiny", categories=["a", "b"], mean=(0.5,) * 3, std=(1.0,) * 3)
    bright = photos * 0.5 + 0.5  # so that 0.5 less is still an image
    torch.testing.assert_close(
        activations.record(model, bright, "0"), activations.record(nn.Sequential(net[0]), bright - 0.5, "0")
    )
    assert expected.shape == (2, 8, 6, 6)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("conv1", r"no layer 'conv1' in Sequential; try one of"),
        ("4", r"expected '4' to put out maps \(N, C, H, W\), got \(2, 2\); try a convolution"),
    ],
)
def test_a_layer_without_maps_is_refused_and_no_hook_is_left(net, photos, layer, said):
    with pytest.raises(LabError, match=said):
        activations.record(net, photos, layer)
    assert hooks_left(net) == 0


def test_hooks_come_off_when_the_network_fails(net):
    with pytest.raises(LabError, match=r"Sequential cannot take images \(1, 3, 9, 9\).*shapes cannot be mul"):
        activations.record(net, torch.rand(1, 3, 9, 9), "0")  # too large for the linear layer
    assert hooks_left(net) == 0


def test_images_out_of_shape_or_range_are_refused(net, photos):
    for wrong in (photos[0], photos * 255, photos - 1, photos[:, :1], (photos * 255).byte()):
        with pytest.raises(LabError, match="expected"):
            activations.record(net, wrong, "0")


# Layers behind a ReLU


def test_rectified_layers_are_found_wherever_the_relu_is(photos):
    net = nn.Sequential(Functional(), nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5), nn.ReLU6(), nn.Identity())
    net.eval()
    assert activations.rectified_layers(net, photos) == {"0": (4, 6, 6), "3": (5, 4, 4)}
    assert hooks_left(net) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "resnet18", "googlenet"])
def test_lecture_networks_have_layers_behind_a_relu_at_every_depth(name):
    model = models.load(name, weights=None)
    layers = activations.rectified_layers(model, images.photos().images[:1])
    deepest = [name for name, (_, h, _) in layers.items() if h >= 13][-1]
    assert (deepest, *layers[deepest]) == {
        "alexnet": ("features.11", 256, 13, 13),  # conv5, the lecture's layer
        "resnet18": ("layer3.1.relu", 256, 14, 14),
        "googlenet": ("inception4e", 832, 14, 14),
    }[name]


def test_alexnets_conv5_is_256_maps_of_13():
    with torch.device("meta"):
        features = torchvision.models.alexnet().features
        assert features[:12](torch.empty(1, 3, 224, 224)).shape == (1, 256, 13, 13)


# Grey, silence


def test_grey_is_zero_to_black_and_the_largest_value_to_white(photos):
    maps = torch.tensor([[[-3.0, 0.0], [1.0, 4.0]], [[0.5, 0.25], [0.0, -1.0]], [[-1.0, -2.0], [0.0, 0.0]]])
    own = activations.to_grey(maps)
    assert own.tolist() == [[[0, 0], [0.25, 1]], [[1, 0.5], [0, 0]], [[0, 0], [0, 0]]]
    shared = activations.to_grey(maps, shared=True)
    assert shared.tolist() == [[[0, 0], [0.25, 1]], [[0.125, 0.0625], [0, 0]], [[0, 0], [0, 0]]]
    assert activations.to_grey(-maps.abs(), shared=True).count_nonzero() == 0


def test_silence_is_counted_over_images_and_positions():
    maps = torch.randn(3, 5, 4, 6, generator=torch.Generator().manual_seed(0))
    maps[:, 1] = -maps[:, 1].abs()
    maps[:, 2] = 0
    maps[:2, 3] = -1
    for channel in range(5):
        values = maps[:, channel].numpy()
        assert activations.sparsity(maps)[channel] == pytest.approx(np.mean(values <= 0))
    assert activations.never_fires(maps).tolist() == [False, True, True, False, False]


def test_silence_by_layer_is_that_of_each_layer_whatever_the_batch(net, photos):
    photos = torch.cat([photos, photos.flip(0), 1 - photos])
    found = activations.silence_by_layer(net, photos, ["0", "1"], batch=4)
    for layer, (share, never) in found.items():
        maps = activations.record(net, photos, layer)
        assert share == pytest.approx(activations.sparsity(maps).mean().item(), abs=1e-6)
        assert never == int(activations.never_fires(maps).sum())


# Over the photo


def test_upsampling_agrees_with_scikit_image():
    small = torch.rand(4, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = resize(small.numpy(), (32, 56), order=1, mode="edge", anti_aliasing=False)
    large = activations.upsample(small[None, None], (32, 56))
    np.testing.assert_allclose(large[0, 0], expected, atol=1e-6)


def test_a_cell_tints_the_middle_of_its_square_most():
    channel = torch.zeros(7, 7)
    channel[2, 5] = 3.0
    laid = activations.overlay(torch.zeros(3, 63, 63), channel, colour=(1.0, 0.0, 0.0))
    assert divmod(int(laid[0].argmax()), 63) == (2 * 9 + 4, 5 * 9 + 4)
    assert laid[0].max() == pytest.approx(0.75)
    assert laid[1:].count_nonzero() == 0


def test_a_silent_map_leaves_the_photo_as_it_is(photos):
    assert torch.equal(activations.overlay(photos[0], torch.zeros(2, 2)), photos[0])


def test_peaks_say_how_much_and_where():
    maps = torch.zeros(2, 3, 4, 8)
    maps[0, 1, 3, 2] = 5
    maps[1, 1, 0, 7] = 2
    values, places = activations.peak_places(maps, 1)
    assert values.tolist() == [5, 2]
    assert places.tolist() == [[3.5 / 4, 2.5 / 8], [0.5 / 4, 7.5 / 8]]
    with pytest.raises(LabError, match="no channel 3; the layer has 3, try 0 to 2"):
        activations.peak_places(maps, 3)


def test_what_is_no_map_is_refused():
    for function in (activations.sparsity, activations.never_fires):
        with pytest.raises(
            LabError,
            match=r"expected maps as \(N, C, h, w\) numbers, got \(3, 4\) torch.float32; try activations.record",
        ):
            function(torch.zeros(3, 4))


# Evidence


def test_selectivity_is_the_area_under_the_roc_curve():
    generator = torch.Generator().manual_seed(0)
    maps = torch.randint(0, 6, (14, 9, 2, 2), generator=generator).float()  # few values, so there are draws
    wanted = torch.arange(14) % 3 == 0
    expected = [roc_auc_score(wanted.numpy(), maps[:, c].amax(dim=(1, 2)).numpy()) for c in range(9)]
    np.testing.assert_allclose(evidence.selectivity(maps, wanted), expected, atol=1e-6)


def test_a_channel_that_never_fires_tells_nothing():
    assert (
        evidence.selectivity(torch.zeros(4, 1, 2, 2), torch.tensor([True, False, True, False])).item() == 0.5
    )


@pytest.mark.parametrize(
    "wanted", [torch.ones(4).bool(), torch.zeros(4).bool(), torch.ones(3).bool(), torch.ones(4)]
)
def test_a_search_needs_images_of_both_kinds(wanted):
    with pytest.raises(
        LabError, match=r"expected a bool for each of 4 images|expected wanted as \(4,\) bools, got"
    ):
        evidence.selectivity(torch.rand(4, 2, 3, 3), wanted)


def test_luck_is_the_best_selectivity_of_random_choices():
    maps = torch.randint(0, 4, (6, 5, 2, 2), generator=torch.Generator().manual_seed(0)).float()
    possible = set()
    for chosen in itertools.combinations(range(6), 2):
        wanted = torch.tensor([i in chosen for i in range(6)])
        possible.add(round(evidence.selectivity(maps, wanted).max().item(), 5))
    drawn = {round(value, 5) for value in evidence.best_by_chance(maps, count=2, draws=300).tolist()}
    assert drawn == possible
    with pytest.raises(LabError, match="expected a count of 1 to 5 of 6 images, got 6"):
        evidence.best_by_chance(maps, count=6)


def test_shuffled_faces_have_the_same_pixels_in_another_order():
    crops = torch.rand(2, 10, 15, generator=torch.Generator().manual_seed(0))
    shuffled = evidence.shuffle_blocks(crops)
    assert not torch.equal(shuffled, crops)
    assert torch.equal(shuffled.flatten(1).sort().values, crops.flatten(1).sort().values)
    squares = {
        tuple(square.flatten().tolist())
        for square in crops[0].unfold(0, 5, 5).unfold(1, 5, 5).reshape(-1, 25)
    }
    assert tuple(shuffled[0, :5, :5].flatten().tolist()) in squares


def test_face_tests_are_images_of_the_same_size_in_four_kinds():
    tests = evidence.face_tests(count=3, size=40, side=30)
    assert list(tests) == ["faces", "no faces", "shuffled", "upside down"]
    for some in tests.values():
        images.expect_images(some)
        assert some.shape == (3, 3, 40, 40)
        assert (some[:, :, :5] == 0.5).all()
    torch.testing.assert_close(tests["upside down"], tests["faces"].flip(2), rtol=0, atol=1e-5)
    with pytest.raises(LabError, match="expected 1 to 100 faces with sides of 1 to 40 pixels, got 3 of 41"):
        evidence.face_tests(count=3, size=40, side=41)


# Figures


def test_figures_say_in_their_alt_text_what_they_show_and_repeat_to_the_byte(photos):
    maps, by_chance = torch.rand(5, 4, 4), torch.rand(20)
    kinds = {"a": (photos, torch.rand(5)), "b": (photos, torch.zeros(3))}
    figures = [
        lambda: pictures.map_sheets(
            {"a": maps, "b": maps}, shared=[True, False], title="sheets", caption="of maps"
        ),
        lambda: proofs.against_chance(0.9, by_chance, label="score", title="luck", caption="and find"),
        lambda: proofs.examples_and_dots(kinds, label="peak", title="dots", caption="beside examples"),
    ]
    for figure in figures:
        assert figure().webp() == figure().webp()
    assert [figure().alt for figure in figures] == [
        "sheets. of maps",
        "luck. and find",
        "dots. beside examples",
    ]


def test_a_window_beyond_the_border_is_grey_there():
    image = torch.ones(3, 10, 20)
    assert pictures.window(image, 0.5, 0.5, size=6).min() == 1
    corner = pictures.window(image, 0.0, 1.0, size=6)
    assert ((corner == BETWEEN) == (corner != 1)).all()
    assert (corner[0] == 1).tolist() == [[False] * 6] * 3 + [[True] * 3 + [False] * 3] * 3


def test_ticks_name_parts_of_the_network_and_keep_apart():
    layers = ["bn1.act", *(f"blocks.{i}.{j}.act" for i in range(7) for j in range(4)), "bn2.act"]
    places = list(pictures.by_depth(layers))
    assert places[0] == 0
    assert 3 <= len(places) <= 10
    assert min(b - a for a, b in itertools.pairwise(places)) >= 2


# The explorer


@pytest.fixture
def tiny():
    """A Classifier of 8 and then 4 channels, for photos of 16 × 16."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.ReLU(inplace=True),
        nn.Conv2d(8, 4, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(576, 2),
    )
    return Classifier(net, name="tiny", categories=["a", "b"])


@pytest.fixture
def bank():
    pictures = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    return images.Photos(pictures, torch.full((3,), -1), ("one", "two", "three"), ("",) * 3)


def test_the_explorer_shows_what_its_controls_are_set_to(tiny, bank):
    shown = explore(tiny, bank, ["1", "3"], photo="two", channel=2)
    seen = shown.picture.webp()
    assert seen == channel_over_photo(tiny, bank["two"], "3", 2, name="two").webp()
    for name, value in {"photo": "three", "layer": "1", "channel": 7}.items():
        before = seen
        shown.controls[name].value = value
        seen = shown.picture.webp()
        assert seen != before
    assert seen == channel_over_photo(tiny, bank["three"], "1", 7, name="three").webp()
    assert "1, channel 7 of 8" in shown.picture.alt


def test_another_layer_offers_its_own_channels_and_begins_with_the_one_that_the_photo_moves_most(tiny, bank):
    shown = explore(tiny, bank, ["3", "1"], channel=7)
    shown.controls["layer"].value = "3"
    loudest = int(activations.record(tiny, bank.images[:1], "3").amax(dim=(0, 2, 3)).argmax())
    assert (shown.controls["channel"].max, shown.controls["channel"].value) == (3, loudest)
    assert f"3, channel {loudest} of 4" in shown.picture.alt


def test_the_explorer_refuses_what_is_not_there(tiny, bank):
    with pytest.raises(LabError, match="no photo 'tow' to choose here; try one of"):
        explore(tiny, bank, ["1"], photo="tow")
    with pytest.raises(LabError, match="no channel 8 in '1'; try 0 to 7"):
        explore(tiny, bank, ["1"], channel=8)
    with pytest.raises(LabError, match="no layer"):
        explore(tiny, bank, ["11"])
