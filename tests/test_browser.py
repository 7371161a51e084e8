"""Stage 01 as a student meets it: JupyterLab, a browser, Run All Cells."""

import nbformat
import pytest
from browser import lab, open_notebook, page, run_all
from lab import released, solved

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_solved_stage_runs_from_top_to_bottom_and_shows_its_pictures(tmp_path):
    nbformat.write(solved(), tmp_path / "01.ipynb")
    with page() as tab, lab(tmp_path) as address:
        open_notebook(tab, address, "01.ipynb")
        run_all(tab)
        assert tab.get_by_text("official Jupyter news").count() == 0  # nobody is asked about a news feed
        assert tab.locator(".labkit-verdict").count() == 6, tab.locator(
            ".jp-OutputArea-output"
        ).all_text_contents()
        assert all("passed" in text for text in tab.locator(".labkit-verdict").all_text_contents())
        pictures = tab.locator(".jp-OutputArea-output img")
        assert pictures.count() >= 5
        for picture in pictures.all():
            assert picture.evaluate("image => image.complete && image.naturalWidth > 500")
            assert len(picture.get_attribute("alt")) > 20
        assert tab.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
        assert tab.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0


def test_an_unsolved_check_shows_one_card_and_no_traceback(tmp_path):
    nbformat.write(released(), tmp_path / "01.ipynb")
    with page() as tab, lab(tmp_path) as address:
        open_notebook(tab, address, "01.ipynb")
        run_all(tab)  # stops at the first check
        card = tab.locator(".labkit-verdict")
        assert card.count() == 1
        assert "not attempted" in card.text_content()
        cell = tab.locator(".jp-CodeCell", has=card)  # the panel above names the exercise too
        outputs = cell.locator(".jp-OutputArea-child").filter(has_text="01.1 The first convolution")
        shown = outputs.evaluate_all(
            "all => all.filter(one => getComputedStyle(one).display !== 'none').length"
        )
        assert (outputs.count(), shown) == (2, 1)  # the card, and its echo for front ends without HTML
