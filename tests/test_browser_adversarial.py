"""Stage 08's explorer in JupyterLab: moving epsilon, the target or the photo changes what the network says."""

import pytest
from test_browser_explorers import explorer_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_stage_08_pushes_another_photo_towards_another_target_by_another_epsilon(tmp_path):
    with explorer_of("08_adversarial_examples", tmp_path, "pass") as seen:
        assert "dalmatian towards koala, no value changed by more than 1/255" in seen.spoken
        assert "Now: koala" in seen.spoken
        assert "by more than 1.25/255" in seen.moved(lambda: seen.slider("epsilon").press("ArrowRight"))
        assert "towards schooner" in seen.moved(lambda: seen.dropdown("target").select_option("schooner"))
        assert "drum towards schooner" in seen.moved(lambda: seen.dropdown("photo").select_option("drum"))
