"""Neighbours against loops in float64, features against the forward pass by hand, and a gallery in batches."""

import math
from copy import deepcopy

import pytest
import torch
from PIL import Image
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.data import DataLoader, TensorDataset

from labkit import images, models
from labkit.errors import LabError
from labkit.methods import gallery as galleries
from labkit.methods import neighbors
from labkit.show.neighbors import grouped_bars, neighbor_rows, photo_map


@pytest.fixture
def net():
    torch.manual_seed(0)
    body = (nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.5))
    return nn.Sequential(*body, nn.Linear(20, 9), nn.ReLU(inplace=True), nn.Linear(9, 4)).eval()


def vectors(count, size, seed=0, middle=0.0):
    return middle + torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def by_loops(query, gallery, k, leave_out=None):
    """The k nearest of each query, pair after pair, in Python's own floats."""
    indices, found = [], []
    for i, q in enumerate(query.tolist()):
        pairs = [
            (math.dist(q, g), j)
            for j, g in enumerate(gallery.tolist())
            if leave_out is None or j != int(leave_out[i])
        ]
        indices.append([j for _, j in sorted(pairs)[:k]])
        found.append([far for far, _ in sorted(pairs)[:k]])
    return torch.tensor(indices), torch.tensor(found, dtype=torch.float64)


def hooks_left(net):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules())


# features ---------------------------------------------------------------------------------------------
def test_features_are_the_output_of_the_network_without_its_last_layer(net):
    photos = torch.rand(5, 3, 12, 12)
    bare = deepcopy(net)
    bare[-1] = nn.Identity()
    found = neighbors.features(net, photos)
    torch.testing.assert_close(found, bare(photos).detach(), rtol=0, atol=0)
    torch.testing.assert_close(net[-1](found), net(photos))
    assert not found.requires_grad


@pytest.mark.parametrize("batch_size", [1, 2, 3, 99])
def test_the_batch_size_does_not_change_the_features(net, batch_size):
    photos = torch.rand(5, 3, 12, 12)
    torch.testing.assert_close(
        neighbors.features(net, photos, batch_size=batch_size), neighbors.features(net, photos)
    )


def test_efficientnets_features_are_timms_own():
    model, photos = models.load("efficientnet_lite0"), images.photos(size=64).images[:3]
    found = neighbors.features(model, photos)
    with torch.no_grad():
        maps = model.net.forward_features((photos - model.mean) / model.std)
        by_hand = model.net.forward_head(maps, pre_logits=True)
    assert found.shape == (3, 1280)
    torch.testing.assert_close(found, by_hand, rtol=1e-4, atol=1e-5)


def test_a_fully_convolutional_networks_features_are_what_its_last_convolution_sees_on_average():
    model, photos = models.load("squeezenet"), images.photos(size=64).images[:3]
    found = neighbors.features(model, photos, batch_size=2)
    with torch.no_grad():
        by_hand = model.net.features((photos - model.mean) / model.std).mean(dim=(2, 3))
    assert found.shape == (3, 512)
    torch.testing.assert_close(found, by_hand, rtol=1e-4, atol=1e-4)
    assert hooks_left(model) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in models.NETWORKS if name != "squeezenet"])
