"""Stage 03's explorer in JupyterLab: moving a control changes the picture."""

import nbformat
import pytest
from browser import lab, open_notebook, page, run_all, wait_idle
from lab import ROOT, released

pytestmark = [pytest.mark.browser, pytest.mark.slow]
STAGE_03 = ROOT / "solutions" / "03_activations.py"
OUTPUT = ".jp-OutputArea-output .widget-image"


def explorer_alone():
    """The notebook without all that the explorer does not need."""
    notebook = released(STAGE_03)
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
    (show,) = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "explore(" in cell.source.split("\n")[-1]
    ]
    layers = nbformat.v4.new_code_cell(
        "layers = lab.rectified_layers(model, cat)\nearly, LAYER = 'bn1.act', 'blocks.5.0.bn1.act'\n"
        "names, channel = list(layers), 68"
    )
    notebook.cells = [setup, layers, show]
    return notebook


def test_moving_a_control_of_the_explorer_changes_the_picture(tmp_path):
    nbformat.write(explorer_alone(), tmp_path / "03.ipynb")
    with page() as tab, lab(tmp_path) as address:
        open_notebook(tab, address, "03.ipynb")
        tab.get_by_text(
            "| Idle"
        ).wait_for()  # the status bar; the notebook's own sign says idle before there is a kernel
        run_all(tab)
        image = tab.locator(OUTPUT)
        image.wait_for()
        assert image.evaluate("image => image.complete && image.naturalWidth > 500")
        spoken = tab.locator(".jp-OutputArea-output [role='status']")
        assert "channel 68 of 672" in spoken.text_content()

        def moved(move, said):
            """Do it, wait for another picture, and read what it shows."""
            before = image.get_attribute("src")
            move()
            tab.wait_for_function(
                "([css, before]) => document.querySelector(css).src !== before",
                arg=[OUTPUT, before],
                polling=500,
            )
            wait_idle(tab)
            assert said in spoken.text_content()

        photo, layer = tab.locator(".widget-dropdown select").all()
        moved(lambda: photo.select_option("astronaut"), "astronaut: largest value")
        moved(lambda: tab.locator(".widget-slider .noUi-handle").press("ArrowRight"), "channel 69 of 672")
        moved(lambda: layer.select_option(index=0), "bn1.act, channel 31 of 32")  # fewer channels: pulled in
        tab.screenshot(path=tmp_path / "explorer.png")
