"""A channel's passport: chosen once and kept, looked at with every method, put on one page."""

import json
import re
from types import SimpleNamespace

import pytest
import torch
from explorer_calls import LARGE
from public_calls import MODEL
from torch import nn

from labkit.errors import LabError
from labkit.methods.push import push
from labkit.models import Classifier, load
from labkit.objectives import channel as channel_of
from labkit.show import passport
from labkit.show.passport import choice, drawn, pages, seen

TINY = passport.Channel(MODEL, "1", 1, "a stripe")


@pytest.fixture
def student(tmp_path, monkeypatch):
    """A student at work in a notebook in tmp_path; students can move to another folder."""

    def work_in(folder):
        folder.mkdir(exist_ok=True)
        shell = SimpleNamespace(user_ns={}, starting_dir=str(folder))
        monkeypatch.setattr(choice, "students_shell", lambda: shell)
        return folder

    work_in(tmp_path)
    return work_in


@pytest.fixture(scope="module")
def squeezenet():
    return load("squeezenet")


def test_a_chosen_channel_is_found_again_in_its_folder_and_nowhere_else(
    student, tmp_path, squeezenet, capsys
):
    passport.choose(squeezenet, "features.9", 7, called="  « roues » und 車  ")
    again = passport.chosen(squeezenet)
    assert (again.model, again.layer, again.number, again.called) == (
        squeezenet,
        "features.9",
        7,
        "« roues » und 車",
    )
    assert capsys.readouterr().out == ""

    student(tmp_path / "elsewhere")
    assert passport.chosen(squeezenet).number == 232
    assert "No channel is chosen here" in capsys.readouterr().out


def test_the_network_is_loaded_where_another_is_at_hand(student, squeezenet):
    passport.choose(squeezenet, "features.9", 7)
    assert passport.chosen().model.name == "squeezenet"
    for other in (MODEL, load("squeezenet", weights=None)):
        found = passport.chosen(other)
        assert found.model is not other
        assert found.model.name == "squeezenet"
        assert found.model.weights


def test_where_no_student_is_at_work_it_is_the_labs_own_and_nothing_is_written(
    tmp_path, monkeypatch, squeezenet
):
    monkeypatch.chdir(tmp_path)
    assert passport.choose(squeezenet, "features.9", 7).number == 7
    assert passport.chosen(squeezenet).number == 232
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe{", b"[]", b"{}", b"7", b"[" * 100_000,
        json.dumps({"network": "squeezenet", "layer": "features.9", "number": True, "called": ""}).encode(),
        json.dumps({"network": "squeezenet", "layer": "features.9", "number": "7", "called": ""}).encode(),
        json.dumps({"network": "hers", "layer": "features.9", "number": 7, "called": ""}).encode(),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_counts_as_none(student, tmp_path, content, squeezenet, capsys):
    (tmp_path / choice.FILE).write_bytes(content)
    assert passport.chosen(squeezenet).number == 232
    assert "No channel is chosen" in capsys.readouterr().out
    passport.choose(squeezenet, "features.9", 3)
    assert passport.chosen(squeezenet).number == 3


def test_a_folder_that_cannot_be_written_to_keeps_it_for_this_kernel(student, tmp_path, squeezenet, capsys):
    (tmp_path / choice.FILE).mkdir()  # refuses a file, for every user
    passport.choose(squeezenet, "features.9", 3)
    assert "as long as this kernel" in capsys.readouterr().out
    assert passport.chosen(squeezenet).number == 3
    (tmp_path / choice.FILE).rmdir()
    passport.choose(squeezenet, "features.9", 4)
    assert passport.chosen(squeezenet).number == 4


def test_a_network_that_later_notebooks_cannot_load_is_said(student, tmp_path, capsys):
    assert passport.choose(MODEL, "1", 1).number == 1
    assert "cannot load this network" in capsys.readouterr().out
    assert not (tmp_path / choice.FILE).exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"layer": "9"}, "no layer"),
        ({"layer": "7"}, "maps"),
        ({"number": 5}, "try 0 to 4"),
        ({"number": -1}, "try 0 to 4"),
        ({"number": 1.5}, "no channel 1.5"),
        ({"called": 7}, "a name in words"),
        ({"model": nn.ReLU()}, "expected a Classifier"),
    ],
)
def test_what_is_no_channel_is_refused(given, told):
    with pytest.raises(LabError, match=re.escape(told)):
        passport.choose(**{"model": MODEL, "layer": "1", "number": 1} | given)


