"""A student's own figures on the feedback page: found in the notebook, drawn anew, whatever they are made of."""

import io
import json
import multiprocessing
import os
import struct
import time
import zlib
from base64 import b64decode, b64encode
from dataclasses import replace

import pytest
from layouts import lay, notebook, written
from PIL import Image, PngImagePlugin

from labkit.checks.answer import State
from labkit.exercises import exercises, stages
from labkit.grading import figures
from labkit.grading.collecting import collect
from labkit.grading.figures import LARGEST, MOST_PIXELS, redrawn, with_figures
from labkit.grading.records import Mark, Outcome, Picture, Result, Row, Student
from labkit.grading.reporting.feedback import MOST_BYTES, feedback
from labkit.show.picture import Picture as Figure

WORDS = "Three rows of noise"


def image(kind="PNG", size=(40, 20), colour=(200, 30, 30), **options):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **options)
    return out.getvalue()


def text(data):
    return b64encode(data).decode()


def shows(data, words="<Figure size 640x480 with 1 Axes>", kind="image/png", output="display_data"):
    return {"output_type": output, "metadata": {}, "data": {kind: data, "text/plain": words}}


def below(*outputs, exercise="05.2", cell="check", marks=True):
    """A notebook that shows this below an exercise, as JSON."""
    content = notebook("05", "hers")
    name = f"{exercise.replace('.', '-')}-{cell}"
    next(c for c in content["cells"] if c["id"] == name)["outputs"] = list(outputs)
    if not marks:
        for number, one in enumerate(content["cells"]):
            one["id"], one["metadata"] = f"c{number}", {}
    return content


@pytest.fixture
def found(tmp_path):
    """The pictures that are collected of a notebook."""

    def found(content):
        place = lay(
            {"ada/05.ipynb": written(content), "ben/05.ipynb": written(notebook("05", "his"))}, tmp_path / "c"
        )
        ada, ben = collect(place, stages=["05"]).handed_in
        assert ben.pictures == ()
        assert not any(cell.get("outputs") for cell in ada.notebook.cells)
        return ada.pictures

    return found


def figure():
    made = Figure(2, 1, title="Noise", alt=WORDS)
    made.add_subplot().plot([1, 2])
    return made.bundle()


# found -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "kind", "words"),
    [
        (shows(text(image())), "PNG", ""),
        (shows(text(image())[:60] + "\n" + text(image())[60:] + "\n"), "PNG", ""),
        (shows([text(image())[:40], text(image())[40:]], WORDS), "PNG", WORDS),
        (shows(text(image("JPEG")), WORDS, "image/jpeg", "execute_result"), "JPEG", WORDS),
        ({"output_type": "display_data", "metadata": {}, "data": figure()}, "WEBP", WORDS),
    ],
    ids=["png", "in lines", "in a list", "jpeg", "a figure of the lab"],
)
@pytest.mark.parametrize("marks", [True, False])
def test_a_picture_below_an_exercise_is_found_with_what_it_is_said_to_show(found, output, kind, words, marks):
    (picture,) = found(below(output, marks=marks))
    assert (picture.exercise, picture.shows) == ("05.2", words)
    assert Image.open(io.BytesIO(picture.data)).format == kind


def test_each_picture_is_of_the_exercise_above_it_and_the_first_one_counts(found):
    content = below(shows(text(image(size=(1, 1)))), exercise="05.1", cell="task")
    for number, cell in enumerate(content["cells"]):
        if cell["id"] == "05-3-check":
            shown = {
                "cell_type": "code",
                "id": "added",
                "metadata": {},
                "execution_count": 1,
                "source": "plot()",
            }
            shown["outputs"] = [shows(text(image(size=(number, 3)))) for number in (2, 3)]
            content["cells"].insert(number + 1, shown)
            break
    pictures = found(content)
    assert [(p.exercise, Image.open(io.BytesIO(p.data)).size) for p in pictures] == [
        ("05.1", (1, 1)),
        ("05.3", (2, 3)),
    ]


