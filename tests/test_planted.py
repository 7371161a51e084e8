"""Planted truth: what is planted decides, what is not does not, and the scores are what they are called."""

import copy

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from labkit import images
from labkit.errors import LabError
from labkit.methods import activations, gradients, neighbors, planted, sanity
from labkit.methods.gallery import pixels
from labkit.receptive import receptive_field
from labkit.show import planted as show_planted
from labkit.show.planted_explorer import METHODS, explore, map_and_truth

COUNT = 200


def rand(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def randn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def photos():
    return images.photos().images


@pytest.fixture(scope="module")
def learn(photos):
    return planted.planted(photos[:20], count=3000, seed=0)


@pytest.fixture(scope="module")
def both(photos):
    """Crops of photos that no network was taught, each with both marks."""
    return planted.planted(photos[20:], count=COUNT, both=True, seed=1)


@pytest.fixture(scope="module")
def test_crops(photos):
    return planted.planted(photos[20:], count=COUNT, seed=2)


@pytest.fixture(scope="module")
def networks(learn):
    """What was taught -> network."""
    return {mark: planted.teach(learn.images, learn.labels(mark)) for mark in ("watermark", "decoy")}


def share_marked(network, crops):
    return network(crops.images).argmax(dim=1).double().mean().item()


# the marks


def test_the_two_marks_are_mirror_images_and_differ():
    watermark, decoy = planted.watermark(), planted.decoy()
    assert torch.equal(watermark.flip(2), decoy)
    assert not torch.equal(watermark, decoy)
    assert set(watermark.unique().tolist()) == {0, 1}


def test_planting_is_pixel_by_pixel_what_it_says():
    bare, mark, places = rand(3, 3, 12, 10), rand(3, 4, 5, seed=1), torch.tensor([[0, 5], [8, 0], [3, 2]])
    before = bare.clone()
    found = planted.plant(bare, mark, opacity=0.3, places=places)
    for n, (row, column) in enumerate(places.tolist()):
        for y in range(12):
            for x in range(10):
                inside = row <= y < row + 4 and column <= x < column + 5
                expected = bare[n, :, y, x]
                if inside:
                    expected = 0.7 * expected + 0.3 * mark[:, y - row, x - column]
                torch.testing.assert_close(found[n, :, y, x], expected)
    assert torch.equal(bare, before)


def test_a_mask_is_where_the_image_changed(both):
    changed = (both.with_only("watermark").images != both.bare).any(dim=1)
    masks = both.masks("watermark")
    assert (changed & ~masks).sum() == 0
    assert changed.sum() > 0.9 * masks.sum()  # a pixel that had the mark's colour stays
    assert (masks.sum(dim=(1, 2)) == planted.SIDE**2).all()


@pytest.mark.parametrize("place", [[-1, 0], [0, -1], [4, 0], [0, 2]])
def test_a_mark_over_the_edge_is_refused(place):
    with pytest.raises(LabError, match="expected places"):
        planted.plant(rand(1, 3, 12, 10), rand(3, 9, 9), opacity=0.5, places=torch.tensor([place]))


# the crops


def test_the_marks_never_touch(both):
    assert not (both.masks("watermark") & both.masks("decoy")).any()


def test_all_four_kinds_of_crops_are_as_many(test_crops):
    kinds = 2 * test_crops.labels("watermark") + test_crops.labels("decoy")
    assert kinds.bincount().tolist() == [COUNT // 4] * 4
    assert not test_crops.masks("watermark")[~test_crops.has["watermark"]].any()


def test_crops_are_cut_out_of_photos_some_of_them_mirrored():
    photos = rand(2, 3, 20, 20)
    windows = photos.unfold(2, 16, 1).unfold(3, 16, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, 16, 16)
    crops = planted.random_crops(photos, count=40, size=16)
    as_is = [any(torch.equal(crop, window) for window in windows) for crop in crops]
    mirrored = [any(torch.equal(crop.flip(2), window) for window in windows) for crop in crops]
    assert all(a != b for a, b in zip(as_is, mirrored, strict=True))
    assert 8 < sum(as_is) < 32


def test_the_same_seed_draws_the_same_crops_and_another_seed_others(photos):
    first, again, other = (planted.planted(photos, count=20, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)


def test_crops_at_another_opacity_and_some_of_them(both):
    assert torch.equal(both.at_opacity(0).images, both.bare)
    assert torch.equal(both.at_opacity(both.opacity).images, both.images)
    few = both.some([5, 2])
    assert torch.equal(few.images, both.images[[5, 2]])
    assert torch.equal(few.masks("decoy"), both.masks("decoy")[[5, 2]])


# the truth


def test_the_watermark_decides_and_nothing_else_does(networks, both):
    """The proof that the truth is planted: the photos stay, and the answer follows the mark."""
    for taught, other in (("watermark", "decoy"), ("decoy", "watermark")):
        network = networks[taught]
        assert share_marked(network, both) > 0.97
        assert share_marked(network, both.with_only(taught)) > 0.97
        assert share_marked(network, both.with_only(other)) < 0.05
        assert share_marked(network, both.with_only()) < 0.05


def test_without_the_mark_accuracy_falls_to_chance(networks, test_crops):
    network, labels = networks["watermark"], test_crops.labels("watermark")
    right = (network(test_crops.images).argmax(dim=1) == labels).double().mean()
    blind = (network(test_crops.with_only("decoy").images).argmax(dim=1) == labels).double().mean()
    assert right > 0.97
    assert abs(blind - 0.5) < 0.05


def test_what_the_photos_show_says_nothing_of_the_class(learn, test_crops):
    """A network that is taught the same labels on the bare crops does no better than a coin: 0.5 ± 4σ."""
    network = planted.teach(learn.bare, learn.labels("watermark"), steps=60)
    logits = network(test_crops.bare)
    labels = test_crops.labels("watermark")
    assert abs(roc_auc_score(labels.numpy(), (logits[:, 1] - logits[:, 0]).numpy()) - 0.5) < 4 * 0.041


def test_teaching_is_the_same_for_the_same_seed(learn):
    few, labels = learn.images[:200], learn.labels("watermark")[:200]
    first, again, other = (planted.teach(few, labels, steps=5, seed=seed) for seed in (1, 1, 2))
    for one, two in zip(first.net.parameters(), again.net.parameters(), strict=True):
        assert torch.equal(one, two)
    assert not torch.equal(first.net[0].weight, other.net[0].weight)


def test_teaching_leaves_images_labels_and_the_generator_as_they_were(learn):
    few, labels = learn.images[:100].clone(), learn.labels("watermark")[:100]
    state = torch.get_rng_state()
    with torch.inference_mode():
        network = planted.teach(few, labels, steps=2)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(few, learn.images[:100])
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_untaught_network_is_what_teaching_begins_with(learn):
    few, labels = learn.images[:100], learn.labels("watermark")[:100]
    begun, untaught = planted.teach(few, labels, steps=1, seed=7), planted.untaught(seed=7)
    moved = (begun.net[0].weight - untaught.net[0].weight).abs().max()
    assert 0 < moved < 0.005  # one step of Adam at the rate that it begins with
    assert untaught.weights is None


def test_it_is_tiny(networks):
    assert sum(parameter.numel() for parameter in networks["watermark"].net.parameters()) == 2386


@pytest.mark.parametrize(
    "labels", [torch.zeros(4).long(), torch.tensor([0, 1, 2, 1]), torch.tensor([0.0, 1, 0, 1])]
)
def test_labels_that_are_not_of_both_kinds_are_refused(labels):
    with pytest.raises(LabError, match="expected labels"):
        planted.teach(rand(4, 3, 48, 48), labels)


# the scores


def test_mass_inside_by_counting():
    maps, masks = randn(4, 6, 5), rand(4, 6, 5, seed=1) > 0.6
    maps[1] = 0
    expected = []
    for map_, mask in zip(maps.tolist(), masks.tolist(), strict=True):
        pixels_ = [
            (abs(v), m) for row, line in zip(map_, mask, strict=True) for v, m in zip(row, line, strict=True)
        ]
        total = sum(v for v, _ in pixels_)
        expected.append(sum(v for v, m in pixels_ if m) / total if total else sum(m for _, m in pixels_) / 30)
    torch.testing.assert_close(planted.mass_inside(maps, masks), torch.tensor(expected))


def test_mass_inside_holds_for_maps_as_faint_as_floats_allow():
    maps, masks = randn(2, 6, 5), rand(2, 6, 5, seed=1) > 0.6
    torch.testing.assert_close(
        planted.mass_inside(maps * 1e-37, masks), planted.mass_inside(maps, masks), rtol=1e-3, atol=1e-3
    )
    torch.testing.assert_close(planted.mass_inside(maps * 1e36, masks), planted.mass_inside(maps, masks))


def test_a_mask_and_the_rest_share_the_mass_and_a_flat_map_gives_the_area():
    maps, masks = randn(3, 6, 5), rand(3, 6, 5, seed=1) > 0.6
    torch.testing.assert_close(
        planted.mass_inside(maps, masks) + planted.mass_inside(maps, ~masks), torch.ones(3)
    )
    area = masks.float().mean(dim=(1, 2))
    for score in (planted.mass_inside, planted.pointing_game):
        torch.testing.assert_close(score(torch.full((3, 6, 5), -2.0), masks), area)


def test_the_pointing_game_with_one_peak_is_argmax():
    maps, masks = randn(50, 6, 5), rand(50, 6, 5, seed=1) > 0.5
    peaks = [np.unravel_index(int(np.abs(map_).argmax()), (6, 5)) for map_ in maps.numpy()]
    expected = [float(mask[peak]) for mask, peak in zip(masks.numpy(), peaks, strict=True)]
    assert planted.pointing_game(maps, masks).tolist() == expected


def test_of_several_equal_peaks_the_share_inside_counts():
    maps = torch.tensor([[[3.0, -3.0, 1.0], [0.0, 3.0, 2.0]]])
    masks = torch.tensor([[[False, True, True], [True, True, True]]])
    torch.testing.assert_close(planted.pointing_game(maps, masks), torch.tensor([2 / 3]))


def test_resemblance_is_numpys_correlation_at_the_best_place():
    pictures, pattern = randn(2, 3, 9, 8), randn(3, 4, 3, seed=1)
    grey, wanted = pictures.mean(dim=1).numpy(), pattern.mean(dim=0).numpy().ravel()
    found = [
        [np.corrcoef(one[y : y + 4, x : x + 3].ravel(), wanted)[0, 1] for y in range(6) for x in range(6)]
        for one in grey
    ]
    expected = torch.tensor(found, dtype=torch.float32)
    torch.testing.assert_close(planted.resemblance(pictures, pattern), expected.amax(dim=1))
    torch.testing.assert_close(
        planted.resemblance(pictures, pattern, either_sign=True), expected.abs().amax(dim=1)
    )


def test_a_pattern_resembles_itself_wherever_it_is_and_a_flat_image_nothing():
    mark = planted.watermark()
    picture = torch.full((2, 3, 20, 20), 0.4)
    picture[0, :, 3:12, 7:16] = 0.5 * mark
    torch.testing.assert_close(planted.resemblance(picture, mark), torch.tensor([1.0, 0.0]))
    assert planted.image_trials(picture).tolist() == [1, 0.5]
    assert planted.image_trials(picture.flip(3)).tolist() == [0, 0.5]


# the trials


def test_maps_of_the_two_networks_point_at_what_each_was_taught(networks, both):
    for taught, expected in (("watermark", 1), ("decoy", 0)):
        for rule in (gradients.input_gradient, None):
            if rule:
                found = rule(lambda pictures, network=networks[taught]: network(pictures)[:, 1], both.images)
                maps = found.abs().amax(dim=1)
            else:
                maps = gradients.guided_backprop(networks[taught], both.images, "marked").abs().amax(dim=1)
            assert abs(planted.map_trials(maps, both).mean() - expected) < 0.05
            assert planted.pointing_game(maps, both.masks(taught)).mean() > 0.95


def test_what_knows_no_network_finds_neither(both, test_crops):
    """0.5 ± 4σ, for the marks are each other's mirror image and every other crop is mirrored."""
    assert abs(planted.map_trials(sanity.edges(both.images), both).mean() - 0.5) < 4 * 0.5 / COUNT**0.5
    assert (
        abs(planted.neighbor_trials(pixels(test_crops.images), test_crops).mean() - 0.5)
        < 4 * 0.5 / COUNT**0.5
    )


def test_neighbors_channels_patches_and_filters_tell_the_two_networks_apart(networks, test_crops, both):
    for taught, sign in (("watermark", 1), ("decoy", -1)):
        network = networks[taught]
        trials = {
            "neighbours": planted.neighbor_trials(neighbors.features(network, test_crops.images), test_crops),
            "channel": planted.channel_trials(network, test_crops, taught, both),
            "patches": planted.patch_trials(network, test_crops, k=4),
            "filters": planted.filter_trials(network.net),
        }
        for name, values in trials.items():
            assert set(values.unique().tolist()) <= {0, 0.5, 1}, name
            assert sign * (values.mean() - 0.5) > 0.15, (taught, name, values.mean())


def test_neighbor_trials_by_counting(test_crops):
    vectors = randn(COUNT, 6)
    expected = []
    for i in range(COUNT):
        order = (vectors - vectors[i]).norm(dim=1).argsort()
        near = [j for j in order.tolist() if j != i][:5]
        same = [sum((there[j] == there[i]).item() for j in near) for there in test_crops.has.values()]
        expected.append(1.0 if same[0] > same[1] else 0.0 if same[0] < same[1] else 0.5)
    assert planted.neighbor_trials(vectors, test_crops).tolist() == expected


def test_the_chosen_channel_is_the_one_with_the_best_area_under_the_curve(networks, test_crops, both):
    network = networks["watermark"]
    peaks = activations.record(network, test_crops.images, planted.LAYER).amax(dim=(2, 3)).numpy()
    wanted = test_crops.has["watermark"].numpy()
    best = int(np.argmax([roc_auc_score(wanted, channel) for channel in peaks.T]))
    maps = activations.record(network, both.images, planted.LAYER)[:, best]
    field = receptive_field(network.net, planted.LAYER, 48)
    found = []
    for n, map_ in enumerate(maps):
        row, column = np.unravel_index(int(map_.argmax()), map_.shape)
        top, left, bottom, right = field.box(int(row), int(column))
        holds = []
        for mark in ("watermark", "decoy"):
            y, x = (both.places[mark][n] + 4).tolist()
            holds.append(top <= y < bottom and left <= x < right)
        found.append(0.5 + 0.5 * (holds[0] - holds[1]))
    assert planted.channel_trials(network, test_crops, "watermark", both).tolist() == found


def test_a_filter_that_is_a_part_of_a_mark_is_told_by_it():
    mark = planted.watermark()
    weights = torch.stack([mark[:, 1:8, 1:8], mark.flip(2)[:, 1:8, 1:8], -mark[:, 2:9, 0:7]])
    net = nn.Conv2d(3, 3, 7)
    net.weight.data = weights
    assert planted.filter_trials(net).tolist() == [1, 0, 1]


# the figures


def test_who_found_it_draws_a_dot_for_each_network_and_says_its_numbers():
    trials = {"a": {"one": torch.ones(8), "two": torch.zeros(8)}, "b": {"one": torch.tensor([0.0, 1])}}
    figure = show_planted.who_found_it(trials, title="Who", caption="All.")
    drawn = [tuple(point) for dots in figure.axes[0].collections for point in dots.get_offsets().tolist()]
    assert {(1, 0), (0.5, 1), (0, 0)} <= {(round(x, 3), round(y, 3)) for x, y in drawn}
    assert "a: one 1.00, two 0.00; b: one 0.50" in figure.alt
    with pytest.raises(LabError, match="at least one method"):
        show_planted.who_found_it({})
    with pytest.raises(LabError, match="at most 4 networks"):
        show_planted.who_found_it({"a": {str(n): torch.ones(2) for n in range(5)}})


def test_what_coins_give_is_what_coins_give():
    low, high = show_planted.by_coins(100)
    heads = np.random.default_rng(0).binomial(100, 0.5, 20_000) / 100
    assert abs(((heads >= low) & (heads <= high)).mean() - 0.95) < 0.03
    assert show_planted.by_coins(2) == (0, 1)


def test_frames_stand_around_the_marks_that_are_there(test_crops):
    number = int((test_crops.has["watermark"] & ~test_crops.has["decoy"]).nonzero()[0])
    figure = show_planted.beside_the_truth({"planted": [test_crops.images[number]]}, test_crops, [number])
    (frame,) = figure.axes[0].patches
    row, column = test_crops.places["watermark"][number].tolist()
    assert frame.get_xy() == (column - 1.5, row - 1.5)
    assert frame.get_width() == frame.get_height() == planted.SIDE + 2


def test_the_explorer_moves(networks, both):
    explorer = explore(networks, both.some(range(3)))
    first = explorer.picture
    for name, value in {
        "crop": 2,
        "method": "guided backprop",
        "network": "decoy",
        "category": "plain",
        "opacity": 0.0,
    }.items():
        explorer.controls[name].value = value
        assert explorer.message.value == ""
        assert explorer.picture is not first
    with pytest.raises(LabError, match="at least one network"):
        explore({}, both)
    with pytest.raises(LabError, match="no method"):
        map_and_truth(networks["decoy"], both, 0, "magic", "plain", 0.3)


@pytest.mark.parametrize("method", METHODS)
def test_each_method_of_the_explorer_says_what_it_measured(method, networks, both):
    picture = map_and_truth(networks["watermark"], both, 0, method, "marked", 0.3)
    assert "on the watermark" in picture.caption
    bare = map_and_truth(networks["watermark"], both.with_only(), 0, method, "plain", 0.3)
    assert "There is no mark in it." in bare.caption


def test_a_network_keeps_what_it_was_taught_when_copied(networks, both):
    torch.testing.assert_close(
        copy.deepcopy(networks["decoy"])(both.images[:3]), networks["decoy"](both.images[:3])
    )