def test_features_of_every_network_with_a_linear_layer_make_its_logits(name):
    model, photos = models.load(name, weights=None), torch.rand(2, 3, 64, 64)
    last = [m for m in model.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        torch.testing.assert_close(last(neighbors.features(model, photos)), model(photos))
    assert hooks_left(model) == 0


def test_the_hook_comes_off_at_the_end_and_after_an_exception(net):
    neighbors.features(net, torch.rand(1, 3, 12, 12))
    assert hooks_left(net) == 0
    with pytest.raises(LabError, match=r"cannot take images \(1, 3, 2, 2\)"):
        neighbors.features(net, torch.rand(1, 3, 2, 2))  # smaller than the filter
    assert hooks_left(net) == 0
    with pytest.raises(ZeroDivisionError), neighbors.penultimate(net):
        raise ZeroDivisionError
    assert hooks_left(net) == 0


@pytest.mark.parametrize("net", [nn.ReLU().eval(), nn.Conv2d(3, 4, 3).eval()])
def test_a_network_without_a_last_layer_is_told_so(net):
    said = rf"no nn.Linear in {type(net).__name__}, and no 1 × 1 convolution at its end; expected a classifier, try"
    with pytest.raises(LabError, match=said):
        neighbors.features(net, torch.rand(1, 3, 4, 4))


def test_a_linear_layer_that_does_not_run_is_told_so():
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(3, 2)

        def forward(self, x):
            return x.mean(dim=(2, 3))

    with pytest.raises(LabError, match="did not run"):
        neighbors.features(Idle().eval(), torch.rand(1, 3, 4, 4))


def test_images_that_are_normalised_already_are_refused(net):
    with pytest.raises(LabError, match=r"expected values in 0..1"):
        neighbors.features(net, torch.rand(1, 3, 12, 12) * 2)


# distances --------------------------------------------------------------------------------------------
def test_distances_are_those_of_a_loop():
    query, gallery = vectors(7, 5), vectors(11, 5, seed=1)
    expected = torch.tensor([[math.dist(q, g) for g in gallery.tolist()] for q in query.tolist()])
    torch.testing.assert_close(neighbors.distances(query, gallery).float(), expected)


def test_equal_long_vectors_are_no_distance_apart():
    long = vectors(40, 64, middle=1000.0)
    squares = long.square().sum(1)[:, None] + long.square().sum(1) - 2 * long @ long.T
    assert (squares.diagonal() < 0).any()  # what the plain formula makes of them in float32
    found = neighbors.distances(long, long)
    exact = torch.cdist(long.double(), long.double(), compute_mode="donot_use_mm_for_euclid_dist")
    torch.testing.assert_close(found, exact, rtol=1e-9, atol=1e-5)
    _, apart = neighbors.nearest(long, long.clone(), 1)
    assert (apart == 0).all()


# nearest ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("memory_mb", [256, 0])
@pytest.mark.parametrize("k", [1, 4, 23])
def test_nearest_are_those_of_a_loop_whatever_the_memory(k, memory_mb):
    query, gallery = vectors(9, 6), vectors(23, 6, seed=1)
    indices, found = neighbors.nearest(query, gallery, k, memory_mb=memory_mb)
    expected_indices, expected = by_loops(query, gallery, k)
    assert indices.equal(expected_indices)
    torch.testing.assert_close(found, expected)


def test_several_blocks_on_either_side_give_what_one_gives(monkeypatch):
    query, gallery = vectors(50, 4), vectors(101, 4, seed=1)
    whole = neighbors.nearest(query, gallery, 7)
    monkeypatch.setattr(neighbors, "_ROWS", 16)
    for ours, theirs in zip(neighbors.nearest(query, gallery, 7), whole, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("rows", [3, 1024])
def test_an_image_is_left_out_by_its_place_and_its_copy_stays(monkeypatch, rows):
    monkeypatch.setattr(neighbors, "_ROWS", rows)
    gallery = vectors(10, 6)
    gallery[7] = gallery[2]
    itself = torch.arange(10)
    indices, found = neighbors.nearest(gallery, gallery, 3, leave_out=itself)
    _, expected = by_loops(gallery, gallery, 3, leave_out=itself)
    torch.testing.assert_close(found, expected)
    assert not (indices == itself[:, None]).any()
    assert (indices[2, 0], indices[7, 0], found[2, 0]) == (7, 2, 0)


def test_a_large_gallery_needs_little_memory():
    class Largest(TorchFunctionMode):
        numbers = 0

        def __torch_function__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            if isinstance(result, torch.Tensor) and result.dtype == torch.float64:
                self.numbers = max(self.numbers, result.numel())
            return result

    gallery = vectors(200, 20_000)
    with Largest() as largest:
        neighbors.nearest(gallery[:10], gallery, 3, memory_mb=16)
    assert largest.numbers * 8 <= 4 * 2**20  # a block at a time; all of it would be 32 MB


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: neighbors.nearest(v, v, 6), r"expected k in 1\.\.5 for a gallery of 5, got 6"),
        (lambda v: neighbors.nearest(v, v, 5, leave_out=torch.arange(5)), r"expected k in 1\.\.4"),
        (lambda v: neighbors.nearest(v, v, 0), r"expected k in 1\.\.5"),
        (
            lambda v: neighbors.nearest(v, v, 1, leave_out=torch.arange(3)),
            r"leave_out as \(5,\) whole numbers, got \(3,\) .*arange\(5\)",
        ),
        (lambda v: neighbors.nearest(v, v, 1, leave_out=torch.full((5,), 5)), r"each in 0\.\.4"),
        (lambda v: neighbors.nearest(v, v[:, :2], 1), r"of one D, got \(5, 3\) and \(5, 2\)"),
        (
            lambda v: neighbors.distances(v[0], v),
            r"query as \(N, D\) numbers, got \(3,\) .*; try images.flatten\(1\)",
        ),
        (lambda v: neighbors.nearest(v, v / 0 * 0, 1), "5 of 5 gallery vectors hold NaN"),
        (lambda v: galleries.views(torch.rand(1, 3, 4, 4), changes=["rotate"]), r"no change \['rotate'\]"),
        (
            lambda v: galleries.views(torch.rand(1, 3, 4, 4), per_photo=0),
            "per_photo as a whole number of 1 or more, got 0",
        ),
        (lambda v: galleries.views(torch.rand(3, 4, 4)), r"try image.unsqueeze\(0\)"),
        (lambda v: galleries.collect([]), "empty gallery"),
        (lambda v: photo_map({"a": v}, torch.rand(5, 3, 4, 4)), r"a point \(x, y\) for each of 5 images"),
    ],
)
def test_what_does_not_fit_is_said(call, message):
    with pytest.raises(LabError, match=message):
        call(vectors(5, 3))


