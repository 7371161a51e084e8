"""The README's two screenshots, a verdict and an explorer, taken from JupyterLab: python docs/screens.py

Needs what the browser tests need: an installed Chromium.
"""

import io
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from PIL import Image

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
WIDTH = 860  # of the page's pixels, as wide as a figure
STAGE = ROOT / "solutions" / "05_guided_backprop.py"
WRONG = ("gradient.abs().amax(dim=1)", "gradient.amax(dim=1)")  # the sign is kept, as many students do

sys.path.insert(0, str(ROOT / "tests"))
from browser import SeenExplorer, end_servers, lab, open_notebook, page, run_all, wait_idle  # noqa: E402
from lab import solved  # noqa: E402


def notebook():
    """Stage 05's set-up, one exercise with a mistake in it, and the explorer."""
    whole = solved(STAGE)
    code = [cell for cell in whole.cells if cell.cell_type == "code"]
    (task,) = [cell for cell in code if cell.id == "05-2-task"]
    (check,) = [cell for cell in code if cell.id == "05-2-check"]
    (explore,) = [cell for cell in code if "explore(" in cell.source.split("\n")[-1]]
    before, _, solution = task.source.partition("    # TODO")
    task.source = before + "    " + solution.splitlines()[-1].strip().replace(*WRONG)
    given = nbformat.v4.new_code_cell(
        "from types import SimpleNamespace\nHIGH = 'features.9'\n"
        "places = [SimpleNamespace(photo=bank.names.index('cat'), channel=311)] * 3"
    )
    whole.cells = [code[0], task, check, given, explore]
    return whole


def shot(tab, above, below, name):
    """What the page shows from the top of one element to the bottom of another, as a picture of the README."""
    top, bottom = above.bounding_box(), below.bounding_box()
    height = bottom["y"] + bottom["height"] - top["y"]
    clip = {"x": top["x"] - 6, "y": top["y"] - 6, "width": WIDTH, "height": height + 12}
    picture = Image.open(io.BytesIO(tab.screenshot(clip=clip, animations="disabled"))).convert("RGB")
    picture.save(PICTURES / f"{name}.webp", quality=85)


def main():
    """Write docs/pictures/verdict.webp and docs/pictures/explorer.webp."""
    with TemporaryDirectory() as place, page(1280, 1600, density=1.5) as tab, ExitStack() as stack:
        folder = Path(place, "lab")
        folder.mkdir()
        nbformat.write(notebook(), folder / "05.ipynb")
        stack.callback(end_servers)
        with lab(folder) as address:
            open_notebook(tab, address, "05.ipynb")
            run_all(tab)
            card = tab.locator(".labkit-verdict")
            shot(tab, tab.locator(".jp-CodeCell .jp-InputArea-editor").nth(1), card, "verdict")
            tab.locator(".jp-CodeCell").nth(3).click()  # the failed check has ended the run
            tab.keyboard.press("Shift+Enter")
            tab.keyboard.press("Shift+Enter")
            picture = SeenExplorer(tab).image
            wait_idle(tab)
            shot(tab, tab.locator(".jupyter-widgets .widget-dropdown").first, picture, "explorer")


if __name__ == "__main__":
    main()
