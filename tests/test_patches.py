"""The judge: every image by itself, every map searched place by place, everything sorted at the end."""

import random
import weakref

import pytest
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset

from labkit import batches, images, models
from labkit.errors import LabError
from labkit.hooks import recording
from labkit.methods import patches
from labkit.receptive import receptive_field
from labkit.show import patches as pictures


class Branched(nn.Module):
    """Two strides, a branch around a convolution, and pixels that only some channels see."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.side = nn.Conv2d(6, 6, 3, padding=1, groups=2)
        self.out = nn.Conv2d(6, 5, 3, stride=2, padding=1)
        self.head = nn.Linear(5, 4)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        return self.head(self.out(x + torch.relu(self.side(x))).mean((2, 3)))


def classifier(net):
    return models.Classifier(net, name="tiny", categories=["a", "b", "c", "d"])


@pytest.fixture
def model():
    torch.manual_seed(0)
    return classifier(Branched())


@pytest.fixture
def photos():
    return torch.rand(23, 3, 21, 32, generator=torch.Generator().manual_seed(1))


def brute_force(model, photos, layer, channels, k):
    """(value, image, row, column) of each channel's k best, by looking at every unit of every image."""
    best = []
    for channel in channels:
        found = []
        for number in range(len(photos)):
            with torch.no_grad(), recording(model.net, layer) as seen:
                model(photos[number : number + 1])
            grid = seen[layer][0, channel].tolist()
            units = [(value, r, c) for r, row in enumerate(grid) for c, value in enumerate(row)]
            value, row, column = max(units, key=lambda unit: unit[0])
            found.append((value, number, row, column))
        best.append(sorted(found, key=lambda patch: -patch[0])[:k])
    return best


def facts(top):
    columns = zip(
        top.values.tolist(), top.images.tolist(), top.rows.tolist(), top.columns.tolist(), strict=True
    )
    return [list(zip(*row, strict=True)) for row in columns]


def expect_same(top, expected):
    got = facts(top)
    assert [[patch[1:] for patch in row] for row in got] == [[patch[1:] for patch in row] for row in expected]
    torch.testing.assert_close(top.values, torch.tensor([[patch[0] for patch in row] for row in expected]))


# The best of all


@pytest.mark.parametrize("layer", ["stem", "side", "out"])
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_top_patches_are_what_brute_force_finds(model, photos, layer, batch_size):
    top = patches.top_patches(model, photos, layer, [4, 0, 3], k=6, batch_size=batch_size)
    expect_same(top, brute_force(model, photos, layer, [4, 0, 3], k=6))
    assert top.channels.tolist() == [4, 0, 3]


def test_each_patch_is_its_box_of_its_image_and_the_box_is_the_units_field(model, photos):
    top = patches.top_patches(model, photos, "out", range(5), k=9)
    field = receptive_field(model.net, "out", (21, 32))
    for c in range(5):
        for rank in range(9):
            box = top.boxes[c, rank].tolist()
            assert tuple(box) == field.box(top.rows[c, rank].item(), top.columns[c, rank].item())
            cut = photos[top.images[c, rank], :, box[0] : box[2], box[1] : box[3]]
            assert torch.equal(top.patches[c][rank], cut)


def test_an_image_gives_one_patch_to_a_channel(model, photos):
    top = patches.top_patches(model, photos, "side", range(6), k=9, batch_size=3)
    assert all(len(set(row)) == 9 for row in top.images.tolist())


def test_fewer_images_than_k_give_fewer_patches(model, photos):
    top = patches.top_patches(model, photos[:4], "out", [1], k=9, batch_size=3)
    assert top.values.shape == (1, 4)
    expect_same(top, brute_force(model, photos[:4], "out", [1], k=9))


def test_answers_below_zero_count_too(model, photos):
    model.net.out.bias.data -= 100
    top = patches.top_patches(model, photos, "out", [2], k=3, batch_size=5)
    assert (top.values < 0).all()
    expect_same(top, brute_force(model, photos, "out", [2], k=3))


def test_of_equals_the_earlier_image_and_the_first_place_win(model, photos):
    same = photos[:1].expand(8, -1, -1, -1)
    top = patches.top_patches(model, same, "out", [0], k=3, batch_size=3)
    assert top.images.tolist() == [[0, 1, 2]]
    flat = torch.full((2, 3, 21, 32), 0.5)
    net = classifier(nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(2 * 21 * 32, 4)))
    top = patches.top_patches(net, flat, "0", [1])
    assert (top.rows.tolist(), top.columns.tolist()) == ([[0, 0]], [[0, 0]])