# precision --------------------------------------------------------------------------------------------
def test_precision_is_the_share_of_right_neighbours():
    found = torch.tensor([[0, 1], [2, 3], [3, 1]])
    got = neighbors.precision_at_k(found, torch.tensor([7, 9, 9]), torch.tensor([7, 9, 9, 7]))
    torch.testing.assert_close(got, torch.tensor([0.5, 0.5, 0.5], dtype=torch.float64))
    assert neighbors.precision_at_k(found, torch.tensor([1, 1, 1]), torch.zeros(4)).sum() == 0


@pytest.mark.parametrize("network", models.EMBEDDED)
def test_features_find_views_that_pixels_and_an_untrained_network_do_not(network):
    gallery, ids = galleries.views(images.photos(size=80).images[:8], per_photo=3)
    spaces = {
        "pixels": galleries.pixels(gallery, size=32),
        "untrained": neighbors.features(models.load(network, weights=None), gallery),
        "trained": neighbors.features(models.load(network), gallery),
    }
    score = {}
    for name, space in spaces.items():
        near, _ = neighbors.nearest(space, space, 2, leave_out=torch.arange(len(ids)))
        score[name] = neighbors.precision_at_k(near, ids, ids).mean().item()
    assert score["trained"] > 0.6
    assert score["trained"] > 2 * max(score["pixels"], score["untrained"])


# the gallery ------------------------------------------------------------------------------------------
def test_views_are_the_photo_and_changed_ones_and_equal_for_equal_seeds():
    photos = torch.rand(3, 3, 20, 30)
    gallery, ids = galleries.views(photos, per_photo=4, seed=5)
    assert gallery.shape == (12, 3, 20, 30)
    assert ids.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert gallery[::4].equal(photos)
    assert 0 <= gallery.min() <= gallery.max() <= 1
    assert len({tuple(view.flatten().tolist()) for view in gallery}) == 12
    assert gallery.equal(galleries.views(photos, per_photo=4, seed=5)[0])
    assert not gallery.equal(galleries.views(photos, per_photo=4, seed=6)[0])


def test_each_change_does_what_it_says_alone():
    photo = 0.2 + 0.4 * torch.rand(1, 3, 16, 16)
    assert galleries.views(photo, per_photo=2, changes=["flip"])[0][1].equal(photo[0].flip(-1))
    lit = galleries.views(photo, per_photo=2, changes=["light"])[0][1] / photo[0]
    torch.testing.assert_close(lit, lit[:, :1, :1].expand_as(lit))  # one factor a colour
    cut = galleries.views(photo, per_photo=2, changes=["crop"])[0][1]
    assert photo.min() <= cut.min() <= cut.max() <= photo.max()
    assert galleries.views(photo, per_photo=3, changes=[])[0].equal(photo.expand(3, -1, -1, -1))


