import pytest
import torch
from torch import nn

from labkit import images, models
from labkit.errors import LabError
from labkit.methods import filters as lab
from labkit.methods import sheets


@pytest.fixture(scope="module")
def photos():
    return images.photos(size=128).images


@pytest.fixture(scope="module")
def grown(photos):
    return lab.learn_filters(photos, patches=30_000, rounds=12)


def test_the_first_convolution_is_a_copy(photos):
    net = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 5), nn.Conv2d(4, 3, 3))
    found = lab.first_convolution(net)
    assert torch.equal(found, net[1].weight)
    found.zero_()
    assert net[1].weight.abs().sum() > 0
    with pytest.raises(LabError, match="no convolution over 3 channels in Linear"):
        lab.first_convolution(nn.Linear(3, 3))


def test_rescaling_brings_each_filter_to_its_own_range():
    scaled = sheets.rescale(torch.cat([torch.randn(4, 3, 5, 5) * 9, torch.ones(1, 3, 5, 5)]))
    assert torch.allclose(scaled[:4].flatten(1).amin(1), torch.zeros(4))
    assert torch.allclose(scaled[:4].flatten(1).amax(1), torch.ones(4))
    assert (scaled[4] == 0.5).all()


def test_a_sheet_is_torchvisions_grid():
    from torchvision.utils import make_grid

    bank = torch.rand(7, 3, 4, 4)
    expected = make_grid(bank, nrow=3, padding=2)  # padding all around, rows filled first
    assert torch.equal(sheets.tile(bank, columns=3, gap=2), expected)


def test_patches_are_cut_from_the_images_they_are_said_to_come_from():
    numbered = torch.arange(2 * 3 * 9 * 9.0).reshape(2, 3, 9, 9)
    everywhere = numbered.unfold(2, 3, 1).unfold(3, 3, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 27)
    cut = lab.random_patches(numbered, count=4000, size=3, seed=4)
    assert all((everywhere == patch).all(1).any() for patch in cut)
    assert len(cut.unique(dim=0)) == len(everywhere)  # 98 places, all of them met
    with pytest.raises(LabError, match="patches of 11 × 11 from images of 9 × 9"):
        lab.random_patches(numbered, count=1, size=11)


def test_whitened_patches_are_uncorrelated_and_as_near_as_can_be(photos):
    patches = lab.normalize_contrast(lab.random_patches(photos, count=4000, size=3)).double()
    white = lab.zca_whiten(patches, epsilon=1e-6)
    covariance = torch.cov(white.T, correction=0)
    kept = torch.linalg.matrix_rank(
        torch.cov(patches.T), hermitian=True
    )  # each channel sum is fixed by the mean
    values = torch.linalg.eigvalsh(covariance)
    assert (values > 0.9).sum() >= kept - 3
    turned = white @ torch.linalg.qr(torch.randn(27, 27, dtype=torch.float64))[0]
    centred = patches - patches.mean(0)
    assert (white - centred).norm() < (turned - centred).norm()


def test_a_round_of_kmeans_is_the_loop_over_patches():
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn(200, 6, generator=generator)
    centroids = torch.nn.functional.normalize(torch.randn(5, 6, generator=generator), dim=1)
    sums = centroids.clone()
    for patch in patches:
        likeness = [float(patch @ centroid) for centroid in centroids]
        best = max(range(5), key=lambda k: abs(likeness[k]))
        sums[best] += likeness[best] * patch
    expected = torch.nn.functional.normalize(sums, dim=1)
    torch.testing.assert_close(lab.kmeans_round(patches, centroids), expected)


def test_grown_filters_are_oriented_and_band_limited_and_the_controls_are_not(grown, photos):
    noise = torch.rand(photos.shape, generator=torch.Generator().manual_seed(1))
    from_noise = lab.learn_filters(noise, patches=30_000, rounds=12)
    untrained = nn.Conv2d(3, 64, 11).weight.detach()
    assert lab.orientation(grown).median() > 0.6
    assert lab.bandwidth(grown).median() < 0.25
    for control in (from_noise, untrained):
        assert lab.orientation(control).median() < 0.2
        assert lab.bandwidth(control).median() > 0.6


def test_some_grown_filters_are_opponent_colours(grown):
    """As in AlexNet: most are grey edges, some are coloured, so that the colour planes disagree in sign."""
    planes = (grown - grown.mean(dim=(2, 3), keepdim=True)).flatten(2)  # (64, 3, 121)
    grey = (planes.sum(1).norm(dim=1) ** 2) / (3 * planes.square().sum((1, 2)))  # 1: the planes are equal
    assert (grey > 0.9).float().mean() > 0.4
    assert (grey < 0.6).sum() >= 5


def test_learning_is_repeatable_and_follows_its_seed(photos):
    few = {"count": 8, "size": 5, "patches": 2000, "rounds": 3}
    first, again, other = (lab.learn_filters(photos, seed=s, **few) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert first.shape == (8, 3, 5, 5)
    assert torch.allclose(first.flatten(1).norm(dim=1), torch.ones(8))


def test_learning_refuses_what_is_no_image(photos):
    with pytest.raises(LabError, match=r"0\.\.1"):
        lab.learn_filters(photos * 255)


def grating(angle, *, size=15, wavelength=5.0):
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    wave = torch.cos(2 * torch.pi * (x * torch.cos(angle) + y * torch.sin(angle)) / wavelength)
    return wave.expand(1, 3, size, size)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 160])
def test_a_grating_is_oriented_at_any_angle_and_a_blob_is_not(degrees):
    angle = torch.deg2rad(torch.tensor(float(degrees)))
    assert lab.orientation(grating(angle)) > 0.8
    assert lab.bandwidth(grating(angle)) < 0.1
    y, x = torch.meshgrid(torch.arange(15) - 7, torch.arange(15) - 7, indexing="ij")
    blob = torch.exp(-(x**2 + y**2) / 8.0).expand(1, 3, 15, 15)
    assert lab.orientation(blob) < 0.01


def test_a_flat_filter_has_no_orientation_and_no_nan():
    flat = torch.ones(1, 3, 5, 5)
    assert lab.orientation(flat) == 0
    assert lab.bandwidth(flat) == 0


def test_filters_grown_at_their_size_look_like_squeezenets_in_both_measures_and_untrained_ones_do_not(photos):
    grown = lab.learn_filters(photos, size=3, patches=20_000)
    trained, untrained = (
        lab.first_convolution(models.load("squeezenet", weights=weights).net)
        for weights in ("imagenet", None)
    )
    for measure in (lab.orientation, lab.bandwidth):
        expected = measure(trained).median()
        assert (measure(grown).median() - expected).abs() < 0.08
        assert (measure(untrained).median() - expected).abs() > 0.2


@pytest.mark.parametrize(("name", "oriented"), [("tissue", True), ("retina", True), ("deep field", False)])
def test_filters_mirror_what_their_picture_is_made_of(name, oriented):
    grown = lab.learn_filters(images.photos(size=448)[name], patches=20_000, rounds=10)
    assert (lab.orientation(grown).median() > 0.5) == oriented
    assert oriented or lab.orientation(grown).median() < 0.2
