"""A value in another unit than is meant is refused with the sentence that mends it; no legal value is."""

import pytest
import torch
from torch import nn

from labkit import images
from labkit.errors import LabError
from labkit.methods import activations, adversarial, ascent, gradients, neurons, yolo
from labkit.models import Classifier
from labkit.show.activations import window
from labkit.show.yolo import pin
from labkit.units import expect_anchors, expect_boxes, expect_corners, expect_share, range_mend

ANCHORS = torch.tensor([[0.2, 0.4], [1.0, 1.0]])
BOXES = torch.tensor([[0.5, 0.25, 0.75, 1.0], [0.0, 0.0, 1.0, 1.0]])
LABELS = torch.tensor([1, 2])
OUTPUT = yolo.encode(BOXES, LABELS, ANCHORS, classes=3)
SIDES = torch.tensor([640.0, 480.0])
PIXELS = BOXES * SIDES.repeat(2)


def tiny(**options):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4))
    return Classifier(net, name="tiny", categories=list("abcd"), input_size=32, **options)


def encode(boxes=BOXES, anchors=ANCHORS):
    return yolo.encode(boxes, LABELS, anchors, classes=3)


def decode(anchors=ANCHORS, **options):
    return yolo.decode(OUTPUT, anchors, classes=3, **options)


def suppress(**options):
    return yolo.suppress(BOXES, torch.ones(2), LABELS, **options)


XYWH = torch.cat([BOXES[:, :2], BOXES[:, 2:] - BOXES[:, :2]], dim=1)
WRONG = {
    "anchors in cells, encoding": (lambda: encode(anchors=7 * ANCHORS), "up to 7; try anchors / 7, if"),
    "anchors in cells, decoding": (lambda: decode(7 * ANCHORS), "up to 7; try anchors / 7, if"),
    "anchors in cells, base boxes": (lambda: yolo.base_boxes(13 * ANCHORS, grid=13), "anchors / 13"),
    "anchors in cells, boxes": (lambda: yolo.boxes_of(torch.zeros(3, 3, 2, 4), 3 * ANCHORS), "anchors / 3"),
    "anchors in pixels": (lambda: encode(anchors=ANCHORS * SIDES), "up to 640; try dividing pixels"),
    "anchors in pixels, decoding": (lambda: decode(ANCHORS * SIDES), "pixels by the picture's width and height"),
    "anchors in whole pixels": (lambda: decode((ANCHORS * SIDES).long()), "dividing pixels"),
    "anchors as whole numbers": (lambda: decode(torch.ones(2, 2).long()), r"got torch.int64; try anchors.float\(\)"),
    "boxes in pixels": (lambda: encode(PIXELS), "got 320, 120, 480, 480; try dividing pixels by the picture's width"),
    "boxes in whole pixels": (lambda: encode(PIXELS.long()), "dividing pixels by the picture's width and height"),
    "boxes in percent": (lambda: encode(100 * BOXES), "in 0..1 of the picture, got 50, 25, 75, 100"),
    "boxes as whole numbers": (lambda: encode(BOXES[1:].expand(2, 4).int()), r"got torch.int32; try boxes.float\(\)"),
    "boxes that stick out": (lambda: encode(BOXES + 0.1), r"try boxes.clamp\(0, 1\)"),
    "corner and size, encoding": (lambda: encode(XYWH), r'got 0.5, 0.25, 0.25, 0.75; try .*"xywh", "xyxy"'),
    "corner and size, iou": (lambda: yolo.iou(XYWH, BOXES), '"xywh", "xyxy"'),
    "corner and size in pixels, iou": (lambda: yolo.iou(BOXES, XYWH * 640), '"xywh", "xyxy"'),
    "right before left": (lambda: yolo.iou(BOXES[:, [2, 3, 0, 1]], BOXES), "where left < right, top < bottom"),
    "bottom before top": (lambda: encode(BOXES[:, [0, 3, 2, 1]]), "where left < right, top < bottom"),
    "empty boxes": (lambda: encode(BOXES[:, [0, 1, 0, 3]]), "with a width and a height"),
    "overlap in percent": (lambda: suppress(overlap=50), r"overlap in 0..1, got 50; try 50 / 100, if .* percent"),
    "overlap in percent, decoding": (lambda: decode(overlap=45.0), "45 / 100"),
    "threshold in percent": (lambda: decode(threshold=25), "threshold in 0..1, got 25; try 25 / 100"),
}  # fmt: skip


