"""Stage 06's explorer in JupyterLab: moving a control changes the picture, at once."""

import nbformat
import pytest
from browser import lab, open_notebook, page, run_all, wait_idle
from lab import ROOT, released

pytestmark = [pytest.mark.browser, pytest.mark.slow]
STAGE_06 = ROOT / "solutions" / "06_gradient_ascent.py"
OUTPUT = ".jp-OutputArea-output .widget-image"


def explorer_alone():
    """The notebook without all that the explorer does not need, and a shorter climb."""
    notebook = released(STAGE_06)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    (show,) = [cell for cell in code if "explore(" in cell.source.split("\n")[-1]]
    show.source = show.source.replace('climb(model, "daisy")', 'climb(model, "daisy", size=64, steps=8)')
    assert "steps=8" in show.source
    notebook.cells = [code[0], nbformat.v4.new_code_cell("bank.names[:2]"), show]
    return notebook


def test_moving_a_control_of_the_lab_changes_the_picture(tmp_path):
    nbformat.write(explorer_alone(), tmp_path / "06.ipynb")
    with page() as tab, lab(tmp_path) as address:
        open_notebook(tab, address, "06.ipynb")
        tab.get_by_text("| Idle").wait_for()  # the status bar; the notebook's own sign is too early
        run_all(tab)
        image = tab.locator(OUTPUT)
        image.wait_for()
        assert image.evaluate("image => image.complete && image.naturalWidth > 500")
        assert (
            tab.locator(".jp-OutputArea-output [role='progressbar'], .jp-OutputArea-output progress").count()
            == 0
        )
        spoken = tab.locator(".jp-OutputArea-output [role='status']")
        assert "daisy, step 8:" in spoken.text_content()

        def moved(slider, key, said):
            """Press a key on a slider, wait for another picture, and read what it shows."""
            before = image.get_attribute("src")
            tab.locator(".widget-slider .noUi-handle").nth(slider).press(key)
            tab.wait_for_function(
                "([css, before]) => document.querySelector(css).src !== before",
                arg=[OUTPUT, before],
                polling=500,
            )
            wait_idle(tab)
            assert said in spoken.text_content()

        moved(0, "ArrowRight", "L2 0.2")
        moved(1, "ArrowLeft", "blur 0,")
        moved(2, "ArrowLeft", "clip 0 %")
        moved(3, "ArrowLeft", "step 4:")
        tab.screenshot(path=tmp_path / "explorer.png")
