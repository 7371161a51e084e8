"""Yours if it passes: which code a figure is made with, and that the figure says so."""

from pathlib import Path

import pytest
import torch
from lab import written
from torch import nn

from labkit import images, mine, whose
from labkit.authoring.reference import all_references
from labkit.checks.exercise import CheckFailed
from labkit.errors import LabError
from labkit.exercises import check
from labkit.exercises.own_functions import Mine
from labkit.exercises.stand_ins import STAND_INS
from labkit.methods import (
    activations,
    adversarial,
    ascent,
    evidence,
    filters,
    gradients,
    neighbors,
    probe,
    sanity,
    sheets,
    yolo,
)
from labkit.methods.patches import top
from labkit.models import Classifier
from labkit.show.picture import Picture

SOLVED = {
    key: found.function() for key, found in all_references(Path(__file__).parent.parent / "solutions").items()
}


@pytest.fixture(autouse=True)
def a_new_cell():
    whose.forget()
    yield
    whose.forget()


RESCALE = """
def scale_filters(filters):
    calls.append(1)
    low = filters.amin(dim=(1, 2, 3), keepdim=True)
    span = filters.amax(dim=(1, 2, 3), keepdim=True) - low
    return torch.where(span > 0, (filters - low) / span.where(span > 0, 1), 0.5)
"""


def own_rescale(code=RESCALE):
    function = written(code, "scale_filters")
    function.__globals__["calls"] = calls = []
    return function, calls


def bank(*shape):
    return torch.randn(*(shape or (5, 3, 4, 4)), generator=torch.Generator().manual_seed(0))


def test_a_function_that_passes_is_used_and_the_figure_says_whose_it_is():
    function, calls = own_rescale()
    lab = Mine(sheets, STAND_INS, {"scale_filters": function})
    expected = sheets.rescale(bank())
    assert torch.equal(lab.rescale(bank()), expected)
    assert calls
    assert Picture(1, 1, caption="Five filters.").caption == "Five filters. Made with your own scale_filters."


def test_whether_the_check_has_run_makes_no_difference():
    function, calls = own_rescale(RESCALE + "\n# another text")
    check("01.2", function)
    calls.clear()
    Mine(sheets, STAND_INS, {"scale_filters": function}).rescale(bank())
    assert len(calls) == 1  # it is not judged once more


@pytest.mark.parametrize(
    "code",
    [
        'def scale_filters(filters):\n    raise NotImplementedError("TODO 01.2")',
        "def scale_filters(filters):\n    return filters * 2",
        "def scale_filters(filters):\n    return filters.nonsense()",
    ],
)
def test_a_function_that_does_not_pass_is_left_out_without_a_word(code):
    lab = Mine(sheets, STAND_INS, {"scale_filters": written(code, "scale_filters")})
    assert torch.equal(lab.rescale(bank()), sheets.rescale(bank()))
    assert Picture(1, 1, caption="Five filters.").caption == "Five filters."


def test_a_wrong_function_mended_later_is_used_from_then_on():
    names = {"scale_filters": written("def scale_filters(filters):\n    return filters", "scale_filters")}
    lab = Mine(sheets, STAND_INS, names)
    lab.rescale(bank())
    assert whose.told() == ""
    names["scale_filters"], calls = own_rescale()
    lab.rescale(bank())
    assert calls


def test_where_it_fails_on_what_no_check_tried_the_labs_own_is_used_and_the_figure_says_so():
    function, _ = own_rescale(RESCALE.replace("    low", "    assert len(filters) < 100\n    low"))
    lab = Mine(sheets, STAND_INS, {"scale_filters": function})
    many = bank(100, 3, 2, 2)
    assert torch.equal(lab.rescale(many), sheets.rescale(many))
    assert "Made with the lab's own code: with yours it ended in AssertionError." in whose.told()
    assert sheets.rescale.__module__ == "labkit.methods.sheets"  # and it is back in its place


def test_an_error_that_the_arguments_are_to_blame_for_stays_an_error():
    lab = Mine(filters, STAND_INS, {"kmeans_round": SOLVED["01.6"]})
    with pytest.raises(LabError, match="smaller size"):
        lab.random_patches(torch.rand(1, 3, 4, 4), count=3, size=9)


def test_it_is_used_inside_the_labs_own_functions_too():
    used = {
        "kmeans_round": SOLVED["01.6"],
        "zca_whiten": SOLVED["01.5"],
        "normalize_contrast": SOLVED["01.4"],
    }
    photos = images.photos(size=32).images
    asked = {"count": 4, "size": 5, "patches": 400, "rounds": 2}
    grown = Mine(filters, STAND_INS, used).learn_filters(photos, **asked)
    assert torch.allclose(grown, filters.learn_filters(photos, **asked), atol=1e-3)
    assert whose.told() == "Made with your own normalize_contrast, zca_whiten and kmeans_round."


def test_nothing_of_another_cell_is_claimed():
    whose.made_with("scale_filters")
    whose.forget()
    assert Picture(1, 1, caption="Another.").caption == "Another."


def test_mine_finds_the_functions_of_the_notebook_that_calls_it(monkeypatch):
    function, calls = own_rescale()
    code = "from labkit.methods import sheets\nfrom labkit import mine\nlab = mine(sheets)"
    notebook = {"scale_filters": function}
    exec(code, notebook)
    notebook["lab"].rescale(bank())
    assert calls
    monkeypatch.setenv("LABKIT_ANSWERS", "somewhere")
    assert mine(sheets) is sheets  # graded: nobody looks at figures


def test_what_is_no_function_is_handed_on():
    lab = Mine(gradients, STAND_INS, {})
    assert lab.RULES is gradients.RULES
    assert set(dir(gradients)) <= set(dir(lab))
    with pytest.raises(LabError, match="expected a module"):
        mine("filters")


