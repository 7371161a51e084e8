"""What a wrong answer looks like beside the right one: every symptom is found where it is, and nowhere else."""

from types import SimpleNamespace

import pytest
import torch

from labkit.checks.exercise import Evidence
from labkit.checks.symptoms import symptom


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


MAPS = draw(2, 3, 7, 5)
CASE = SimpleNamespace(images=-3 * draw(2, 3, 7, 5).flip(3), epsilon=0.03, steps=7, target=3)

VALUES = {  # what is done to the right answer -> (right answer, what is done, words of the symptom)
    "nothing computed": (MAPS, torch.zeros_like, "every value is the same, 0"),
    "the input": (MAPS, lambda _: CASE.images, "this is images as it came"),
    "a sign": (MAPS, torch.neg, "sign turned round"),
    "signs lost": (MAPS, torch.abs, "signs are lost"),
    "no abs": (MAPS.abs(), lambda t: t * MAPS.sign(), "is an abs() missing"),
    "a square": (MAPS.abs(), torch.square, "the square of what is expected"),
    "a root": (MAPS.abs(), torch.sqrt, "the root of what is expected"),
    "the sum over images": (MAPS, lambda t: t * 2, "2 is the number of images"),
    "the sum over pixels": (MAPS, lambda t: t * 35, "35 is the number of pixels"),
    "the mean over values": (MAPS, lambda t: t / 105, "1 / the number of values of an image"),
    "epsilon": (MAPS, lambda t: t * 0.03, "0.03 is epsilon"),
    "steps": (MAPS, lambda t: t * 7, "7 is steps"),
    "255": (MAPS, lambda t: t * 255, "255 times what is expected: multiplied"),
    "another factor": (MAPS, lambda t: t * 1.37, "1.37 times what is expected: is a factor missing"),
    "an index is no measure": (MAPS.abs(), lambda t: t * 1.9, "1.9 times what is expected: is"),
    "a constant": (MAPS, lambda t: t + 0.5, "0.5 too large"),
    "counted from 1": (torch.arange(6.0), lambda t: t + 1, "one too large: where does a count begin"),
    "no clamp on a result": (MAPS.clamp(-0.5, 0.5), lambda _: MAPS, "is a clamp missing"),
    "a clamp": (MAPS, lambda t: t.clamp(min=0), "is there a clamp too many"),
    "rounded": (MAPS * 9, torch.round, "made whole numbers (round)"),
    "cut off": (MAPS.abs() * 9, torch.floor, "made whole numbers (floor)"),
    "not rounded": ((MAPS.abs() * 255).round() / 255, lambda _: MAPS.abs(), "is a round() missing"),
    "mirrored": (MAPS, lambda t: t.flip(3), "in reverse along dimension 3"),
    "rows for columns": (draw(4, 4), lambda t: t.T, "dimensions 0 and 1 are exchanged"),
    "off by one place": (MAPS, lambda t: t.roll(1, 2), "moved by one place along dimension 2"),
    "another order": (draw(9), lambda t: t.sort().values, "at other places"),
    "own factors": (
        MAPS,
        lambda t: t * torch.tensor([2.0, 3.0]).view(2, 1, 1, 1),
        "a factor of its own (2, 3)",
    ),
    "first only": (draw(3, 6, 2), lambda t: torch.cat([t[:1], draw(2, 6, 2)]), "only the first is right"),
    "last only": (draw(3, 6, 2), lambda t: torch.cat([draw(2, 6, 2), t[2:]]), "only the last is right"),
    "border": (
        draw(2, 3, 8, 9),
        lambda t: torch.nn.functional.pad(t[..., 2:-2, 2:-2], (2, 2, 2, 2)),
        "within 2 pixels",
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_symptom_of_values_is_seen(name):
    expected, change, words = VALUES[name]
    assert words in symptom(Evidence(change(expected.clone()), expected), CASE)


SHAPES = {
    "keepdim": (MAPS.sum(1), lambda t: t[:, None], "a dimension of size 1"),
    "a flatten": (MAPS, lambda t: t.flatten(1), "only their shape is another one"),
    "another order": (MAPS, lambda t: t.permute(0, 2, 3, 1), "permute(0, 3, 1, 2) would put them right"),
    "a sum missing": (MAPS.sum(1), lambda _: MAPS, "its sum is what is expected"),
    "a maximum missing": (MAPS.amax(2), lambda _: MAPS, "its amax is what is expected"),
    "a sum too many": (MAPS, lambda t: t.sum(1), "this is the sum of what is expected along dimension 1"),
    "a sum kept as 1": (
        MAPS,
        lambda t: t.sum(0, keepdim=True),
        "this is the sum of what is expected along dimension 0",
    ),
    "the first alone": (MAPS, lambda t: t[0], "the first along dimension 0 alone"),
    "other values, too many": (
        MAPS.sum(1),
        lambda _: draw(2, 3, 7, 5).exp(),
        "dimension 1, of 3, is still there",
    ),
    "other values, too few": (MAPS, lambda _: draw(2, 7, 5), "dimension 1, of 3, is gone"),
    "one image": (MAPS, lambda _: draw(1, 3, 7, 5), "there is 1 where 2 are expected"),
    "smaller maps": (MAPS, lambda _: draw(2, 3, 5, 3), "height and width are 2 too small"),
    "nothing left": (draw(2, 3, 1, 1), lambda _: draw(2, 3, 0, 0), "height and width are 1 too small"),
    "a column met a row": (MAPS, lambda _: draw(2, 9, 7, 5), "there are 3 · 3 where 3 are expected"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_symptom_of_shapes_is_seen(name):
    expected, change, words = SHAPES[name]
    assert words in symptom(Evidence(change(expected), expected), CASE)


def test_a_shape_alone_says_as_much_as_it_can():
    assert "in another order" in symptom(Evidence(draw(5, 7, 3), (3, 7, 5)), CASE)
    assert symptom(Evidence(draw(5, 7), (3, 4, 4)), CASE) == ""


@pytest.mark.parametrize("seed", range(50))
def test_an_answer_of_noise_has_no_symptom(seed):
    generator = torch.Generator().manual_seed(seed)
    for shape in [(), (1,), (3,), (2, 3), (2, 3, 5, 4), (1, 1, 2, 2)]:
        got, expected = (torch.randn(shape, generator=generator) for _ in range(2))
        assert symptom(Evidence(got, expected), CASE) == ""


@pytest.mark.parametrize("value", [torch.zeros(0), torch.tensor(torch.nan), torch.full((2, 3), torch.inf)])
def test_what_cannot_be_compared_has_no_symptom(value):
    for expected in (MAPS, torch.tensor(2.0), torch.zeros(0)):
        assert isinstance(symptom(Evidence(value, expected), CASE), str)


def test_values_of_two_kinds_alone_look_neither_rounded_nor_summed():
    grey = draw(4, 9).abs().clamp(max=1)
    assert "whole numbers" not in symptom(Evidence((grey > 0).double(), grey), CASE)
    assert "is still there" in symptom(Evidence(torch.zeros(2, 3), torch.tensor([False, False, False])), CASE)


def test_a_small_step_is_not_the_input():
    moved = CASE.images + 1e-4 * CASE.images.sign()
    assert "as it came" not in symptom(Evidence(moved, CASE.images + 0.03 * CASE.images.sign()), CASE)


def test_one_wrong_corner_is_no_border():
    got = MAPS.clone()
    got[..., 0, :2] += 1
    assert "border" not in symptom(Evidence(got, MAPS), CASE)


def test_a_place_in_a_list_is_no_measure():
    assert "is 0" not in symptom(Evidence(torch.tensor(57.0), torch.tensor(19.0)), ((3, 1), (5, 2)))


def test_two_numbers_of_one_value_are_told_by_what_has_a_name_alone():
    assert symptom(Evidence(torch.tensor(3.0), torch.tensor(1.7)), CASE) == ""
    assert "7 is steps" in symptom(Evidence(torch.tensor(11.9), torch.tensor(1.7)), CASE)
