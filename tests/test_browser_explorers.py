"""The explorers in JupyterLab: moving a control changes the picture, and what is said of it."""

import pytest
from browser import explorer_of, wait_idle

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_stage_03_lays_another_channel_over_another_photo(tmp_path):
    given = "blocks, LAYER = ['features.4', 'features.9', 'features.12'], 'features.12'\nstrongest = [426]"
    with explorer_of("03_activations", tmp_path, given=given) as seen:
        assert "features.12, channel 426 of 512" in seen.spoken
        assert "cat: largest value" in seen.spoken  # it begins where something is to be seen
        assert "astronaut: " in seen.moved(lambda: seen.dropdown("photo").select_option("astronaut"))
        assert "channel 427 of 512" in seen.moved(lambda: seen.slider("channel").press("ArrowRight"))
        # fewer channels there: pulled in
        assert "features.4, channel 127 of 128" in seen.moved(
            lambda: seen.dropdown("layer").select_option(index=0)
        )


def test_stage_05_puts_another_neuron_under_the_three_rules(tmp_path):
    given = (
        "from types import SimpleNamespace\nHIGH = 'features.9'\n"
        "places = [SimpleNamespace(photo=bank.names.index('dalmatian'), channel=7)] * 3"
    )
    with explorer_of("05_guided_backprop", tmp_path, given=given) as seen:
        assert "channel 7 of" in seen.spoken
        assert "dalmatian: loudest" in seen.spoken
        assert "cat: loudest" in seen.moved(lambda: seen.dropdown("photo").select_option("cat"))
        assert "channel 8 of" in seen.moved(lambda: seen.slider("channel").press("ArrowRight"))
        first = seen.dropdown("layer").locator("option").first.text_content().split()[0]
        assert seen.moved(lambda: seen.dropdown("layer").select_option(index=0)).startswith(f"{first},")


def test_stage_06_looks_through_climbs_that_are_done(tmp_path):
    given = "from functools import partial\nclimb = partial(climb, size=64, steps=8)"
    with explorer_of("06_gradient_ascent", tmp_path, given=given) as seen:
        bars = seen.page.locator(".jp-OutputArea-output [role='progressbar'], .jp-OutputArea-output progress")
        assert bars.count() == 0
        assert "flamingo, step 8: L2 0, blur 1, clip 0 %" in seen.spoken
        assert "L2 0.2" in seen.moved(lambda: seen.slider("L2").press("ArrowRight"))
        assert "blur 0.5," in seen.moved(lambda: seen.slider("blur").press("ArrowLeft"))
        assert "clip 50 %" in seen.moved(lambda: seen.slider("clip").press("ArrowRight"))
        assert "step 4:" in seen.moved(lambda: seen.slider("step").press("ArrowLeft"))


def test_stage_07_dreams_until_it_is_stopped_and_keeps_what_there_is(tmp_path):
    endless = "explorer = _\nexplorer.options['steps'] = 100_000"
    with explorer_of("07_deep_dream", tmp_path, then=endless, wider_than=200) as seen:
        assert "A dream of" in seen.spoken
        assert seen.button("Stop").is_disabled()
        photo = grown = seen.shown
        seen.button("Start").click()
        for _ in range(3):  # three pictures, one after another
            seen.wait_for_another_than(grown)
            grown = seen.shown
        assert "octave 1 of 4" in seen.spoken
        seen.page.screenshot(path=tmp_path / "growing.png")
        seen.button("Stop").click()
        seen.page.get_by_text("stopped at octave 1 of 4").first.wait_for(timeout=20_000)
        wait_idle(seen.page)
        kept = seen.shown
        seen.page.wait_for_timeout(1500)
        assert seen.shown == kept != photo
        assert "coffee, and beside it what it became" in seen.spoken
        assert seen.button("Stop").is_disabled()


def test_stage_08_pushes_another_photo_towards_another_target_by_another_epsilon(tmp_path):
    with explorer_of("08_adversarial_examples", tmp_path) as seen:
        assert "dalmatian towards koala, no value changed by more than 1/255" in seen.spoken
        assert "Now: koala" in seen.spoken
        assert "by more than 1.25/255" in seen.moved(lambda: seen.slider("epsilon").press("ArrowRight"))
        assert "towards schooner" in seen.moved(lambda: seen.dropdown("target").select_option("schooner"))
        assert "drum towards schooner" in seen.moved(lambda: seen.dropdown("photo").select_option("drum"))