@pytest.mark.parametrize("draw", pages.STAGES.values())
def test_each_page_says_what_is_no_channel(draw):
    with pytest.raises(LabError, match=r"expected a Channel, got int; try passport\.chosen"):
        draw(232, LARGE)


def test_photos_are_put_in_the_order_of_their_peaks():
    order, peaks, maps = seen.by_peak(TINY, LARGE)
    one_by_one = [
        MODEL.net[:2](LARGE.images[n : n + 1])[0, 1].max().item() for n in range(len(LARGE))
    ]  # mean 0, std 1
    assert peaks.tolist() == pytest.approx(one_by_one, rel=1e-5)
    assert order == sorted(range(2), key=lambda n: -one_by_one[n])
    assert maps.shape == (2, 48, 40)


def test_figures_tell_what_was_measured():
    told = passport.attacked(TINY, LARGE, epsilon=0.02, steps=4).caption
    loud, end, quiet, woken, left, stirred = map(
        float, re.findall(r"(?<![\w/])\d+\.?\d*(?!/)(?=[ .;])", told)[1:]
    )
    order, peaks, _ = seen.by_peak(TINY, LARGE)
    assert loud == pytest.approx(peaks[order[0]].item(), abs=0.01)
    assert end < loud
    assert woken > quiet
    assert abs(left - loud) < loud - end
    assert stirred < woken
    assert "channel 1 of 1 in untrained small" in passport.at_work(TINY, LARGE).caption.lower()


def test_a_channel_that_fires_nowhere_is_said():
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    nn.init.constant_(net[0].bias, -100.0)
    silent = passport.Channel(Classifier(net, name="silent", categories=["a", "b"], input_size=32), "1", 0)
    assert "flow" not in passport.at_work(silent, LARGE).caption
    with pytest.raises(LabError, match="fires in none of the photos"):
        drawn.attacked(silent, LARGE)


def test_the_page_holds_six_stages_and_is_saved_whole(tmp_path, monkeypatch):
    small = dict.fromkeys(("03", "04", "05", "06", "07", "08"), seen.at_work)
    monkeypatch.setattr(pages, "STAGES", small)
    named = passport.Channel(MODEL, "1", 1, "<b>stripe</b> & co")
    page = passport.page(named, LARGE, verdict="<script>alert(1)</script> too much said")
    saved = page.save(tmp_path / "deep" / "mine.html")
    text = (tmp_path / "deep" / "mine.html").read_text("utf-8")
    assert "mine.html" in saved
    assert text.count("<figure") == 6
    assert text.count("<img alt='Where it fires") == 6
    assert "<script>" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"(src|href)='(?!data:)", text)  # nothing from elsewhere
    assert "text/html" in page._repr_mimebundle_()
    assert page.html() in text
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="cannot be written"):
        page.save(tmp_path / "file" / "mine.html")


@pytest.mark.parametrize("stage", ["06", "07"])
def test_what_is_made_for_a_channel_makes_it_fire_more(stage):
    draw = pages.STAGES[stage]
    options = {"06": {"size": 48, "steps": 12}, "07": {"steps": 4}}[stage]
    picture = draw(TINY, LARGE, **options)
    numbers = [float(axes.get_title().split(": ")[1]) for axes in picture.axes if ": " in axes.get_title()]
    if stage == "06":
        assert min(numbers[:2]) > numbers[2]
    else:
        assert numbers[1] > numbers[0]


def test_a_push_on_a_linear_objective_ends_in_the_corner_of_the_box():
    weights = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    images = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    for down in (False, True):
        pushed = push(lambda x: (x * weights).sum(dim=(1, 2, 3)), images, epsilon=0.03, down=down)
        corner = images + (-0.03 if down else 0.03) * weights.sign()
        torch.testing.assert_close(pushed, corner.clamp(0, 1))


def test_a_push_without_a_slope_is_refused():
    flat = channel_of(MODEL, "1", 1)
    with pytest.raises(LabError, match=r"no slope at images \[1\]"):
        push(lambda x: flat(x) * torch.tensor([1.0, 0.0]), LARGE.images, epsilon=0.03)
