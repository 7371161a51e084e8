import math

import pytest
import torch
from torchvision.ops import batched_nms, box_iou, nms

from labkit.errors import LabError
from labkit.images import Photos
from labkit.methods import yolo
from labkit.show import yolo as drawings

ANCHORS = torch.tensor([[0.2, 0.4], [0.4, 0.2], [0.3, 0.3]])


def generator(seed):
    return torch.Generator().manual_seed(seed)


def random_boxes(count, seed, *, scale=1.0):
    corner, size = torch.rand(2, count, 2, generator=generator(seed))
    return scale * torch.cat([corner * 0.6, corner * 0.6 + 0.02 + 0.35 * size], dim=1)


# IoU and suppression


@pytest.mark.parametrize("seed", range(3))
def test_iou_agrees_with_torchvision(seed):
    first, second = random_boxes(20, seed), random_boxes(30, seed + 10)
    torch.testing.assert_close(yolo.iou(first, second), box_iou(first, second))


def test_iou_of_empty_boxes_is_zero():
    empty = torch.tensor([[0.2, 0.2, 0.2, 0.2]])
    assert yolo.iou(empty, empty).item() == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("overlap", [0.1, 0.3, 0.5, 0.7])
def test_suppression_agrees_with_torchvisions(seed, overlap):
    boxes = random_boxes(200, seed, scale=100)
    scores = torch.rand(200, generator=generator(seed + 50))
    one_class = torch.ones(200, dtype=torch.int64)
    assert torch.equal(yolo.suppress(boxes, scores, one_class, overlap=overlap), nms(boxes, scores, overlap))
    labels = torch.randint(1, 4, (200,), generator=generator(seed + 90))
    expected = batched_nms(boxes, scores, labels, overlap)
    assert torch.equal(yolo.suppress(boxes, scores, labels, overlap=overlap), expected)


def test_suppression_of_nothing_is_nothing_and_an_overlap_of_one_keeps_all():
    assert yolo.suppress(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64)).shape == (0,)
    twins = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(3, 4)
    stays = yolo.suppress(twins, torch.tensor([0.1, 0.9, 0.9]), torch.ones(3, dtype=torch.int64), overlap=1)
    assert stays.tolist() == [1, 2, 0]


# decoding


