import asyncio
import base64
import datetime
import io
import re

import ipywidgets
import nbformat
import pytest
import torch
from explorer_calls import BANK, EXPLORERS, MODEL
from nbclient import NotebookClient
from PIL import Image

from labkit.errors import LabError
from labkit.images import Photos
from labkit.methods.activations import record
from labkit.show import widgets
from labkit.show.controls import WIDGET, saved
from labkit.show.own_photos import PhotoChoice
from labkit.show.picture import Picture
from labkit.show.widgets import explorer


@pytest.fixture
def drawn():
    return []


@pytest.fixture
def bars(drawn):
    """An explorer of a bar as long as its number."""

    def draw(number, colour):
        if number == 13:
            raise LabError("no picture of <13>; try 12")
        drawn.append((number, colour))
        figure = Picture(3, 2, alt=f"a {colour} bar of {number}")
        figure.subplots().bar([0], [number], color=colour)
        return figure

    return explorer(
        draw, number=ipywidgets.IntSlider(3, max=20), colour=ipywidgets.Dropdown(options=["red", "blue"])
    )


def test_moving_a_control_changes_the_picture_and_its_alt_text(bars):
    before = bars.picture.webp()
    bars.controls["number"].value = 7
    assert bars.picture.webp() != before
    assert bars.picture.alt == "a red bar of 7"
    assert "role='status'" in bars.spoken.value
    assert ">a red bar of 7<" in bars.spoken.value
    bars.controls["colour"].value = "blue"
    assert bars.picture.alt == "a blue bar of 7"


def test_the_same_values_give_the_same_bytes(bars):
    before = bars.picture.webp()
    bars.controls["number"].value = 7
    bars.controls["number"].value = 3
    assert bars.picture.webp() == before


def test_it_draws_once_a_move_and_not_along_the_way(bars, drawn):
    assert not bars.controls["number"].continuous_update
    bars.controls["number"].value = 7
    assert drawn == [(3, "red"), (7, "red")]


def test_a_control_that_moves_another_one_draws_once():
    drawn = []
    layer, channel = ipywidgets.Dropdown(options=[3, 9]), ipywidgets.IntSlider(1, max=2)
    layer.observe(lambda change: channel.set_trait("max", change.new - 1), names="value")

    def draw(layer, channel):
        drawn.append((layer, channel))
        return Picture(1, 1)

    explorer(draw, layer=layer, channel=channel)
    layer.value = 9
    channel.value = 8
    layer.value = 3  # moves the channel to 2
    assert drawn == [(3, 1), (9, 1), (9, 8), (3, 2)]


def test_an_error_is_told_and_the_next_move_clears_it(bars):
    before = bars.picture
    bars.controls["number"].value = 13
    assert bars.picture is before
    assert "no picture of &lt;13&gt;; try 12" in bars.message.value
    bars.controls["number"].value = 4
    assert bars.message.value == ""
    assert bars.picture.alt == "a red bar of 4"


@pytest.mark.slow
def test_a_saved_notebook_holds_the_picture_that_was_seen_last():
    """Controls and picture are two outputs; only the picture is of use without the kernel, and it moves along."""
    sources = [
        "import ipywidgets\n"
        "from labkit.show.picture import Picture\n"
        "from labkit.show.widgets import explorer\n"
        "explored = explorer(lambda n: Picture(2, 1, alt=f'number {n}'), n=ipywidgets.IntSlider(3))\n"
        "explored",
        "explored.controls['n'].value = 5",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120).execute()
    controls, picture = notebook.cells[0].outputs
    assert WIDGET in controls.data
    assert controls.data["text/plain"] == "Run this cell to move its controls: n."
    assert picture.data["text/plain"] == "number 5"
    (encoded,) = re.findall(
        r"<img alt='number 5' [^>]*src='data:image/webp;base64,([^']+)'", picture.data["text/html"]
    )
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (320, 160)


def test_what_is_no_control_is_refused():
    with pytest.raises(LabError, match=r"control 'channel': expected a widget with a value, got int; try"):
        explorer(lambda channel: Picture(1, 1), channel=3)
    with pytest.raises(LabError, match="at least one control"):
        explorer(lambda: Picture(1, 1))


# what is kept, what is stopped


def test_a_picture_that_was_drawn_before_comes_back_without_being_drawn(bars, drawn):
    first = bars.picture
    bars.controls["number"].value = 7
    bars.controls["number"].value = 3
    assert bars.picture is first
    assert drawn == [(3, "red"), (7, "red")]
    for number in range(20):
        for colour in ("red", "blue"):
            bars.controls["colour"].value = colour
            if number != 13:
                bars.controls["number"].value = number
    assert len(bars._kept) <= widgets.KEPT


