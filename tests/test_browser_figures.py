"""Figures as a part of the page: in JupyterLab, light and dark, wide and narrow, without a kernel; in an export."""

import nbformat
import pytest
from browser import SeenExplorer, at, lab, open_notebook, page, run_all, wait_idle
from nbconvert import HTMLExporter

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CODE = """
import ipywidgets
from labkit import show
from labkit.show.widgets import explorer

def bar(length):
    figure = show.Picture(9, 2, title=f"A bar of {length}", caption="A caption, which follows the theme.")
    figure.subplots().barh(["bar"], [length])
    return figure

explorer(bar, length=ipywidgets.IntSlider(3, max=9))
"""
VISIBLE = "all => all.filter(one => parseFloat(getComputedStyle(one).fontSize) > 0).map(one => one.innerText)"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A notebook in which an explorer's control was moved, saved by JupyterLab."""
    folder = tmp_path_factory.mktemp("saved")
    place = folder / "explorer.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, place)
    with page() as tab, lab(folder) as address:
        open_notebook(tab, address, place.name)
        run_all(tab)
        seen = SeenExplorer(tab)
        assert "A bar of 4" in seen.moved(lambda: seen.slider("length").press("ArrowRight"))
        tab.keyboard.press("Control+s")
        wait_idle(tab)
        tab.wait_for_timeout(2000)
    return place


def test_a_saved_file_holds_the_picture_that_was_seen_last(saved):
    _controls, picture = nbformat.read(saved, as_version=4).cells[0].outputs
    assert picture.data["text/plain"] == "A bar of 4. A caption, which follows the theme"


@pytest.mark.parametrize(
    ("theme", "colour"), [("JupyterLab Light", "rgba(0, 0, 0"), ("JupyterLab Dark", "rgb(255")]
)
@pytest.mark.parametrize("width", [1280, 700])
def test_reopened_without_its_kernel_an_explorer_still_has_its_picture(saved, theme, colour, width):
    with page(width) as tab, lab(saved.parent, theme=theme) as address:
        tab.goto(at(address, saved.name))
        tab.get_by_text("model not found").wait_for(state="attached")
        picture = SeenExplorer(tab).image
        assert "A bar of 4" in picture.get_attribute("alt")
        assert picture.bounding_box()["width"] > 0.3 * width
        assert tab.locator(".jp-OutputArea .jupyter-widgets").evaluate_all(VISIBLE) == []
        caption = tab.locator(".labkit-figure figcaption")
        assert caption.evaluate("one => getComputedStyle(one).color").startswith(colour)
        assert float(caption.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")) >= 13
        tab.screenshot(path=saved.parent / f"{theme}-{width}.png")


def test_a_notebook_that_jupyterlab_does_not_trust_has_its_pictures_all_the_same(saved, tmp_path):
    stranger = nbformat.read(saved, as_version=4)
    stranger.cells[0].outputs[1].data["text/html"] += "<!-- not as it was signed -->"
    nbformat.write(stranger, tmp_path / "stranger.ipynb")
    with page() as tab, lab(tmp_path) as address:
        tab.goto(at(address, "stranger.ipynb"))
        picture = tab.locator("figure img")
        picture.wait_for()
        assert picture.evaluate("image => image.complete && image.naturalWidth === 1440")
        assert "A bar of 4" in picture.get_attribute("alt")
        assert tab.locator("figure figcaption").text_content() == "A caption, which follows the theme."


def test_an_export_has_picture_alt_text_and_caption(saved, tmp_path):
    markup, _ = HTMLExporter(template_name="lab").from_filename(str(saved))
    (tmp_path / "export.html").write_text(markup, encoding="utf-8")
    assert "No description has been provided" not in markup
    with page() as tab:
        tab.goto(f"file://{tmp_path}/export.html")
        pictures = tab.locator("img")
        assert pictures.count() == 1
        assert "A bar of 4" in pictures.get_attribute("alt")
        assert pictures.evaluate("image => image.complete && image.naturalWidth === 1440")
        assert tab.locator("figcaption").filter(has_text="A caption, which follows").is_visible()
        tab.screenshot(path=tmp_path / "export.png")