NO_PICTURES = {
    "nothing": [],
    "no outputs": [{"output_type": "display_data"}, 7, None, {"data": []}, {"data": {"image/png": 3}}],
    "not a png": [shows(text(b"MZ" + b"x" * 500))],
    "a gif": [shows(text(b"GIF89a" + b"x" * 500))],
    "no base64": [shows("%%%% not base64 %%%%"), shows("iVBORw0KGgo"), shows("é" * 99)],
    "too large": [shows(text(b"\x89PNG\r\n\x1a\n" + bytes(600_000)))],
    "svg": [shows("<svg onload='alert(1)'/>", kind="image/svg+xml"), shows(text(b"<svg/>"))],
    "a page": [shows("<script>alert(1)</script><img src='http://example.org/a.png'>", kind="text/html")],
    "a page with bytes that are none": [shows("<img src='data:image/png;base64,AAAA'>", kind="text/html")],
    "a page with an svg": [shows("<img src='data:image/svg+xml;base64,PHN2Zy8+'>", kind="text/html")],
    "a page of beginnings": [shows("data:image/png;base64," * 100_000, kind="text/html")],
    "a page too long": [shows("x" * 5_000_000 + f"data:image/png;base64,{text(image())}", kind="text/html")],
}


@pytest.mark.parametrize("case", NO_PICTURES)
def test_what_is_no_picture_is_left_out_and_hides_none_that_follows(found, case):
    assert found(below(*NO_PICTURES[case])) == ()
    if case != "a page of beginnings":
        (picture,) = found(below(*NO_PICTURES[case], shows(text(image()))))
        assert picture.data == image()


def test_of_five_hundred_figures_one_is_kept_and_behind_a_heap_of_trash_none_is_looked_for(found):
    many = [shows(text(image(size=(n + 1, 1)))) for n in range(500)]
    (picture,) = found(below(*many))
    assert picture.data == image(size=(1, 1))
    assert found(below(*[shows("trash")] * 100, shows(text(image())))) == ()


