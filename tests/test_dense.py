import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from labkit import hooks, models
from labkit.errors import LabError
from labkit.methods import dense
from labkit.methods.detectors import faster_rcnn
from labkit.methods.scan import scan
from labkit.models import Classifier
from labkit.show import dense as pictures


def draw(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def classifier(*layers, size=20):
    torch.manual_seed(0)
    return Classifier(nn.Sequential(*layers), name="tiny", categories=list("abcde"), input_size=size)


def body(padding=0):
    return (nn.Conv2d(3, 6, 5, stride=2, padding=padding), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2), nn.ReLU())


def heads(side):
    """name -> the layers of a head over 8 × side × side, in the ways that networks have them."""
    flat = 8 * side * side
    return {
        "pooled": (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(8, 5)),
        "flattened": (nn.Flatten(), nn.Linear(flat, 7), nn.ReLU(), nn.Dropout(), nn.Linear(7, 5)),
        "pooled to its own size": (nn.AdaptiveAvgPool2d(side), nn.Flatten(), nn.Linear(flat, 5, bias=False)),
    }


class Functional(nn.Module):
    """Pools and flattens by functions, as DenseNet does, with a global pooling inside the body as well."""

    def __init__(self):
        super().__init__()
        self.first, self.gate, self.second = (
            nn.Conv2d(3, 6, 5, stride=2),
            nn.Conv2d(6, 6, 1),
            nn.Conv2d(6, 8, 3),
        )
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.first(x)
        x = x * self.gate(F.adaptive_avg_pool2d(x, 1)).sigmoid()
        return self.head(torch.flatten(F.adaptive_avg_pool2d(F.relu(self.second(x)), (1, 1)), 1))


def window_by_window(model, images, size, stride):
    """The classifier on every crop: (N, K, h, w)."""
    H, W = images.shape[2:]
    rows = [
        torch.stack(
            [model(images[..., t : t + size, left : left + size]) for left in range(0, W - size + 1, stride)],
            -1,
        )
        for t in range(0, H - size + 1, stride)
    ]
    return torch.stack(rows, -2)


@pytest.mark.parametrize("head", heads(3))
def test_without_padding_every_position_is_the_network_on_its_crop(head):
    model = classifier(*body(), *heads(3)[head], size=17)  # 17 -> 7 -> 3, stride 4
    images = draw(2, 3, 29, 37)
    got = dense.convolutionize(model)(images)
    assert got.shape == (2, 5, 4, 6)
    torch.testing.assert_close(got, window_by_window(model, images, 17, 4))


def test_at_fewer_pixels_than_a_stride_beside_the_window_crops_agree_too():
    model = classifier(*body(), *heads(3)["pooled"], size=20)  # its last three pixels meet no kernel
    images = draw(1, 3, 34, 42)
    torch.testing.assert_close(
        dense.convolutionize(model)(images)[..., :4, :6], window_by_window(model, images, 20, 4)
    )


def test_pooling_in_several_even_windows_is_followed_too():
    pool = (nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5))
    model = classifier(*body(), *pool, size=24)  # 24 -> 10 -> 4, pooled to 2
    images = draw(1, 3, 36, 32)
    torch.testing.assert_close(dense.convolutionize(model)(images), window_by_window(model, images, 24, 4))


def test_with_padding_the_map_differs_from_crops_and_at_the_trained_size_agrees():
    model = classifier(*body(padding=2), *heads(4)["pooled"], size=20)
    everywhere = dense.convolutionize(model)
    images = draw(1, 3, 36, 36)
    crops, got = window_by_window(model, images, 20, 4), everywhere(images)
    assert got.shape == crops.shape
    assert (got - crops).abs().max() > 1e-3
    torch.testing.assert_close(everywhere(images[..., :20, :20])[..., 0, 0], model(images[..., :20, :20]))


def test_a_pooling_inside_the_body_stays_as_it_is():
    model = Classifier(Functional(), name="gated", categories=list("abcde"), input_size=20)
    images = draw(2, 3, 20, 20)
    torch.testing.assert_close(dense.convolutionize(model)(images)[..., 0, 0], model(images))


def test_a_window_of_one_is_the_class_activation_map_whose_mean_is_the_logit():
    model = classifier(*body(), *heads(3)["pooled"])
    images = draw(2, 3, 20, 20)
    maps = dense.convolutionize(model, window=1)(images)
    assert maps.shape == (2, 5, 3, 3)
    torch.testing.assert_close(maps.mean(dim=(2, 3)), model(images))


