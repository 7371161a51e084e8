"""The explorers in JupyterLab: moving a control changes the picture, and what is said of it."""

from contextlib import contextmanager

import nbformat
import pytest
from browser import SeenExplorer, lab, open_notebook, page, run_all
from lab import ROOT, released

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@contextmanager
def explorer_of(stage, folder, given):
    """A stage's explorer in a page, with the set-up cell and, in place of all else before it, what is given."""
    notebook = released(ROOT / "solutions" / f"{stage}.py")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    (show,) = [cell for cell in code if "explore(" in cell.source.split("\n")[-1]]
    notebook.cells = [code[0], nbformat.v4.new_code_cell(given), show]
    nbformat.write(notebook, folder / "explorer.ipynb")
    with page() as tab, lab(folder) as address:
        open_notebook(tab, address, "explorer.ipynb")
        run_all(tab)
        yield SeenExplorer(tab)
        tab.screenshot(path=folder / "explorer.png")


def test_stage_03_lays_another_channel_over_another_photo(tmp_path):
    given = (
        "layers = lab.rectified_layers(model, cat)\nearly, LAYER = 'bn1.act', 'blocks.5.0.bn1.act'\n"
        "names, channel = list(layers), 68"
    )
    with explorer_of("03_activations", tmp_path, given) as seen:
        assert "channel 68 of 672" in seen.spoken
        assert "astronaut: largest value" in seen.moved(
            lambda: seen.dropdown("photo").select_option("astronaut")
        )
        assert "channel 69 of 672" in seen.moved(lambda: seen.slider("channel").press("ArrowRight"))
        # fewer channels there: pulled in
        assert "bn1.act, channel 31 of 32" in seen.moved(
            lambda: seen.dropdown("layer").select_option(index=0)
        )


def test_stage_05_puts_another_neuron_under_the_three_rules(tmp_path):
    given = (
        "from types import SimpleNamespace\nHIGH = layers[-2]\n"
        "places = [SimpleNamespace(photo=bank.names.index('dalmatian'), channel=7)]"
    )
    with explorer_of("05_guided_backprop", tmp_path, given) as seen:
        assert "channel 7 of" in seen.spoken
        assert "dalmatian: loudest" in seen.spoken
        assert "cat: loudest" in seen.moved(lambda: seen.dropdown("photo").select_option("cat"))
        assert "channel 8 of" in seen.moved(lambda: seen.slider("channel").press("ArrowRight"))
        first = seen.dropdown("layer").locator("option").first.text_content()
        assert seen.moved(lambda: seen.dropdown("layer").select_option(index=0)).startswith(f"{first},")


def test_stage_08_pushes_another_photo_towards_another_target_by_another_epsilon(tmp_path):
    with explorer_of("08_adversarial_examples", tmp_path, "pass") as seen:
        assert "dalmatian towards koala, no value changed by more than 1/255" in seen.spoken
        assert "Now: koala" in seen.spoken
        assert "by more than 1.25/255" in seen.moved(lambda: seen.slider("epsilon").press("ArrowRight"))
        assert "towards schooner" in seen.moved(lambda: seen.dropdown("target").select_option("schooner"))
        assert "drum towards schooner" in seen.moved(lambda: seen.dropdown("photo").select_option("drum"))
