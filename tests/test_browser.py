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


def test_run_all_goes_past_checks_that_are_not_solved_and_each_shows_one_card(tmp_path):
    nbformat.write(released(), tmp_path / "01.ipynb")
    with page() as tab, lab(tmp_path) as address:
        open_notebook(tab, address, "01.ipynb")
        run_all(tab)
        cards = tab.locator(".labkit-verdict")
        assert cards.count() == 6
        assert all("not attempted" in text for text in cards.all_text_contents())
        assert tab.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
        assert (
            tab.locator(".labkit-figure img").count() >= 5
        )  # what is below is there, made with the lab's own