class Listed(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class Flowing(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


@pytest.mark.parametrize(
    "kind",
    [
        lambda photos: images.Photos(photos, torch.zeros(23), tuple("abcdefghijklmnopqrstuvw"), ("me",) * 23),
        lambda photos: Listed(list(photos)),
        lambda photos: Listed([(photo, 7) for photo in photos]),
        lambda photos: Flowing([(photo, 7) for photo in photos]),
        lambda photos: iter(photos.split(4)),
        lambda photos: [(batch, torch.zeros(len(batch))) for batch in photos.split([9, 1, 13])],
        lambda photos: DataLoader(Listed([(photo, 7) for photo in photos]), batch_size=5),
    ],
)
def test_images_may_come_as_bank_dataset_or_stream(model, photos, kind):
    top = patches.top_patches(model, kind(photos), "out", [0, 3], k=4, batch_size=4)
    expect_same(top, facts(patches.top_patches(model, photos, "out", [0, 3], k=4)))


def test_a_folder_of_my_own_photos_will_do(model, photos, tmp_path):
    for number, photo in enumerate(photos[:5]):
        pixels = (photo.permute(1, 2, 0) * 255).byte().numpy()
        Image.fromarray(pixels).resize((70 + number, 60)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    bank = images.folder(tmp_path, size=32)
    top = patches.top_patches(model, bank, "out", [0], k=3)
    assert top.values.shape == (1, 3)
    expect_same(top, brute_force(model, bank.images, "out", [0], k=3))


# Memory


def test_no_more_than_two_batches_of_a_stream_are_ever_held(model):
    generator, handed, most = torch.Generator().manual_seed(2), [], 0

    def stream():
        nonlocal most
        for _ in range(12):
            batch = torch.rand(2, 3, 21, 32, generator=generator)
            handed.append(weakref.ref(batch))
            yield batch
            del batch
            most = max(most, sum(held() is not None for held in handed))

    patches.top_patches(model, stream(), "out", range(5), k=20)
    assert most <= 2


def test_what_is_kept_does_not_grow_with_the_number_of_images(model):
    def kept(count):
        stream = (torch.rand(4, 3, 21, 32, generator=torch.Generator().manual_seed(i)) for i in range(count))
        top = patches.top_patches(model, stream, "stem", range(6), k=3)
        storages = {crop.untyped_storage() for row in top.patches for crop in row}
        return {storage.data_ptr(): storage.nbytes() for storage in storages}

    field = receptive_field(model.net, "stem", (21, 32)).size
    for count in (2, 40):
        assert (
            sum(kept(count).values()) == 6 * 3 * 12 * field**2
        )  # a view of a batch would weigh as much as it


# From a unit to its pixels


def random_chain(draw):
    return [
        (draw.randint(1, 4), draw.randint(1, 3), draw.randint(0, 1), draw.randint(1, 2)) for _ in range(3)
    ]


@pytest.mark.parametrize("seed", range(12))
def test_a_chains_field_and_boxes_are_those_of_the_network(seed):
    layers = random_chain(random.Random(seed))
    convolutions = [
        nn.Conv2d(3, 3, kernel, stride=stride, padding=padding, dilation=dilation)
        for kernel, stride, padding, dilation in layers
    ]
    judge = receptive_field(nn.Sequential(*convolutions), "2", (61, 74))
    size, stride, start = patches.chain_field(layers)
    assert (size, stride) == (judge.size, judge.stride)
    h, w, _ = judge.boxes.shape
    for row in range(h):
        for column in range(w):
            box = patches.unit_box(row, column, (size, stride, start), (61, 74))
            top, left, bottom, right = judge.box(row, column)
            if box[2] - box[0] == box[3] - box[1] == size:
                assert box == (top, left, bottom, right)
            elif bottom:  # at the border a gap in the window may leave out pixels; (0, 0, 0, 0) sees none
                assert box[0] <= top < bottom <= box[2]
                assert box[1] <= left < right <= box[3]


def test_alexnets_field_is_the_textbooks():
    pools = [(3, 2, 0, 1)]
    layers = [(11, 4, 2, 1), *pools, (5, 1, 2, 1), *pools, *[(3, 1, 1, 1)] * 3, *pools]
    assert patches.chain_field(layers)[:2] == (195, 32)
    assert patches.chain_field([]) == (1, 1, 0)


def test_peaks_are_where_the_maximum_stands():
    maps = torch.randn(3, 4, 5, 7, generator=torch.Generator().manual_seed(3))
    values, rows, columns = patches.peaks(maps)
    for n in range(3):
        for c in range(4):
            assert maps[n, c, rows[n, c], columns[n, c]] == values[n, c] == max(maps[n, c].flatten().tolist())


# The proof: nothing but the patch


def expect_proof(model, photos, layer, channels):
    size = tuple(photos.shape[2:])
    top = patches.top_patches(model, photos, layer, channels, k=4)
    alone = patches.answers_alone(model, layer, top, image_size=size)
    torch.testing.assert_close(alone, top.values, rtol=1e-4, atol=1e-5)
    moved = patches.moved(model, layer, top, image_size=size, units=1)
    elsewhere = patches.answers_alone(model, layer, moved, image_size=size)
    sides = top.boxes[..., 2:] - top.boxes[..., :2]
    uncut = (sides == torch.tensor(receptive_field(model.net, layer, size).size)).all(dim=2)
    assert uncut.any()
    torch.testing.assert_close(elsewhere[uncut], top.values[uncut], rtol=1e-4, atol=1e-5)
    return (elsewhere - top.values)[~uncut]


def test_the_crop_alone_gives_the_answer_and_away_from_the_border_anywhere(model):
    photos = torch.rand(12, 3, 40, 56, generator=torch.Generator().manual_seed(4))
    assert (
        expect_proof(model, photos, "out", range(5)).abs().max() > 1e-3
    )  # at the border, padding is seen too


@pytest.mark.parametrize(
    ("build", "layer"),
    [
        (torchvision.models.resnet18, "layer1"),
        (torchvision.models.densenet121, "features.denseblock1.denselayer3"),
        (torchvision.models.alexnet, "features.3"),
    ],
)
def test_the_crop_alone_gives_the_answer_in_real_networks(build, layer):
    torch.manual_seed(0)
    photos = torch.rand(6, 3, 128, 160, generator=torch.Generator().manual_seed(5))
    expect_proof(classifier(build(weights=None)), photos, layer, range(6))


@pytest.mark.parametrize(
    ("name", "layer"), [("squeezenet", "features.6"), ("efficientnet_lite0", "blocks.2.1.bn1.drop")]
)
def test_the_crop_alone_gives_the_answer_in_the_trained_networks(name, layer):
    bank = images.photos().images[:6]
    expect_proof(models.load(name), bank, layer, [22, 102, 187, 203])


def test_some_channels_can_be_taken_out(model, photos):
    top = patches.top_patches(model, photos, "out", range(5), k=2)
    expect_same(top.only([3, 1]), [facts(top)[3], facts(top)[1]])
    assert torch.equal(top.only([3, 1]).patches[1][0], top.patches[1][0])
    with pytest.raises(LabError, match="no channel 9 among these"):
        top.only([9])


# What can go wrong


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": [5]}, r"no channel 5 in 'out': expected channels in 0\.\.4"),
        ({"channels": [0, -1]}, r"no channel -1 in 'out': expected channels in 0\.\.4"),
        ({"channels": []}, r"expected at least one of channels, got none; try"),
        ({"channels": 3}, r"expected channels such as \[0, 3\], got 3"),
        ({"layer": "outt"}, r"no layer 'outt' in Branched; try one of \['out'"),
        ({"layer": "head"}, r"'head' puts out \(1, 4\), not a map"),
        ({"k": 0}, r"expected k as a whole number of 1 or more, got 0"),
        ({"images": torch.rand(0, 3, 21, 32)}, r"expected images of shape \(N, 3, H, W\), got \(0, 3, 21, 32\)"),
        ({"images": Listed([])}, r"expected at least one image, got none"),
        ({"images": iter([])}, r"expected at least one image, got none"),
        ({"images": torch.rand(3, 21, 32)}, r"try image\.unsqueeze\(0\)"),
        ({"images": torch.rand(2, 3, 21, 32) + 1}, r"expected values in 0\.\.1, got 1"),
        ({"images": [torch.rand(2, 3, 21, 32) - 1]}, r"expected values in 0\.\.1, got -"),
        ({"images": (torch.rand(2, 3, n, 32) for n in (21, 24))}, r"one size, got \[\(21, 32\), \(24, 32\)\]"),
        ({"images": Listed([torch.rand(3, n, 32) for n in (21, 24)])}, r"expected images of one size"),
        ({"images": Listed([Image.new("RGB", (32, 21))])}, r"a dataset of tensors \(3, H, W\), got Image; give it a"),
        ({"images": "my photos/"}, r"expected a batch of images as a tensor, got str; try images\.load"),
        ({"images": None}, r"expected a batch of images as a tensor, got NoneType"),
        ({"images": torch.rand(2, 3, 0, 32)}, r"expected images of shape"),
    ],
)  # fmt: skip
def test_bad_input_is_answered_in_a_sentence(model, photos, change, message):
    given = {"images": photos, "layer": "out", "channels": [0]} | change
    with pytest.raises(LabError, match=message):
        patches.top_patches(model, **given)
    assert all(not module._forward_hooks for module in model.modules())


def test_a_crop_that_does_not_fit_is_answered_in_a_sentence():
    crop = torch.rand(3, 4, 6)
    assert patches.on_canvas(crop, (4, 2), (8, 8)).shape == (1, 3, 8, 8)
    for corner in [(5, 0), (-1, 0), (0, 3)]:
        with pytest.raises(
            LabError, match=r"a crop of 4 × 6 does not fit at .* on 8 × 8; try to move it less"
        ):
            patches.on_canvas(crop, corner, (8, 8))


def test_many_images_bring_a_progress_bar_and_few_do_not(model, photos, capsys, monkeypatch):
    patches.top_patches(model, photos, "out", [0])
    patches.top_patches(model, iter(photos.split(4)), "out", [0])
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(batches, "LONG", 20)
    patches.top_patches(model, photos, "out", [0])
    assert "23/23" in capsys.readouterr().err


# Views, measures, figures


def test_views_are_the_whole_photo_and_its_quarters():
    photos = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(6))
    views = patches.whole_and_quarters(photos)
    assert views.shape == (10, 3, 4, 4)
    assert torch.equal(views[5], images.fit(photos[1:], 4)[0])
    assert torch.equal(torch.cat([torch.cat([*views[6:8]], 2), torch.cat([*views[8:10]], 2)], 1), photos[1])


