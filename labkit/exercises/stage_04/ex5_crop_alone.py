"""04.5 What a unit says about its crop when the rest of the image is gone."""

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import coarse_photo, draw_whole_number
from labkit.methods import patches as reference


def _crop_cases(generator: torch.Generator) -> Cases:
    layers = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 3, padding=1))
    for parameter in layers.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    photo = coarse_photo("motorcycle")[:, :, 15:40, 8:48]  # (1, 3, 25, 40)
    field = reference.chain_field([(3, 2, 1, 1), (3, 1, 1, 1)])

    def case(row, column, *, trim=0):
        top, left, bottom, right = reference.unit_box(row, column, field, (25, 40))
        box = (top + trim, left + trim, bottom - trim, right - trim)
        unit = (draw_whole_number(generator, 0, 3), row, column)
        return SimpleNamespace(features=layers.requires_grad_(False), image=photo.clone(), box=box, unit=unit)

    return {
        "a unit in the middle": case(
            draw_whole_number(generator, 4, 6), draw_whole_number(generator, 12, 15)
        ),
        "a unit at the border": case(1, draw_whole_number(generator, 2, 3)),
        "a box cut too small": case(
            draw_whole_number(generator, 4, 6), draw_whole_number(generator, 8, 11), trim=2
        ),
    }


def _judge_crop(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    response = answer["response"]
    if response.numel() != 1:
        raise CheckFailed(f"response: expected one number, that unit's, got shape {tuple(response.shape)}")
    top, left, bottom, right = case.box
    row, column = torch.arange(25)[:, None], torch.arange(40)
    inside = (row >= top) & (row < bottom) & (column >= left) & (column < right)
    alone = case.features(torch.where(inside, case.image, 0.5))[0][case.unit]
    whole = case.features(case.image)[0][case.unit]
    why = (
        f"all that the unit sees is in the box, so it should answer as to the whole photo, {whole.item():.4g}"
        if torch.allclose(alone, whole, atol=1e-5)
        else f"this box lacks some of what the unit sees; to the whole photo it answers {whole.item():.4g}"
    )
    expect_close("response", response.reshape(()), alone, why=why, atol=1e-3, rtol=1e-3)


def _crop(features, image, box, unit, *, fill=0.5, corner=False, order=(0, 1, 2, 3)):
    top, left, bottom, right = (box[i] for i in order)
    crop = image[:, :, top:bottom, left:right]
    canvas = torch.full_like(image, fill)
    top, left = (0, 0) if corner else (top, left)
    canvas[:, :, top : top + crop.shape[2], left : left + crop.shape[3]] = crop
    return features(canvas)[0][unit]


def _outside(features, image, box, unit):
    canvas = image.clone()
    canvas[:, :, box[0] : box[2], box[1] : box[3]] = 0.5
    return features(canvas)[0][unit]


def _fed_by_itself(features, image, box, unit):
    return features(image[:, :, box[0] : box[2], box[1] : box[3]])[0][unit]


def _best_of_map(features, image, box, unit):
    canvas = torch.full_like(image, 0.5)
    canvas[:, :, box[0] : box[2], box[1] : box[3]] = image[:, :, box[0] : box[2], box[1] : box[3]]
    return features(canvas)[0, unit[0]].max()


EXERCISE = Exercise(
    id="04.5",
    title="The crop alone",
    points=2,
    minutes=10,
    hints=(
        "Make a grey canvas of the photo's size, torch.full_like(image, 0.5), and copy the box from the photo into "
        "the same place.",
        "features(canvas) is (1, C, h, w); the unit is (channel, row, column).",
        "canvas[:, :, top:bottom, left:right] = image[:, :, top:bottom, left:right]; "
        "return features(canvas)[0, channel, row, column]",
    ),
    cases=_crop_cases,
    answer=lambda f, case: {"response": f(case.features, case.image, case.box, case.unit)},
    judge=_judge_crop,
    mistakes=(
        Mistake(
            "whole photo",
            "you ran the whole photo, not the crop alone: right as long as the box holds all that the unit sees, "
            "but then nothing is proved.",
            lambda features, image, box, unit: features(image)[0][unit],
        ),
        Mistake(
            "everything but the crop",
            "you greyed the crop and kept the rest. The other way round: grey canvas, then the crop.",
            _outside,
        ),
        Mistake(
            "moved into the corner",
            "you put the crop into the canvas's corner, and read a unit that looks elsewhere. Put it where it was.",
            lambda *case: _crop(*case, corner=True),
        ),
        Mistake(
            "x before y",
            "you read the box as left, top, right, bottom. It is top, left, bottom, right.",
            lambda *case: _crop(*case, order=(1, 0, 3, 2)),
        ),
        Mistake(
            "black around it",
            "your canvas is black. Asked for is grey, 0.5; if that changes the answer, the box is too small.",
            lambda *case: _crop(*case, fill=0.0),
        ),
        Mistake(
            "best of the map",
            "you return the largest value of the map. Asked for is this very unit: [0, channel, row, column].",
            _best_of_map,
        ),
        Mistake(
            "crop as an image of its own",
            "the crop as an image of its own has a smaller map, in which units have other numbers. Put it on a "
            "canvas of the photo's size.",
            _fed_by_itself,
        ),
    ),
)