def test_the_model_is_left_as_it_was_and_shares_its_weights():
    model = classifier(*body(), *heads(3)["flattened"])
    before, repr_before = copy.deepcopy(model.state_dict()), repr(model.net)
    images = draw(1, 3, 20, 20)
    expected = model(images)
    everywhere = dense.convolutionize(model)
    everywhere(draw(1, 3, 28, 28))
    assert repr(model.net) == repr_before
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert torch.equal(model(images), expected)
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    shared = [
        c.weight.data_ptr() == m.weight.data_ptr()
        for c, m in zip(everywhere.convolutions, linears, strict=True)
    ]
    assert shared == [True, True]


def test_a_copy_and_a_network_in_double_precision_work_alike():
    model = classifier(*body(), *heads(3)["flattened"]).double()
    images = draw(1, 3, 24, 24).double()
    everywhere = dense.convolutionize(model)
    torch.testing.assert_close(copy.deepcopy(everywhere)(images), everywhere(images))


def test_gradients_flow_from_a_position_to_its_window_alone():
    model = classifier(*body(), *heads(3)["pooled"])
    images = draw(1, 3, 32, 32).requires_grad_()
    everywhere = dense.convolutionize(model)
    logits = everywhere(images)
    logits[0, 2, 1, 3].backward()
    left, top, right, bottom = dense.windows(everywhere, images, logits)[1, 3].int().tolist()
    assert (left, top, right, bottom) == (12, 4, 32, 24)
    assert images.grad[..., top:bottom, left:right].abs().sum() > 0
    images.grad[..., top:bottom, left:right] = 0
    assert images.grad.abs().sum() == 0


@pytest.mark.parametrize(
    "name",
    [
        "efficientnet_lite0",
        "alexnet",
        "squeezenet",
        pytest.param("resnet18", marks=pytest.mark.slow),
        *(
            pytest.param(n, marks=pytest.mark.slow)
            for n in ("googlenet", "densenet121", "resnet101", "vgg16")
        ),
    ],
)
def test_every_network_gives_the_very_same_logits_at_224_and_a_map_above(name):
    model = models.load(name, weights="imagenet" if name in models.available() else None)
    everywhere = dense.convolutionize(model)
    photo = draw(1, 3, 224, 288)
    with torch.no_grad():
        expected, got = model(photo[..., :224]), everywhere(photo[..., :224])
        assert got.shape == (1, 1000, 1, 1)
        assert (got[..., 0, 0] - expected).abs().max() <= 1e-5 * expected.abs().max().clamp(min=1)
        assert everywhere(photo).shape == (
            1,
            1000,
            1,
            5 if name == "squeezenet" else 3,
        )  # cells of 16 or 32 pixels


def test_squeezenet_is_fully_convolutional_as_it_stands():
    model, photo = models.load("squeezenet"), draw(1, 3, 224, 288)
    everywhere, narrow = dense.convolutionize(model), dense.convolutionize(model, window=7)
    assert len(everywhere.convolutions) == 0
    assert (everywhere.size, narrow.size) == (224, 128)  # six cells fewer, of 16 pixels each
    with torch.no_grad(), hooks.recording(model.net, "classifier.2") as seen:
        expected = model(photo[..., :224])
        torch.testing.assert_close(everywhere(photo[..., :224])[..., 0, 0], expected)
        assert everywhere(photo).shape == (1, 1000, 1, 5)
        torch.testing.assert_close(narrow(photo), F.avg_pool2d(seen["classifier.2"], 7, stride=1))
    boxes = dense.windows(narrow, photo, narrow(photo))
    assert boxes[0, 0].tolist() == [0, 0, 128, 128]
    assert boxes[0, 1, 0] - boxes[0, 0, 0] == 16


def test_a_linear_layer_as_a_convolution_refuses_maps_that_do_not_fit():
    linear = nn.Linear(2 * 3 * 4, 5)
    maps = draw(2, 2, 3, 4)
    convolution = dense.as_convolution(linear, (3, 4))
    torch.testing.assert_close(convolution(maps)[..., 0, 0], linear(maps.flatten(1)))
    with pytest.raises(LabError, match=r"maps of 5 × 2, got 24"):
        dense.as_convolution(linear, (5, 2))


def test_what_cannot_be_made_dense_is_refused():
    pooled = classifier(*body(), *heads(3)["pooled"])
    with pytest.raises(LabError, match=r"eval mode.*model\.eval\(\)"):
        dense.convolutionize(copy.deepcopy(pooled).train())
    with pytest.raises(LabError, match=r"a network that pools or flattens a map at its end"):
        dense.convolutionize(classifier(*body(), nn.Conv2d(8, 5, 3), nn.Flatten()))
    with pytest.raises(LabError, match=r"even pooling"):
        dense.convolutionize(classifier(*body(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5)))
    with pytest.raises(LabError, match=r"even pooling"):
        dense.convolutionize(classifier(*body(), nn.Flatten(), nn.Softmax(dim=1), nn.Linear(72, 5)))
    with pytest.raises(LabError, match=r"no window of 4 cells in tiny; try 1 to 3"):
        dense.convolutionize(pooled, window=4)
    with pytest.raises(LabError, match=r"its linear layers fix the window"):
        dense.convolutionize(classifier(*body(), *heads(3)["flattened"]), window=1)