def test_likeness_is_one_for_copies_and_none_for_noise():
    generator = torch.Generator().manual_seed(7)
    rows = [[torch.rand(3, 9, 7, generator=generator)] * 5 for _ in range(30)]
    torch.testing.assert_close(patches.likeness(rows), torch.ones(30))
    rows = [[torch.rand(3, 9, 7, generator=generator) for _ in range(5)] for _ in range(30)]
    assert patches.likeness(rows).abs().mean() < 0.05


def test_overlap_is_the_share_of_images_in_common():
    assert patches.overlap(torch.tensor([[0, 1], [1, 2]])) == pytest.approx(0.5)
    assert patches.overlap(torch.tensor([[0, 1], [2, 3], [4, 5]])) == pytest.approx(0)
    assert patches.overlap(torch.tensor([[0, 1], [1, 0]])) == pytest.approx(1)


def test_patches_from_inside_are_the_best_of_those_that_no_border_cuts(model, photos):
    top = patches.top_patches(model, photos, "out", range(5), k=23)
    whole = patches.inside(top, k=4)
    size = receptive_field(model.net, "out", (21, 32)).size
    for channel, found in zip(whole.channels.tolist(), facts(whole), strict=True):
        boxes = top.only([channel]).boxes[0]
        uncut = [tuple(side) == (size, size) for side in (boxes[:, 2:] - boxes[:, :2]).tolist()]
        assert [patch for patch, keep in zip(facts(top)[channel], uncut, strict=True) if keep][:4] == found
    assert all(crop.shape == (3, size, size) for row in whole.patches for crop in row)
    assert len(patches.inside(top, k=24).channels) == 0  # too few in every row