# drawn anew --------------------------------------------------------------------------------------------


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *chunks):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def bomb(width, height):
    """Few bytes that are a great many pixels."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    return png(width, height, chunk(b"IDAT", rows))


HOSTILE = {
    "a bomb": lambda: bomb(20_000, 20_000),
    "a bomb of a line": lambda: png(2**31 - 1, 1, chunk(b"IDAT", zlib.compress(b""))),
    "just too many pixels": lambda: bomb(MOST_PIXELS // 1000 + 1, 1000),
    "no pixels": lambda: png(0, 0, chunk(b"IDAT", zlib.compress(b""))),
    "half of one": lambda: image(size=(300, 300))[:-60],
    "a text that unpacks to 200 MB": lambda: png(
        1,
        1,
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200 * 2**20))),
        chunk(b"IDAT", zlib.compress(b"\0\0")),
    ),
    "trash": lambda: b"\x89PNG\r\n\x1a\n" + os.urandom(5_000),
    "a jpeg of trash": lambda: b"\xff\xd8\xff" + os.urandom(5_000),
    "a webp of trash": lambda: b"RIFF\0\0\0\0WEBPVP8 " + os.urandom(500),
    "postscript under a false name": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n",
    "nothing": lambda: b"",
}


def test_hostile_pictures_are_none_and_cost_those_beside_them_nothing():
    began = time.perf_counter()
    small = redrawn([image(), *(make() for make in HOSTILE.values()), image("JPEG")])
    assert [bool(one) for one in small] == [True, *(False for _ in HOSTILE), True]
    assert time.perf_counter() - began < 60


def test_what_comes_back_is_small_and_made_of_pixels_alone():
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "Ada at home, 52.5 N 13.4 E")
    noise = Image.effect_noise((1500, 1000), 90).convert("RGB")
    noise.save(
        out := io.BytesIO(), "PNG", pnginfo=told, exif=b"Exif\0\0secret", icc_profile=b"profile secret"
    )
    (small,) = redrawn([out.getvalue()])
    data = b64decode(small)
    assert len(data) <= LARGEST
    opened = Image.open(io.BytesIO(data))
    assert opened.format == "WEBP"
    assert max(opened.size) <= 640
    assert not {"exif", "icc_profile", "xmp"} & opened.info.keys()
    assert b"secret" not in data
    assert b"Ada" not in data


def test_a_picture_keeps_its_colours_and_what_is_clear_in_it():
    see_through = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    see_through.paste((0, 128, 255, 255), (0, 0, 32, 64))
    see_through.save(out := io.BytesIO(), "PNG")
    (small,) = redrawn([out.getvalue()])
    pixels = Image.open(io.BytesIO(b64decode(small))).convert("RGBA")
    assert pixels.getpixel((60, 10))[3] == 0
    assert max(abs(a - b) for a, b in zip(pixels.getpixel((10, 10)), (0, 128, 255, 255), strict=True)) < 12


@pytest.mark.parametrize(
    "harm",
    [lambda: time.sleep(600), lambda: os._exit(3), lambda: os.kill(os.getpid(), 9)],
    ids=["keeps", "ends", "is killed"],
)
def test_a_picture_that_ends_or_keeps_who_opens_it_is_none_and_the_next_is_drawn(monkeypatch, harm):
    draw = figures._redrawn
    monkeypatch.setattr(figures, "processes", lambda: multiprocessing.get_context("fork"))
    monkeypatch.setattr(figures, "_redrawn", lambda data: harm() if data == b"bad" else draw(data))
    small = redrawn([image(), b"bad", image(), b"bad"], timeout_s=4)
    assert [bool(one) for one in small] == [True, False, True, False]


# given back --------------------------------------------------------------------------------------------


def result(*states, **fields):
    outcomes = tuple(Outcome(f"05.{n}", state, code="x = 1", **fields) for n, state in enumerate(states, 1))
    return Result("ada", "05", "05.ipynb", "0", outcomes)


def test_only_what_was_attempted_and_has_not_passed_gets_its_figure(tmp_path):
    states = (State.PASSED, State.WRONG, State.NOT_ATTEMPTED, State.CRASHED, State.TIMED_OUT)
    pictures = [Picture(f"05.{n}", image(), WORDS) for n in range(1, 5)]
    made = with_figures(result(*states), pictures)
    assert [bool(o.figure) for o in made.outcomes] == [False, True, False, True, False]
    assert {o.figure_shows for o in made.outcomes if o.figure} == {WORDS}
    made.write(tmp_path / "05.json")
    assert Result.read(tmp_path / "05.json") == made


def page(made):
    row = Row(Student("ada"), tuple(Mark(o, 0, 1) for o in made.outcomes), (made,), 0, 1)
    return feedback(row, title="Seeing", isolation="bubblewrap")


def test_a_page_shows_the_figure_says_what_it_is_and_allows_pictures_inside_it_alone():
    made = with_figures(result(State.WRONG), [Picture("05.1", image(), 'noise" onerror="alert(1)')])
    html = page(made)
    assert f'<img src="data:image/webp;base64,{made.outcomes[0].figure}" alt="noise&#34; onerror' in html
    assert "img-src data:;" in html
    assert "nothing says what it shows" in page(
        replace(made, outcomes=(replace(made.outcomes[0], figure_shows=""),))
    )
    assert "<img" not in page(result(State.WRONG))
    passed_since = replace(made.outcomes[0], state=State.PASSED)
    assert "<img" not in page(replace(made, outcomes=(passed_since,)))


def test_where_figures_are_too_many_for_a_page_they_are_what_is_left_out():
    ids = [exercise.id for stage in stages() for exercise in exercises(stage)]
    outcomes = tuple(
        Outcome(i, State.WRONG, "expected 1, got 2", code="x = 1", figure="A" * 4 * (LARGEST // 3))
        for i in ids
    )
    full = replace(result(), outcomes=outcomes)
    few = replace(full, outcomes=outcomes[:10])
    assert page(few).count("<img") == 10
    assert "<img" not in page(full)
    assert "figures are left out" in page(full)
    assert page(full).count("expected 1, got 2") == len(ids)
    assert max(len(page(one).encode()) for one in (few, full)) <= MOST_BYTES


def test_outputs_of_a_notebook_of_old_are_no_matter(found):
    content = notebook("05", "hers")
    content = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": content["cells"]}]}
    assert found(json.loads(json.dumps(content))) == ()