def test_a_decoded_box_is_its_base_box_moved_and_stretched():
    offsets = torch.randn(4, 4, 3, 4, generator=generator(0))
    got = yolo.boxes_of(offsets, ANCHORS)
    for row, column, b in ((0, 0, 0), (1, 3, 2), (3, 2, 1)):
        dx, dy, dh, dw = offsets[row, column, b].tolist()
        width, height = ANCHORS[b].tolist()
        x, y = (column + 0.5) / 4 + dx * width, (row + 0.5) / 4 + dy * height
        w, h = width * math.exp(dw), height * math.exp(dh)
        expected = torch.tensor([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
        torch.testing.assert_close(got[row, column, b], expected)


def test_without_offsets_boxes_are_the_base_boxes():
    base = yolo.base_boxes(ANCHORS, grid=7)
    torch.testing.assert_close(yolo.boxes_of(torch.zeros(7, 7, 3, 5), ANCHORS), base)
    torch.testing.assert_close(
        base[2, 5, 1], torch.tensor([11 / 14 - 0.2, 5 / 14 - 0.1, 11 / 14 + 0.2, 5 / 14 + 0.1])
    )


def test_a_score_is_confidence_times_the_best_class_that_is_not_background():
    output = torch.zeros(7, 7, 5 * 3 + 4)
    output[..., 15] = 1
    output[2, 3, 15:] = torch.tensor([0.5, 0.1, 0.3, 0.1])
    output[2, 3, 9] = 0.9
    boxes, labels, scores = yolo.decode(output, ANCHORS, classes=4)
    assert labels.tolist() == [2]
    torch.testing.assert_close(scores, torch.tensor([0.27]))
    torch.testing.assert_close(boxes[0], yolo.base_boxes(ANCHORS)[2, 3, 1])
    assert len(yolo.decode(output, ANCHORS, classes=4, threshold=0.28).boxes) == 0


@pytest.mark.parametrize("seed", range(3))
def test_decoding_suppresses_as_torchvision_does(seed):
    output = torch.rand(7, 7, 5 * 3 + 5, generator=generator(seed))
    everything = yolo.decode(output, ANCHORS, classes=5, threshold=0.3, overlap=1)
    kept = yolo.decode(output, ANCHORS, classes=5, threshold=0.3, overlap=0.4)
    expected = batched_nms(everything.boxes, everything.scores, everything.labels, 0.4)
    assert 0 < len(kept.boxes) < len(everything.boxes)
    for got, of_all in zip(kept, everything, strict=True):
        assert torch.equal(got, of_all[expected])


# encoding


def in_order(boxes, labels):
    """Label and box in one row each, sorted, so that two lists can be compared."""
    return torch.tensor(sorted(torch.cat([labels[:, None], boxes], dim=1).tolist()))


@pytest.mark.parametrize("grid", [7, 13])
@pytest.mark.parametrize("seed", range(10))
def test_what_is_encoded_decodes_to_itself(seed, grid):
    boxes = random_boxes(12, seed)
    cells = ((boxes[:, :2] + boxes[:, 2:]) / 2 * grid).long()
    first = [i for i, cell in enumerate(cells.tolist()) if cell not in cells[:i].tolist()]
    boxes = boxes[first]
    labels = torch.randint(1, 6, (len(boxes),), generator=generator(seed))
    output = yolo.encode(boxes, labels, ANCHORS, classes=6, grid=grid)
    assert output.shape == (grid, grid, 5 * 3 + 6)
    found = yolo.decode(output, ANCHORS, classes=6, overlap=1)
    assert (found.scores == 1).all()
    torch.testing.assert_close(in_order(*found[:2]), in_order(boxes, labels), rtol=1e-5, atol=1e-5)


def test_an_object_is_written_where_its_middle_lies_into_the_box_of_its_shape():
    output = yolo.encode(torch.tensor([[0.5, 0.1, 0.9, 0.3]]), torch.tensor([2]), ANCHORS, classes=4)
    assert output[..., [4, 9, 14]].nonzero().tolist() == [[1, 4, 1]]
    assert output[1, 4, 15:].tolist() == [0, 0, 1, 0]
    dx, dy, dh, dw, confidence = output[1, 4, 5:10].tolist()
    assert (dx, dy) == (pytest.approx((0.7 - 4.5 / 7) / 0.4), pytest.approx((0.2 - 1.5 / 7) / 0.2))
    assert (dh, dw) == (pytest.approx(0, abs=1e-6), pytest.approx(0, abs=1e-6))
    assert confidence == 1
    tall = yolo.encode(torch.tensor([[0.5, 0.0, 0.7, 0.8]]), torch.tensor([1]), ANCHORS, classes=4)
    assert tall[2, 4, 2:4].tolist() == [pytest.approx(math.log(2)), pytest.approx(0, abs=1e-6)]
    background = output[..., 15] == 1
    assert background.sum() == 48
    assert not background[1, 4]


def test_a_middle_on_the_right_and_lower_edge_belongs_to_the_last_cell():
    thin = torch.tensor([[0.99999994, 0.99999994, 1.0, 1.0]])
    assert yolo.encode(thin, torch.tensor([1]), ANCHORS, classes=2)[6, 6, [4, 9, 14]].sum() == 1


def test_in_one_cell_objects_of_one_class_share_the_base_boxes_until_they_are_used_up():
    boxes = torch.tensor([[0.4, 0.4, 0.6, 0.6]]).repeat(4, 1)
    boxes[:, 2:] += torch.arange(4)[:, None] * 0.01
    output = yolo.encode(boxes, torch.full((4,), 3), ANCHORS, classes=5)
    found = yolo.decode(output, ANCHORS, classes=5, overlap=1)
    kept = found.boxes[found.boxes[:, 2].argsort()]
    torch.testing.assert_close(kept, boxes[:3])


def test_in_one_cell_an_object_of_another_class_is_dropped_and_the_earlier_stays():
    boxes = torch.tensor([[0.4, 0.4, 0.6, 0.6], [0.42, 0.3, 0.58, 0.7]])
    for order in ([0, 1], [1, 0]):
        labels = torch.tensor([1, 2])
        output = yolo.encode(boxes[order], labels[order], ANCHORS, classes=3)
        found = yolo.decode(output, ANCHORS, classes=3)
        assert found.labels.tolist() == [labels[order[0]]]
        torch.testing.assert_close(found.boxes, boxes[order[:1]])


def test_no_objects_are_all_background():
    output = yolo.encode(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), ANCHORS, classes=3)
    assert (output[..., 15] == 1).all()
    assert [len(part) for part in yolo.decode(output, ANCHORS, classes=3)] == [0, 0, 0]


def test_bad_input_is_answered_with_what_to_try():
    box, label = torch.tensor([[0.1, 0.1, 0.5, 0.5]]), torch.tensor([1])
    with pytest.raises(LabError, match=r"in 0\.\.1.*width and height"):
        yolo.encode(box * 224, label, ANCHORS, classes=3)
    with pytest.raises(LabError, match="left < right"):
        yolo.encode(box.flip(1), label, ANCHORS, classes=3)
    for wrong in (0, 3):
        with pytest.raises(LabError, match=r"labels in 1\.\.2, got \[\d\]; 0 is background"):
            yolo.encode(box, torch.tensor([wrong]), ANCHORS, classes=3)
    with pytest.raises(LabError, match=r"boxes \(n, 4\) and labels \(n,\), got \(4,\)"):
        yolo.encode(box[0], label, ANCHORS, classes=3)
    with pytest.raises(LabError, match=r"anchors \(B, 2\)"):
        yolo.encode(box, label, ANCHORS[0], classes=3)
    with pytest.raises(LabError, match=r"5 · 3 \+ 4 = 19\), got \(19, 7, 7\); try output\.permute"):
        yolo.decode(torch.zeros(19, 7, 7), ANCHORS, classes=4)
    with pytest.raises(LabError, match="2 or more"):
        yolo.decode(torch.zeros(7, 7, 16), ANCHORS, classes=1)
    with pytest.raises(LabError, match="finite"):
        yolo.decode(torch.full((7, 7, 19), torch.nan), ANCHORS, classes=4)


# the figures


def test_a_board_holds_each_photo_in_its_place():
    bank = Photos(torch.zeros(1, 3, 8, 8), torch.tensor([-1]), ("black",), ("",))
    board = drawings.pin(bank, {"black": (0.25, 0.5, 0.75, 1.0)}, side=40)
    assert (board[..., 20:, 10:30] == 0).all()
    assert board.sum() == 3 * (1600 - 400)


def test_a_cells_numbers_stand_beside_the_grid():
    output = yolo.encode(torch.tensor([[0.5, 0.1, 0.9, 0.3]]), torch.tensor([2]), ANCHORS, classes=3)
    picture = drawings.grid_and_cell(
        torch.ones(1, 3, 30, 40), output, ANCHORS, (1, 4), ["background", "cat", "dog"]
    )
    words = [text.get_text() for text in picture.axes[1].texts]
    assert words[::2] == ["dx", "dy", "dh", "dw", "confidence"] * 3 + ["background", "cat", "dog"]
    assert words[1::2] == [f"{number:+.2f}" for number in output[1, 4].tolist()]


def test_boxes_are_drawn_where_they_are_and_named_in_the_last_step():
    found = (torch.tensor([[0.0, 0.0, 0.5, 0.5]]), torch.tensor([1]), torch.tensor([1.0]))
    none = tuple(part[:0] for part in found)
    picture = drawings.decoding(
        torch.ones(1, 3, 64, 64), {"before": none, "after": found}, ["background", "dog"]
    )
    assert [[text.get_text() for text in axes.texts] for axes in picture.axes] == [[], ["dog 1.00"]]
    image = picture.pixels().astype(int)
    blue = (image[..., 3] == 255) & (image[..., 2] - image[..., 0] > 100)
    _, columns = blue.nonzero()
    assert blue.any()
    assert columns.min() > image.shape[1] / 2
    assert columns.mean() < image.shape[1] * 3 / 4