def test_pixels_are_means_over_squares():
    photo = torch.rand(2, 3, 8, 8)
    by_hand = photo.unflatten(3, (4, 2)).unflatten(2, (4, 2)).mean(dim=(3, 5)).flatten(1)
    torch.testing.assert_close(galleries.pixels(photo, size=4), by_hand)


def test_a_gallery_that_comes_in_batches_is_the_gallery_in_one(net):
    photos, labels = torch.rand(23, 3, 12, 12), torch.arange(23) % 4
    batches = DataLoader(TensorDataset(photos, labels), batch_size=5)
    found = galleries.collect(
        batches, pixels=galleries.pixels, features=lambda batch: neighbors.features(net, batch)
    )
    assert found["ids"].equal(labels)
    torch.testing.assert_close(found["pixels"], galleries.pixels(photos))
    torch.testing.assert_close(found["features"], neighbors.features(net, photos))


def test_imagenette_goes_through_the_same_functions(tmp_path, net):
    folders = ["n01440764", "n02102040", "n02979186", "n03000684", "n03028079"]
    folders += ["n03394916", "n03417042", "n03425413", "n03445777", "n03888257"]
    for number, name in enumerate(folders):  # what Imagenette's archive unpacks to
        place = tmp_path / "imagenette2-160" / "val" / name
        place.mkdir(parents=True)
        for copy in range(2):
            Image.new("RGB", (20, 16), (25 * number, 9 * copy, 0)).save(place / f"{name}_{copy}.JPEG")
    dataset = images.imagenette(size=16, root=tmp_path)
    found = galleries.collect(
        DataLoader(dataset, batch_size=7),
        pixels=galleries.pixels,
        features=lambda batch: neighbors.features(net, batch),
    )
    near, _ = neighbors.nearest(found["pixels"], found["pixels"], 1, leave_out=torch.arange(20))
    assert found["features"].shape == (20, 9)
    assert neighbors.precision_at_k(near, found["ids"], found["ids"]).mean() == 1
    assert found["ids"][0] == 0
    assert found["ids"][-1] == 701


# the map ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("N", "D"), [(30, 5), (6, 40)])
def test_a_map_is_made_of_the_two_widest_principal_components(N, D):
    points, share = neighbors.pca_map(vectors(N, D, middle=3.0))
    from sklearn.decomposition import PCA

    pca = PCA(2, svd_solver="full").fit(vectors(N, D, middle=3.0).double().numpy())
    theirs = torch.from_numpy(pca.transform(vectors(N, D, middle=3.0).double().numpy()))
    torch.testing.assert_close(points.abs(), theirs.abs())
    torch.testing.assert_close(share, torch.from_numpy(pca.explained_variance_ratio_))


def test_a_map_does_not_turn_over_when_its_vectors_are_shifted():
    cloud = vectors(30, 5)
    torch.testing.assert_close(
        neighbors.pca_map(cloud)[0], neighbors.pca_map(cloud + 5)[0], atol=1e-5, rtol=1e-5
    )


# the figures ------------------------------------------------------------------------------------------
def test_every_figure_draws_and_says_in_words_what_it_shows():
    photos = torch.rand(6, 3, 8, 8)
    row = (photos[:5], torch.arange(5.0), torch.tensor([True, False, True, False, False]))
    points = vectors(6, 2)
    figures = [
        neighbor_rows(photos[0], {"pixels": row, "features": row}, name="a jeep", title="t", caption="c"),
        grouped_bars(
            {"crop": {"a": 0.1, "b": 1.0}, "flip": {"a": 0.0, "b": 0.5}},
            label="share",
            title="t",
            caption="c",
        ),
        photo_map(
            {"a": points, "b": points}, photos, ids=torch.arange(6), linked=[3], title="t", caption="c"
        ),
        photo_map({"alone": points}, photos, title="t", caption="c"),
    ]
    for figure in figures:
        assert figure.webp().startswith(b"RIFF")
        assert figure.alt == "t. c"


def test_right_and_wrong_differ_by_a_mark_and_not_by_colour_alone():
    photos = torch.rand(2, 3, 8, 8)
    rows = {"pixels": (photos, torch.tensor([1.0, 2.0]), torch.tensor([True, False]))}
    titles = [axes.get_title() for axes in neighbor_rows(photos[0], rows).axes]
    assert titles == ["", "✓  1.00", "✗  2.00"]
