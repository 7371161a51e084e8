"""04.5 What a unit says about its crop when the rest of the image is gone."""

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import coarse_photo, draw_whole_number
from labkit.exercises.stage_04.canvases import (
    crop_on_canvas,
    fed_by_itself,
    greyed_inside,
    middle_of_its_own_map,
)
from labkit.methods import patches as reference


def _crop_cases(generator: torch.Generator) -> Cases:
    layers = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 3, padding=1))
    for parameter in layers.eval().parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    photo = coarse_photo("motorcycle")[:, :, 15:40, 8:48]  # (1, 3, 25, 40)
    field = reference.chain_field([(3, 2, 1, 1), (3, 1, 1, 1)])

    def case(row: int, column: int, *, trim: int = 0) -> SimpleNamespace:
        top, left, bottom, right = reference.unit_box(row, column, field, (25, 40))
        box = (top + trim, left + trim, bottom - trim, right - trim)
        unit = (draw_whole_number(generator, 0, 3), row, column)
        return SimpleNamespace(features=layers.requires_grad_(False), image=photo.clone(), box=box, unit=unit)

    return {
        "a unit in the middle": case(draw_whole_number(generator, 4, 5), draw_whole_number(generator, 8, 11)),
        "a unit at the upper border": case(1, draw_whole_number(generator, 2, 3)),
        "a unit at the lower border": case(12, draw_whole_number(generator, 6, 8)),
        "the last unit of all": case(12, 19),
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
            greyed_inside,
        ),
        Mistake(
            "moved into the corner",
            "you put the crop into the canvas's corner, and read a unit that looks elsewhere. Put it where it was.",
            crop_on_canvas(place=lambda top, left, crop, image: (0, 0)),
        ),
        Mistake(
            "x before y",
            "you read the box as left, top, right, bottom. It is top, left, bottom, right.",
            crop_on_canvas(ends=lambda top, left, bottom, right: (left, top, right, bottom)),
        ),
        Mistake(
            "black around it",
            "your canvas is black. The task asks for grey, 0.5; if that changes the answer, the box is too small.",
            crop_on_canvas(fill=lambda image: 0.0),
        ),
        Mistake(
            "best of the map",
            "you return the largest value of the map. The task asks for this very unit: [0, channel, row, column].",
            crop_on_canvas(read=lambda maps, channel, row, column: maps[0, channel].max()),
        ),
        Mistake(
            "crop as an image of its own",
            "the crop as an image of its own has a smaller map, in which units have other numbers. Put it on a "
            "canvas of the photo's size.",
            fed_by_itself,
        ),
        Mistake(
            "middle of the crop's own map",
            "you read the middle of the map of the crop alone. At the border of an image units see padding, which the "
            "crop does not have: put it on a canvas of the photo's size and read the unit there.",
            middle_of_its_own_map,
        ),
        Mistake(
            "nothing on the canvas",
            "your canvas is grey all over, also where the unit looks. Copy the box from the photo into it.",
            crop_on_canvas(ends=lambda top, left, bottom, right: (top, left, top, left)),
        ),
        Mistake(
            "moved into the middle",
            "you put the crop into the canvas's middle, and read a unit that looks elsewhere. Put it where it was.",
            crop_on_canvas(
                place=lambda top, left, crop, image: (
                    (image.shape[2] - crop.shape[2]) // 2,
                    (image.shape[3] - crop.shape[3]) // 2,
                )
            ),
        ),
        Mistake(
            "white around it",
            "your canvas is white. The task asks for grey, 0.5; if that changes the answer, the box is too small.",
            crop_on_canvas(fill=lambda image: 1.0),
        ),
        Mistake(
            "the photo's mean around it",
            "your canvas has the photo's mean. The task asks for grey, 0.5, whatever the photo.",
            crop_on_canvas(fill=torch.mean),
        ),
        Mistake(
            "a mean colour around it",
            "your canvas has the photo's mean colour. The task asks for grey, 0.5, whatever the photo.",
            crop_on_canvas(fill=lambda image: image.mean(dim=(2, 3), keepdim=True)),
        ),
        Mistake(
            "row and column exchanged",
            "you read the unit at [column, row]. A map is (h, w): [0, channel, row, column].",
            crop_on_canvas(read=lambda maps, channel, row, column: maps[0, channel, column, row]),
        ),
        Mistake(
            "mean of the map",
            "you return the mean of the map. The task asks for this very unit: [0, channel, row, column].",
            crop_on_canvas(read=lambda maps, channel, row, column: maps[0, channel].mean()),
        ),
        Mistake(
            "the whole map",
            "you return the channel's whole map. The task asks for one unit of it: [0, channel, row, column].",
            crop_on_canvas(read=lambda maps, channel, row, column: maps[0, channel]),
        ),
        Mistake(
            "first channel",
            "you read channel 0. The unit's channel comes first in `unit`: channel, row, column.",
            crop_on_canvas(read=lambda maps, channel, row, column: maps[0, 0, row, column]),
        ),
        Mistake(
            "one pixel too many",
            "your crop holds one row and one column too many. Bottom and right are the first pixels outside: no + 1.",
            crop_on_canvas(ends=lambda top, left, bottom, right: (top, left, bottom + 1, right + 1)),
        ),
        Mistake(
            "one pixel too few",
            "your crop lacks its last row and column. Bottom and right are the first pixels outside: no - 1.",
            crop_on_canvas(ends=lambda top, left, bottom, right: (top, left, bottom - 1, right - 1)),
        ),
        Mistake(
            "ends read as sizes",
            "you read the box as top, left, height, width. It is top, left, bottom, right.",
            crop_on_canvas(ends=lambda top, left, bottom, right: (top, left, top + bottom, left + right)),
        ),
    ),
)