IMAGES, MODEL = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)), tiny()
MORE = {
    "images in levels": (lambda: gradients.saliency(MODEL, 255 * IMAGES, 1), "images / 255, since those are levels"),
    "normalised images": (lambda: gradients.saliency(MODEL, 4 * IMAGES - 2, 1), "leave normalisation to the network"),
    "epsilon in levels": (lambda: adversarial.fgsm(MODEL, IMAGES, LABELS, epsilon=8), "8 / 255, if that"),
    "epsilon in levels, projected": (lambda: adversarial.project(IMAGES, IMAGES, epsilon=8), "8 / 255"),
    "a step in levels": (
        lambda: adversarial.pgd(MODEL, IMAGES, LABELS, epsilon=0.1, step_size=2), "got 2; try 2 / 255"
    ),
    "confidence in percent": (lambda: adversarial.fool(MODEL, IMAGES[:1], "b", confidence=90), "90 / 100"),
    "strength in percent": (lambda: activations.overlay(IMAGES[0], IMAGES[0, 0], strength=75), "75 / 100"),
    "colour in levels": (lambda: activations.overlay(IMAGES[0], IMAGES[0, 0], colour=(255, 90, 0)), "255 / 255"),
    "a share of a box in percent": (lambda: neurons.shrink((0, 0, 8, 8), 50), "50 / 100, if that is meant in percent"),
    "jitter as a share": (lambda: ascent.jitter(0.1), r"round\(0.1 \* image.shape\[3\]\), if .* share of the side"),
    "a frame as a share": (lambda: ascent.pad(0.05), "share of the side"),
    "a size as a share": (lambda: images.fit(IMAGES, 0.5), "share of the side"),
    "a place in pixels": (lambda: window(IMAGES[0], 16, 16, size=8), "row / 32, if that is in pixels"),
    "places of photos in pixels": (
        lambda: pin(images.photos(size=8), {"yurt": (0, 0, 448, 448)}, side=896), "dividing pixels"
    ),
    "means in levels": (lambda: tiny(mean=(123.7, 116.8, 103.9), std=(58.4, 57.1, 57.4)), "divide mean and std by 255"),
}  # fmt: skip


@pytest.mark.parametrize("name", MORE)
def test_another_unit_is_refused_where_images_are_meant_too(name):
    call, match = MORE[name]
    with pytest.raises(LabError, match=match):
        call()


@pytest.mark.parametrize("name", WRONG)
def test_another_unit_is_refused_with_what_mends_it(name):
    call, match = WRONG[name]
    with pytest.raises(LabError, match=match) as error:
        call()
    assert str(error.value).count(". ") <= 1


def test_what_the_sentences_say_mends_it():
    assert torch.equal(encode(anchors=7 * ANCHORS / 7), OUTPUT)
    assert torch.equal(encode(PIXELS / SIDES.repeat(2)), OUTPUT)
    from torchvision.ops import box_convert

    assert torch.equal(encode(box_convert(XYWH, "xywh", "xyxy")), OUTPUT)


LEGAL = {
    "an anchor as large as the picture": lambda: decode(torch.ones(2, 2)),
    "a faint anchor": lambda: encode(anchors=torch.tensor([[1e-6, 1.0]])),
    "anchors of 64 bits": lambda: encode(BOXES.double(), ANCHORS.double()),
    "the ends of overlap": lambda: (suppress(overlap=0), suppress(overlap=1), suppress(overlap=1.0)),
    "the ends of threshold": lambda: (decode(threshold=0), decode(threshold=1), decode(threshold=-1.0)),
    "pixels where any unit is right": lambda: yolo.iou(PIXELS, PIXELS.flip(0)),
    "whole pixels where any unit is right": lambda: yolo.iou(PIXELS.long(), PIXELS.long()),
    "empty boxes where they are right": lambda: yolo.iou(BOXES[:, [0, 1, 0, 1]], BOXES),
    "boxes that leave the picture": lambda: yolo.iou(BOXES - 0.5, 3 * BOXES),
    "no boxes": lambda: (yolo.iou(BOXES[:0], BOXES), yolo.encode(BOXES[:0], LABELS[:0], ANCHORS, classes=3)),
}


@pytest.mark.parametrize("name", LEGAL)
def test_no_legal_value_is_refused(name):
    LEGAL[name]()


def test_iou_is_the_same_in_every_unit():
    expected = yolo.iou(BOXES, BOXES.flip(0))
    torch.testing.assert_close(yolo.iou(PIXELS, PIXELS.flip(0)), expected)
    torch.testing.assert_close(yolo.iou(PIXELS.long(), PIXELS.long().flip(0)), expected)


@pytest.mark.parametrize("seed", range(50))
def test_boxes_at_random_are_refused_only_where_they_are_none(seed):
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.rand(2, 20, 2, generator=generator)
    boxes = torch.cat([torch.minimum(first, second), torch.maximum(first, second)], dim=1)
    expect_boxes(boxes)
    expect_corners(boxes * 1000 - 300)
    expect_anchors(boxes[:, 2:].clamp(min=1e-3), 7)
    with pytest.raises(LabError, match="box_convert"):
        expect_boxes(boxes[:, [2, 1, 0, 3]])


@pytest.mark.parametrize(("given", "levels", "mend"), [
    (8, True, "8 / 255, if that is meant in levels"), (255, True, "255 / 255"), (50, False, "50 / 100"),
    (1.5, False, "1.5 / 100"), (1000, False, "size in 0..1"), (256, True, "size in 0..1"),
])  # fmt: skip
def test_a_share_says_what_it_may_have_been(given, levels, mend):
    with pytest.raises(LabError, match=mend):
        expect_share("size", given, levels=levels)
    for legal in (0, 1, 0.5, 1.0):
        expect_share("size", legal, levels=levels)


def test_images_in_levels_are_told_apart_from_normalised_ones():
    assert range_mend(0, 255).startswith("images / 255")
    assert range_mend(0, 127).startswith("images / 255")
    assert range_mend(-2.1, 2.6).startswith("images.clamp")
    assert range_mend(0, 1.1).startswith("images.clamp")