@pytest.fixture
def slow(drawn):
    """An explorer whose picture takes ten steps."""

    def draw(number):
        for step in range(10):
            drawn.append((number, step))
            yield step / 10
        yield Picture(1, 1, alt=f"number {number}")

    return explorer(draw, number=ipywidgets.IntSlider(0, max=9))


def test_a_picture_in_steps_is_drawn_to_its_end_where_nobody_can_stop_it(slow, drawn):
    slow.controls["number"].value = 4
    assert slow.picture.alt == "number 4"
    assert drawn == [(number, step) for number in (0, 4) for step in range(10)]
    assert slow.stop.disabled


@pytest.fixture
def in_a_browser(monkeypatch):
    """Moves are messages of a browser, and the kernel's loop runs."""
    monkeypatch.setattr(widgets, "_is_message", lambda: True)
    return asyncio.run


def test_while_it_computes_the_old_picture_is_dimmed_and_says_so_and_the_last_move_counts(
    slow, drawn, in_a_browser
):
    async def play():
        slow.controls["number"].value = 1
        slow.controls["number"].value = 2
        assert slow.picture.alt == "number 0"
        await asyncio.sleep(0)
        assert "labkit-busy" in slow.message.value
        assert "still the picture before" in slow.message.value
        while slow.bar.value < 0.3:
            await asyncio.sleep(0.005)
        assert not slow.stop.disabled
        assert slow.bar.layout.visibility == "visible"
        slow.controls["number"].value = 3  # in the middle of it
        await slow.task

    in_a_browser(play())
    assert slow.picture.alt == "number 3"
    assert slow.message.value == ""
    assert slow.stop.disabled
    assert slow.bar.layout.visibility == "hidden"
    assert 1 not in {number for number, _ in drawn}  # it was over before it began
    assert (2, 9) not in drawn


def test_stop_ends_it_the_picture_says_that_it_is_old_and_the_same_move_again_draws(
    slow, drawn, in_a_browser
):
    async def play():
        slow.controls["number"].value = 5
        while slow.bar.value < 0.2:
            await asyncio.sleep(0.005)
        slow.stop.click()
        await asyncio.sleep(0.1)
        assert slow.picture.alt == "number 0"
        assert "Stopped" in slow.message.value
        assert "labkit-busy" in slow.message.value
        slow.controls["number"].value = 4
        slow.controls["number"].value = 5
        await slow.task

    in_a_browser(play())
    assert slow.picture.alt == "number 5"
    assert slow.message.value == ""


def test_an_error_while_it_computes_is_told(in_a_browser):
    def draw(number):
        yield 0.5
        if number:
            raise LabError("not this one")
        yield Picture(1, 1)

    shown = explorer(draw, number=ipywidgets.IntSlider(0))

    async def play():
        shown.controls["number"].value = 1
        await shown.task

    in_a_browser(play())
    assert "not this one" in shown.message.value
    assert "labkit-busy" not in shown.message.value


# saving