def test_photos_that_are_none_or_too_small_are_refused():
    everywhere = dense.convolutionize(classifier(*body(), *heads(3)["pooled"]))
    with pytest.raises(LabError, match=r"photos of 20 × 20 or more, got 19 × 30"):
        everywhere(draw(1, 3, 19, 30))
    with pytest.raises(LabError, match=r"values in 0\.\.1"):
        everywhere(draw(1, 3, 20, 20) + 1)
    with pytest.raises(LabError, match=r"image\.unsqueeze"):
        everywhere(draw(3, 20, 20))


# the toy detector


def bright(images, *, opening=32):
    """A classifier at every position: category 1 where its opening is white, 0 elsewhere."""
    white = F.avg_pool2d(images.mean(dim=1, keepdim=True), opening, stride=8)
    return torch.cat([torch.zeros_like(white), 40 * (white - 0.5)], dim=1)


@pytest.mark.parametrize(("row", "column"), [(1, 4), (3, 0), (6, 5)])
def test_the_toy_detector_finds_a_white_square_in_its_cell(row, column):
    picture = torch.zeros(1, 3, 448, 448)
    picture[..., 64 * row : 64 * row + 64, 64 * column : 64 * column + 64] = 1
    anchors = torch.tensor([[1 / 7, 1 / 7], [0.5, 0.25]])
    output = scan(bright, picture, anchors, [1], full=64, opening=32)
    assert output.shape == (7, 7, 5 * 2 + 2)
    assert (output[..., [0, 1, 2, 3, 5, 6, 7, 8]] == 0).all()
    torch.testing.assert_close(output[..., 10:].sum(dim=-1), torch.ones(7, 7))
    expected = torch.zeros(7, 7)
    expected[row, column] = 1
    torch.testing.assert_close(output[..., 4].round(), expected)


# a trained detector


@pytest.mark.slow
def test_faster_rcnn_says_what_to_fetch_and_runs_once_it_is_here(tmp_path, monkeypatch):
    from torchvision.models import detection

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(LabError, match=r"74 MB\) is not downloaded"):
        faster_rcnn(draw(1, 3, 64, 64))
    torch.manual_seed(0)
    net = detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    name = detection.FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1.url.rpartition("/")[2]
    (tmp_path / "checkpoints").mkdir()
    torch.save(net.state_dict(), tmp_path / "checkpoints" / name)
    boxes, labels, scores, names = faster_rcnn(draw(1, 3, 64, 80), threshold=0.0)
    assert len(boxes) == len(labels) == len(scores)
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert names[0] == "__background__"


# the figures


def test_a_wall_holds_each_photo_in_its_place_and_is_white_between():
    photos = [torch.full((1, 3, 4, 5), k / 10) for k in range(3)]
    wall = pictures.hang(photos, columns=2, gap=3)
    assert wall.shape == (1, 3, 11, 13)
    assert (wall[..., 7:, :5] == 0.2).all()
    assert (wall[..., 7:, 8:] == 1).all()


def windows_of_a_small_network():
    return dense.windows(
        dense.convolutionize(classifier(*body(), *heads(3)["pooled"])),
        torch.zeros(1, 3, 32, 32),
        torch.zeros(1, 5, 4, 4),
    )


def test_a_map_is_laid_over_the_photo_where_its_windows_are():
    photo, windows = torch.zeros(1, 3, 32, 32), windows_of_a_small_network()
    probable = torch.zeros(4, 4)
    probable[0, 3] = 1
    picture = pictures.class_maps({"p": (photo, {"": probable, "none": torch.zeros(4, 4)}, windows)})
    image = picture.pixels().astype(int)
    blue = image[..., 2] - image[..., 0] > 60
    assert blue.sum() > 200
    rows, columns = blue.nonzero()
    assert rows.mean() < image.shape[0] / 2
    assert columns.mean() > image.shape[1] / 2


