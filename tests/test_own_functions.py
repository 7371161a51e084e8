"""Yours if it passes: which code a figure is made with, and that the figure says so."""

import pytest
import torch
from lab import ROOT, written

from labkit import images, mine, whose
from labkit.authoring.reference import all_references
from labkit.checks.exercise import CheckFailed
from labkit.errors import LabError
from labkit.exercises import check
from labkit.exercises.own_functions import Mine, passes
from labkit.exercises.stand_ins import STAND_INS
from labkit.methods import (
    filters,
    gradients,
    sheets,
)
from labkit.show.picture import Picture

pytestmark = pytest.mark.usefixtures("a_new_cell")
SOLVED = {key: found.function() for key, found in all_references(ROOT / "solutions").items()}


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
    assert (
        Picture(1, 1, caption="Five filters.").caption == "Five filters. Made with your own scale_filters()."
    )


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
    assert whose.told() == "Made with your own normalize_contrast(), zca_whiten() and kmeans_round()."


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


SIGNS = """
def fgsm(model, images, labels, epsilon):
    leaf = images.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(model(leaf), labels)
    return (images + epsilon * torch.autograd.grad(loss, leaf)[0].sign()).clamp(0, 1)
"""


def test_it_is_judged_as_in_its_check_cell_also_where_gradients_are_off():
    with torch.no_grad():
        assert passes("08.2", written(SIGNS, "fgsm"))
    with torch.inference_mode():
        assert passes("08.2", written(SIGNS.replace("loss", "cost"), "fgsm"))


def test_a_check_that_fails_is_remembered_as_failed():
    function = written("def scale_filters(filters):\n    return filters + 1", "scale_filters")
    with pytest.raises(CheckFailed):
        check("01.2", function)
    assert torch.equal(
        Mine(sheets, STAND_INS, {"scale_filters": function}).rescale(bank()), sheets.rescale(bank())
    )