def test_figures_say_in_words_what_they_show(model, photos):
    top = patches.top_patches(model, photos, "out", [1, 4], k=3)
    box = tuple(top.boxes[0, 0].tolist())
    drawn = [
        pictures.patch_rows(top, names=["a", "b"], title="Rows", caption="of two channels"),
        pictures.nested_fields(
            photos[:1], {"stem": (0, 0, 3, 3), "out": box}, title="Rows", caption="of two channels"
        ),
        pictures.boxed_row(
            [photos[0], photos[1]], ["x", "y"], [box, box], title="Rows", caption="of two channels"
        ),
    ]
    for figure in drawn:
        assert figure.webp().startswith(b"RIFF")
        assert figure.alt == "Rows. of two channels"


@pytest.mark.parametrize(
    ("box", "extent"),
    [((0, 0, 4, 5), (1, 6, 6, 2)), ((9, 0, 15, 5), (1, 6, 6, 0)), ((9, 7, 13, 13), (0, 6, 4, 0))],
)
def test_a_patch_cut_by_the_border_stands_where_its_field_has_it(box, extent):
    framed = pictures.in_frame(torch.rand(3, box[2] - box[0], box[3] - box[1]), box, (6, 6))
    assert framed.shape == (3, 6, 6)
    rows, columns = (~framed[0].isnan()).nonzero().T
    assert (columns.min(), columns.max() + 1, rows.max() + 1, rows.min()) == extent