def test_classes_on_a_photo_have_their_own_colours_and_the_probable_ones_their_names():
    photo, windows = torch.zeros(1, 3, 32, 32), windows_of_a_small_network()
    maps = {"cat": torch.eye(4), "dog": 0.5 * torch.eye(4).flip(1), "yurt": torch.full((4, 4), 0.01)}
    picture = pictures.class_maps({"one": (photo, maps, windows), "other": (photo, {}, windows)}, columns=2)
    one, other = picture.axes
    assert [text.get_text() for text in one.texts] == ["cat 1.00", "dog 0.50"]
    assert len({text.get_bbox_patch().get_facecolor() for text in one.texts}) == 2
    assert [axes.get_title() for axes in (one, other)] == ["one", "other"]
    assert not other.texts


@pytest.mark.parametrize(("place", "side"), [(0, "left"), (3, "right")])
def test_a_name_near_the_photos_edge_stays_inside(place, side):
    corners = torch.tensor([[0, 0], [100, 0], [200, 0], [390, 0]]) + torch.tensor([[[0, 0]], [[0, 32]]])
    windows = torch.cat([corners, corners + torch.tensor([10, 32])], dim=2).float()  # (2, 4, 4)
    probable = torch.zeros(2, 4)
    probable[0, place] = 1
    picture = pictures.class_maps({"": (torch.zeros(1, 3, 64, 400), {"a long name": probable}, windows)})
    assert picture.axes[0].texts[0].get_ha() == side


def test_marks_are_drawn_with_their_names():
    ways = {"alone": torch.tensor([0.1, 0.9]), "on the wall": torch.tensor([0.3, 0.2])}
    picture = pictures.asked_in_several_ways(["a", "b"], {"one": ways, "other": ways}, label="p")
    assert [text.get_text() for text in picture.legends[0].get_texts()] == list(ways)
    assert [axes.get_title() for axes in picture.axes] == ["one", "other"]
    assert np.ptp(picture.pixels()[..., 3]) > 0


def evenly(cells, size, stride):
    """The windows of cells × cells positions, each of size × size pixels, stride apart."""
    starts = torch.arange(cells) * float(stride)
    top, left = torch.meshgrid(starts, starts, indexing="ij")
    return torch.stack([left, top, left + size, top + size], dim=-1)


@pytest.mark.parametrize(("size", "stride"), [(8, 4), (5, 3), (4, 4)])
def test_back_to_pixels_each_value_stands_in_the_middle_of_its_window(size, stride):
    maps, windows = draw(2, 6, 6), evenly(6, size, stride)
    pixels = size + 5 * stride
    got = dense.upsampled(maps, windows, (pixels, pixels)).numpy()
    middles, places = size / 2 + stride * np.arange(6), np.arange(pixels) + 0.5
    along = np.stack([[np.interp(places, middles, row) for row in one] for one in maps.numpy()])
    expected = np.stack([[np.interp(places, middles, column) for column in one.T] for one in along])
    np.testing.assert_allclose(got, expected.swapaxes(1, 2), atol=1e-5)


def test_windows_side_by_side_are_enlarged_as_torch_enlarges_them():
    maps = draw(3, 5, 5)
    expected = F.interpolate(maps[None], size=(40, 40), mode="bilinear", align_corners=False)[0]
    torch.testing.assert_close(dense.upsampled(maps, evenly(5, 8, 8), (40, 40)), expected, rtol=0, atol=1e-5)


def test_a_single_position_speaks_for_all_pixels():
    got = dense.upsampled(torch.tensor([[[3.0]]]), evenly(1, 20, 1), (20, 20))
    assert torch.equal(got, torch.full((1, 20, 20), 3.0))


def test_a_segmentation_tells_how_much_of_the_photo_each_class_leads_in():
    left, right = torch.zeros(20, 40), torch.zeros(20, 40)
    left[:, :10], right[:, 10:] = 0.9, 0.2  # the right one leads, but not against all others
    picture = pictures.coarse_segmentation(
        draw(1, 3, 20, 40), {"left": left, "right": right}, cells=draw(2, 4), caption="A photo."
    )
    assert picture.caption.startswith("A photo. ")
    assert "left 25% and 25%, right 75% and 0%." in picture.caption
    named = [[text.get_text() for text in axes.texts] for axes in picture.axes]
    assert named == [[], [], ["left", "right"], ["left"]]


def test_a_segmentation_paints_what_leads_and_nothing_else():
    labels = torch.tensor([[0, -1], [1, -1]])
    photo = draw(1, 3, 2, 2)
    got, grey = pictures._tinted(photo, labels), photo[0].mean(dim=0)
    assert torch.equal(got[:, 0, 1], grey[0, 1].expand(3))
    assert torch.equal(got[:, 1, 1], grey[1, 1].expand(3))
    assert not torch.allclose(got[:, 0, 0] - 0.4 * grey[0, 0], got[:, 1, 0] - 0.4 * grey[1, 0])
