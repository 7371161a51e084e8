"""Symptoms of places, differences, steps and single numbers: each is seen where it is, and said in words."""

from types import SimpleNamespace

import pytest
import torch

from labkit.checks.answering import produce
from labkit.checks.crashes import meaning
from labkit.checks.exercise import PUBLIC_SEED, Evidence, Exercise
from labkit.checks.expect import expect_close
from labkit.checks.judging import judge
from labkit.checks.symptoms import symptom
from labkit.checks.values import several


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


IMAGES, MAPS = draw(2, 3, 7, 5, seed=5), draw(2, 3, 7, 5)
CASE = SimpleNamespace(images=IMAGES, rate=0.03)
STEP = 0.1 * draw(2, 3, 7, 5, seed=9).sign()

SEEN = {  # what is done to the right answer -> (right answer, what is done, words of the symptom)
    "one column of four": (draw(5, 4), lambda t: t * torch.tensor([1, 1, 2, 1]), "what is wrong is number 2"),
    "what is done there": (
        draw(5, 4),
        lambda t: t * torch.tensor([1, 1, 2, 1]),
        "There, every value is 2 times",
    ),
    "the last row": (draw(9, 5), lambda t: torch.cat([t[:8], draw(1, 5)]), "only the last of 9 is wrong"),
    "from a row on": (draw(9, 5), lambda t: torch.cat([t[:5], draw(4, 5)]), "all is wrong from 5 on"),
    "never written": (draw(4, 6), lambda t: t.where(draw(6, 4).T > 0, 0), "what is wrong is 0 in yours"),
    "not masked": (draw(4, 6).where(draw(6, 4).T > 0, 0), lambda _: draw(4, 6), "only where 0 is expected"),
    "where an input is above 0": (
        MAPS,
        lambda t: t.where(IMAGES <= 0, t + IMAGES.exp()),
        "images is above 0",
    ),
    "an input added": (MAPS, lambda t: t + IMAGES, "this is images too much"),
    "an input scaled": (MAPS, lambda _: 2 * IMAGES + 1, "2 · images + 1, and nothing else"),
    "scaled and moved": (MAPS, lambda t: 2 * t + 1, "this is 2 · what is expected + 1"),
    "a number for each row": (draw(4, 6), lambda t: t + draw(4, 1), "the same all along dimension 1"),
    "a factor for each column": (
        draw(4, 6),
        lambda t: t * draw(1, 6),
        "all along dimension 0 the values are right",
    ),
    "an exp": (draw(3, 5), torch.exp, "the order is right and the values are not"),
    "turned round": (draw(3, 5), lambda t: -t.pow(3), "the order is turned round"),
    "the other way": (IMAGES + STEP, lambda _: IMAGES - STEP, "away from images, the other way"),
    "a longer step": (IMAGES + STEP, lambda _: IMAGES + 3 * STEP, "you move 3 times as far from images"),
    "mostly the other way": (
        IMAGES + STEP,
        lambda _: IMAGES - STEP * MAPS.abs(),
        "move away from images the other way",
    ),
    "further": (IMAGES + STEP, lambda _: IMAGES + 3 * STEP + 0.05 * MAPS, "you move further from images"),
    "no numbers": (MAPS, torch.sqrt, "are NaN, which 0 / 0 and roots"),
    "no numbers, and else right": (MAPS, lambda t: t / (t > -1), "all others are right"),
    "a piece": (MAPS, lambda t: t[..., 1:], "what is there is right, but along dimension 3 only 1 to 4"),
    "too much": (MAPS, lambda t: torch.cat([t, t], dim=2), "0 to 6 along dimension 2 are what is expected"),
    "an input of another shape": (MAPS.sum(1), lambda _: IMAGES, "this is images as it came"),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_symptom_is_seen(name):
    expected, change, words = SEEN[name]
    assert words in symptom(Evidence(change(expected.clone()), expected), CASE)


def test_what_is_right_because_nothing_moves_there_tells_nothing():
    still = STEP.clone()
    still[..., 4] = 0
    told = symptom(Evidence(IMAGES + still.abs() * MAPS, IMAGES + still), CASE)
    assert "only the last is right" not in told


def test_the_gaps_of_a_sheet_are_no_part_that_is_right():
    sheet = torch.zeros(3, 9, 9)
    sheet[:, 1:4, 1:4] = draw(3, 3, 3)
    assert "right elsewhere" not in symptom(Evidence(sheet.flip(2).roll(1, 2).exp(), sheet.exp()), CASE)


UNITS = Exercise(
    id="99.1",
    title="Two numbers of a unit",
    points=1,
    minutes=3,
    hints=(),
    cases=lambda _: {f"unit {u}": SimpleNamespace(row=u, size=2 * u + 3, ends=(5 * u, 7)) for u in (1, 2, 4)},
    answer=lambda f, case: several(("top", "bottom"), f(case.row, case.size, case.ends)),
    judge=lambda case, answer: [
        expect_close("top", answer["top"], torch.tensor(4 * case.row), why="four pixels a row"),
        expect_close("bottom", answer["bottom"], torch.tensor(4 * case.row + case.size), why="top + size"),
    ],
    mistakes=(),
)
NUMBERS = {
    "your top is what is expected of bottom": lambda row, size, ends: (4 * row + size, 4 * row),
    "your top is 8 in every case": lambda row, size, ends: (8, 4 * row + size),
    "your bottom is 1 too small in every case": lambda row, size, ends: (4 * row, 4 * row + size - 1),
    "your top is 1 too large wherever it is wrong": lambda row, size, ends: (
        4 * row + (row > 1),
        4 * row + size,
    ),
    "your top is 0.5 times what is expected in every case": lambda row, size, ends: (2 * row, 4 * row + size),
    "your bottom is too large by size in every case": lambda row, size, ends: (4 * row, 4 * row + 2 * size),
    "your bottom is in every case ends[0] as it came": lambda row, size, ends: (4 * row, ends[0]),
    "": lambda row, size, ends: (row**2 + 11, 4 * row + size),
}


@pytest.mark.parametrize("words", NUMBERS)
def test_a_number_is_told_by_all_cases_together(words):
    answers = produce(UNITS, NUMBERS[words], UNITS.draw_cases(PUBLIC_SEED))
    cause = judge(UNITS, answers, PUBLIC_SEED).cause
    assert words in cause if words else cause == ""


A = torch.randn(2, 3)
CALLS = {
    "with other arguments than it takes": lambda: len(),
    "a thing of another type": lambda: torch.nn.functional.avg_pool2d(3, A),
    "a bias with one number per output": lambda: torch.conv2d(A[None, None], A[None, None], torch.ones(5)),
    "a size or a count is below 0": lambda: torch.zeros(-1, 2),
    "numbers of classes go from 0": lambda: torch.nn.functional.one_hot(torch.tensor([3]), 2),
    "one of these things is none": lambda: torch.cat([None, A]),
    "a clamp wants a bound": lambda: A.clamp(),
    "torch.where takes a mask first": lambda: torch.where(A, A > 0, A),
    "~mask turns it round": lambda: -(A > 0),
    "& and | want masks": lambda: A & (A > 0),
    "isinstance takes the thing first": lambda: isinstance(torch.Tensor, A),
    "a thing that has no places": lambda: exec("x = 3\nx[0] = 1"),
    "one thing came where several": lambda: exec("a, b = 3"),
    "a minus stands before": lambda: -(1, 2),
    "requires_grad_() on it": lambda: torch.autograd.grad(A.clone().requires_grad_().sum(), A),
}


@pytest.mark.parametrize("words", CALLS)
def test_what_a_call_with_other_things_means_is_said(words):
    with pytest.raises(Exception) as error:  # noqa: PT011 (of many kinds)
        CALLS[words]()
    told = f"{type(error.value).__name__}: {error.value}\nin line 3 of your cell: a + b"
    assert words in meaning(told), told
