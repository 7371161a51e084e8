import base64
import io
import re

import ipywidgets
import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from labkit.errors import LabError
from labkit.show.picture import Picture
from labkit.show.widgets import WIDGET, explorer


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
    layer, channel = ipywidgets.Dropdown(options=[3, 9]), ipywidgets.IntSlider(2, max=2)
    layer.observe(lambda change: channel.set_trait("max", change.new - 1), names="value")

    def draw(layer, channel):
        drawn.append((layer, channel))
        return Picture(1, 1)

    explorer(draw, layer=layer, channel=channel)
    layer.value = 9
    channel.value = 8
    layer.value = 3  # moves the channel to 2
    assert drawn == [(3, 2), (9, 2), (9, 8), (3, 2)]


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