def test_a_picture_is_saved_on_white_with_its_alt_text_and_never_over_another(bars, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        bars.save.click()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-red-bar-of-3-2.png", "a-red-bar-of-3.png"]
    assert "Saved as a-red-bar-of-3-2.png" in bars.message.value
    file = Image.open(tmp_path / "a-red-bar-of-3.png")
    assert (file.mode, file.size, file.getpixel((0, 0))) == ("RGB", (480, 320), (255, 255, 255))
    assert file.text["Description"] == "a red bar of 3"


def test_where_nothing_can_be_saved_it_says_so(bars, tmp_path):
    assert "could not be saved" in saved(bars.picture, tmp_path / "nowhere")
    assert saved(Picture(1, 1, title="../<a>:b/c"), tmp_path).startswith("Saved as a-b-c.png")


# a student's own photo


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def uploaded(name, data):
    """What a browser sends."""
    now = datetime.datetime.now(datetime.UTC)
    file = {"name": name, "content": memoryview(data), "type": "", "size": len(data), "last_modified": now}
    return (file,)


@pytest.fixture
def choice():
    told = []
    bank = Photos(torch.rand(2, 3, 32, 32), torch.tensor([-1, -1]), ("one", "two"), ("", ""))
    choice = PhotoChoice(bank, say=told.append)
    choice.told = told
    return choice


TURNED = Image.Exif()
TURNED[0x0112] = 6
LEFT_HALF = Image.new("RGB", (400, 200), "white")
LEFT_HALF.paste("red", (0, 0, 200, 200))
ODD_PHOTOS = {
    "grey": (encoded(Image.new("L", (90, 60), 128), "png"), (0.5, 0.5, 0.5)),
    "16 bits": (encoded(Image.new("I;16", (90, 60), 32768), "png"), (0.5, 0.5, 0.5)),
    "transparent": (encoded(Image.new("RGBA", (90, 60), (255, 0, 0, 0)), "png"), (1.0, 1.0, 1.0)),
    "of a palette": (encoded(Image.new("RGB", (90, 60), "red").quantize(4), "gif"), (1.0, 0.0, 0.0)),
    "CMYK": (encoded(Image.new("CMYK", (90, 60), (0, 255, 255, 0)), "jpeg"), (1.0, 0.0, 0.0)),
    "turned by EXIF": (encoded(LEFT_HALF, "jpeg", exif=TURNED), (1.0, 0.0, 0.0)),  # its left is above
    "very large": (encoded(Image.new("RGB", (7000, 6000), "red"), "png"), (1.0, 0.0, 0.0)),
    "a strip": (encoded(Image.new("RGB", (2000, 3), "red"), "png"), (1.0, 0.0, 0.0)),
}


@pytest.mark.parametrize("kind", ODD_PHOTOS)
def test_an_upload_of_any_kind_becomes_a_photo_to_choose(choice, kind):
    data, colour = ODD_PHOTOS[kind]
    choice.upload.value = uploaded("mine.png", data)
    assert choice.dropdown.value == "mine.png"
    assert choice.dropdown.options == ("one", "two", "mine.png")
    image = choice["mine.png"]
    assert image.shape == (1, 3, 32, 32)
    torch.testing.assert_close(image[0, :, 2, 16], torch.tensor(colour), atol=0.03, rtol=0)
    assert choice.upload.value == ()  # the same file can be chosen again


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "cannot read mine.png as a photo"),
        (b"<svg></svg>", "cannot read mine.png as a photo"),
        (ODD_PHOTOS["grey"][0][:60], "cannot read mine.png as a photo"),
        (encoded(Image.new("1", (20_000, 20_000)), "png"), "it is very large; try a copy"),
    ],
)
def test_what_is_no_photo_is_told_in_a_sentence_and_changes_nothing(choice, data, says):
    choice.add("mine.png", data)
    assert len(choice.told) == 1
    assert says in choice.told[0]
    assert "\n" not in choice.told[0]
    assert choice.dropdown.options == ("one", "two")


def test_another_photo_of_a_known_name_gets_a_name_of_its_own(choice):
    for colour in ("red", "lime"):
        choice.add("one", encoded(Image.new("RGB", (40, 40), colour), "png"))
    assert choice.dropdown.options == ("one", "two", "one (2)", "one (3)")
    assert torch.equal(choice["one"], choice.bank["one"])
    assert choice["one (3)"][0, :, 0, 0].tolist() == [0, 1, 0]


WITHOUT_PHOTOS = {"06", "09"}  # they show images that were made before


@pytest.mark.parametrize("stage", sorted(EXPLORERS.keys() - WITHOUT_PHOTOS))
def test_every_explorer_with_a_photo_takes_your_own(stage):
    make, _ = EXPLORERS[stage]
    shown = make()
    (upload,) = [one for one in shown.widget.children[0].children if isinstance(one, ipywidgets.FileUpload)]
    upload.value = uploaded("mine.png", ODD_PHOTOS["very large"][0])
    assert shown.controls["photo"].value == "mine.png"
    assert "mine.png" in shown.picture.alt
    before = shown.picture
    upload.value = uploaded("no.png", b"no")
    assert "cannot read no.png as a photo" in shown.message.value
    assert shown.picture is before


@pytest.mark.parametrize("stage", ["03", "05"])
def test_another_layer_begins_with_the_channel_that_the_photo_moves_most(stage):
    shown = EXPLORERS[stage][0]()
    for layer in ("1", "4"):
        shown.controls["layer"].value = layer
        maps = record(MODEL, BANK["one"], layer)
        assert shown.controls["channel"].value == int(maps.amax(dim=(0, 2, 3)).argmax())
        assert shown.controls["channel"].max == maps.shape[1] - 1
        assert "does not fire" not in shown.picture.caption


@pytest.mark.parametrize("stage", EXPLORERS)
def test_every_control_has_a_name_and_the_channels_have_room(stage):
    shown = EXPLORERS[stage][0]()
    assert all(control.description for control in shown.controls.values())
    for name in {"channel", "number"} & shown.controls.keys():
        assert shown.controls[name].layout.width == "100%"
