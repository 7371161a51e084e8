"""Each stage as a student meets it: JupyterLab, a browser, Run All Cells, some exercises done and some not."""

import os
from datetime import date

import nbformat
import pytest
from browser import lab, open_notebook, page, run_all, watched
from lab import ROOT, released, solved

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SOURCES = sorted((ROOT / "solutions").glob("*.py"))
DAY = date.today().toordinal()
# A fifth of the stages each day, since each takes a minute; LABKIT_STAGES=all takes them all, "01 05" these.
ASKED = os.environ.get("LABKIT_STAGES", "")
TODAY = (
    [path for path in SOURCES if ASKED == "all" or path.stem[:2] in ASKED] if ASKED else SOURCES[DAY % 5 :: 5]
)
VIEWS = [("JupyterLab Light", 1280), ("JupyterLab Dark", 700)]
TOO_WIDE = """all => all.filter(one => one.scrollWidth > one.clientWidth + 2)
    .map(one => `${one.scrollWidth} in ${one.clientWidth}: ${one.textContent.trim().slice(0, 80)}`)"""


def half_done(path):
    """The released notebook with every other exercise solved, and how each check should end."""
    notebook, answers = released(path), {cell.id: cell.source for cell in solved(path).cells}
    tasks = [cell for cell in notebook.cells if cell.id.endswith("-task")]
    for cell in tasks[::2]:
        cell.source = answers[cell.id]
    return notebook, ["not attempted" if number % 2 else "passed" for number in range(len(tasks))]


def goes_to_the_last_exercise(tab, task):
    """By its link in the table of exercises."""
    from playwright.sync_api import expect

    exercise_id = task.removesuffix("-task").replace("-", ".")
    heading = tab.get_by_role("heading", name=f"Exercise {exercise_id} ")
    link = tab.locator(".jp-Notebook table").first.get_by_role("link", name=exercise_id, exact=True)
    link.scroll_into_view_if_needed()
    expect(heading).not_to_be_in_viewport()
    for _attempt in range(
        4
    ):  # cells on the way get their heights when they are first shown: it may stop short
        link.click()
        tab.wait_for_timeout(1500)
        if heading.evaluate("one => one.getBoundingClientRect().top < innerHeight"):
            break
    expect(heading).to_be_in_viewport()


@pytest.mark.parametrize("path", TODAY, ids=lambda path: path.stem[:2])
def test_a_stage_runs_from_top_to_bottom_in_the_browser(path, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    notebook, expected = half_done(path)
    nbformat.write(notebook, tmp_path / f"{path.stem}.ipynb")
    theme, width = VIEWS[(SOURCES.index(path) + DAY) % 2]
    with page(width) as tab, watched(tab) as troubles, lab(tmp_path, theme=theme) as address:
        open_notebook(tab, address, f"{path.stem}.ipynb")
        run_all(tab, timeout_s=400)
        tab.screenshot(path=tmp_path / "end.png")
        assert tab.get_by_text("official Jupyter news").count() == 0  # nobody is asked about a news feed
        cards = tab.locator(".labkit-verdict").all_text_contents()
        assert [end in card for end, card in zip(expected, cards, strict=True)] == [True] * len(cards), cards
        for kind in ("stderr", "error"):
            assert tab.locator(f"[data-mime-type='application/vnd.jupyter.{kind}']").all_text_contents() == []
        pictures = tab.locator(".jp-OutputArea-output .labkit-figure img")
        assert pictures.count() >= 5  # what is below an exercise that is not done is made with the lab's own
        for picture in pictures.all():
            assert picture.evaluate("image => image.complete && image.naturalWidth > 100")
            assert len(picture.get_attribute("alt")) > 20
        assert tab.locator(".jp-RenderedHTMLCommon.jp-OutputArea-output").evaluate_all(TOO_WIDE) == []
        found = Axe().run(tab, context=".jp-OutputArea-output")
        assert found.response["violations"] == [], found.generate_report()
        goes_to_the_last_exercise(tab, [cell.id for cell in notebook.cells if cell.id.endswith("-task")][-1])
        assert troubles == []
