"""Stage 07's explorer in JupyterLab: Start lets the picture grow, Stop ends it and keeps what there is."""

import nbformat
import pytest
from browser import lab, open_notebook, page, run_all, wait_idle
from lab import ROOT, released

pytestmark = [pytest.mark.browser, pytest.mark.slow]
STAGE_07 = ROOT / "solutions" / "07_deep_dream.py"
OUTPUT = ".jp-OutputArea-output .widget-image"


def explorer_alone():
    """The notebook without all that the explorer does not need, and with more steps than a test can wait for."""
    notebook = released(STAGE_07)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    (show,) = [cell for cell in code if cell.source.startswith("explore(")]
    longer = nbformat.v4.new_code_cell("explorer = _\nexplorer.options['steps'] = 100_000")
    notebook.cells = [code[0], show, longer]
    return notebook


def src(tab):
    return tab.locator(OUTPUT).get_attribute("src")


def test_the_dream_grows_until_it_is_stopped(tmp_path):
    nbformat.write(explorer_alone(), tmp_path / "07.ipynb")
    with page() as tab, lab(tmp_path) as address:
        open_notebook(tab, address, "07.ipynb")
        tab.get_by_text("| Idle").wait_for()
        run_all(tab)
        tab.locator(OUTPUT).wait_for()
        message = tab.locator(".jp-OutputArea-output [role='status']")
        assert "press Start" in message.text_content()
        start, stop = (tab.get_by_role("button", name=name, exact=True) for name in ("Start", "Stop"))
        assert stop.is_disabled()
        photo = src(tab)

        start.click()
        grown = photo
        for _ in range(3):  # three pictures, one after another
            tab.wait_for_function(
                "([css, before]) => document.querySelector(css).src !== before",
                arg=[OUTPUT, grown],
                polling=100,
            )
            grown = src(tab)
        assert "octave 1 of 4" in message.text_content()
        tab.screenshot(path=tmp_path / "growing.png")

        stop.click()
        tab.get_by_text("stopped at octave 1 of 4").wait_for(timeout=20_000)
        wait_idle(tab)
        kept = src(tab)
        tab.wait_for_timeout(1500)
        assert src(tab) == kept != photo
        assert stop.is_disabled()
        tab.screenshot(path=tmp_path / "stopped.png")