def net(*, relu=nn.ReLU):
    generator = torch.Generator().manual_seed(3)
    layers = nn.Sequential(
        nn.Conv2d(3, 6, 3),
        relu(),
        nn.Conv2d(6, 6, 3),
        relu(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 4),
    )
    for parameter in layers.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.4
    return Classifier(layers, name="tiny", categories=[f"category {i}" for i in range(4)])


PHOTOS = torch.rand(3, 3, 12, 12, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([2, 0, 1])
BOXES = torch.tensor([[0.1, 0.1, 0.5, 0.5], [0.12, 0.1, 0.52, 0.5], [0.6, 0.6, 0.9, 0.9]])
MAPS = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(2))
CALLS = {  # exercise -> how the lab's own is called where a figure is made
    "00.3": (
        yolo,
        lambda m: m.boxes_of(MAPS.new_ones(3, 3, 2, 5) * 0.1, torch.tensor([[0.2, 0.4], [0.5, 0.3]])),
    ),
    "00.4": (yolo, lambda m: m.iou(BOXES, BOXES)),
    "00.5": (yolo, lambda m: m.suppress(BOXES, torch.tensor([0.5, 0.9, 0.3]), torch.tensor([1, 1, 2]))),
    "01.1": (filters, lambda m: m.first_convolution(net())),
    "01.2": (sheets, lambda m: m.rescale(bank())),
    "01.3": (sheets, lambda m: m.tile(bank(), columns=2)),
    "01.4": (filters, lambda m: m.normalize_contrast(bank().flatten(1))),
    "01.5": (filters, lambda m: m.zca_whiten(bank(50, 6))),
    "01.6": (filters, lambda m: m.kmeans_round(bank(50, 6), nn.functional.normalize(bank(4, 6)))),
    "02.1": (neighbors, lambda m: m.features(net(), PHOTOS, batch_size=2)),
    "02.4": (neighbors, lambda m: m.precision_at_k(torch.tensor([[1], [0], [1]]), LABELS, LABELS)),
    "02.6": (probe, lambda m: m.probe_step(bank(6, 4), bank(9, 6), torch.arange(9) % 4, 0.3, 0.01, 0.1)),
    "03.1": (activations, lambda m: m.record(net(), PHOTOS, "2")),
    "03.2": (activations, lambda m: m.to_grey(MAPS)),
    "03.5": (evidence, lambda m: m.selectivity(MAPS, torch.tensor([True, False]))),
    "04.3": (top, lambda m: m.peaks(MAPS)),
    "05.1": (gradients, lambda m: m.saliency(net(), PHOTOS, LABELS)),
    "05.2": (gradients, lambda m: m.saliency(net(), PHOTOS, LABELS)),
    "05.4": (gradients, lambda m: m.guided_backprop(net(), PHOTOS, LABELS)),
    "05.5": (sanity, lambda m: m.rank_correlation(MAPS[:, 0], MAPS[:, 1])),
    "06.3": (ascent, lambda m: m.clip_norm(30.0)(PHOTOS, PHOTOS, 0)),
    "06.4": (ascent, lambda m: m.clip_contribution(30.0)(PHOTOS, PHOTOS - 0.4, 0)),
    "08.1": (adversarial, lambda m: m.fool(net(), PHOTOS[:1], "category 3", steps=3).image),
    "08.2": (adversarial, lambda m: m.fgsm(net(), PHOTOS, LABELS, epsilon=0.03)),
    "08.3": (adversarial, lambda m: m.project(PHOTOS + 0.1, PHOTOS, epsilon=0.03)),
}


@pytest.mark.parametrize("stand_in", STAND_INS, ids=lambda s: s.exercise)
def test_the_solution_stands_in_for_the_labs_own_and_gives_the_same(stand_in):
    if stand_in.exercise not in CALLS:
        pytest.fail(f"no call for {stand_in.exercise}; add one to CALLS")
    module, call = CALLS[stand_in.exercise]
    lab = Mine(
        module, [s for s in STAND_INS if s == stand_in], {stand_in.function: SOLVED[stand_in.exercise]}
    )
    found, expected = call(lab), call(module)
    for ours, own in zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]:
        assert torch.allclose(ours.double(), own.double(), rtol=1e-4, atol=1e-5)
    assert whose.told() == f"Made with your own {stand_in.function}."


def test_guided_backprop_with_hooks_leaves_other_relus_to_the_lab():
    lab = Mine(gradients, STAND_INS, {"guided_backprop": SOLVED["05.4"]})
    model = net(relu=nn.ReLU6)
    assert torch.equal(
        lab.guided_backprop(model, PHOTOS, LABELS), gradients.guided_backprop(model, PHOTOS, LABELS)
    )
    assert whose.told() == ""


def test_a_rank_correlation_of_many_pixels_is_the_labs():
    """The reference answer compares each pixel with each: 50,000 of them would take 20 GB."""
    large = torch.rand(2, 100, 100)
    lab = Mine(sanity, STAND_INS, {"rank_correlation": SOLVED["05.5"]})
    assert torch.equal(
        lab.rank_correlation(large, large.square()), sanity.rank_correlation(large, large.square())
    )
    assert whose.told() == ""


def test_a_check_that_fails_is_remembered_as_failed():
    function = written("def scale_filters(filters):\n    return filters + 1", "scale_filters")
    with pytest.raises(CheckFailed):
        check("01.2", function)
    assert torch.equal(
        Mine(sheets, STAND_INS, {"scale_filters": function}).rescale(bank()), sheets.rescale(bank())
    )
