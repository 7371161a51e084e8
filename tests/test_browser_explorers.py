"""The explorers in JupyterLab: moving a control changes the picture, and what is said of it."""

import numpy as np
import pytest
from browser import SeenExplorer, explorer_of, wait_idle
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def mine(tmp_path):
    """A photo of the student's own: transparent, and turned."""
    place = tmp_path / "mine.png"
    Image.new("RGBA", (300, 200), (255, 0, 0, 128)).save(place)
    return place


def test_stage_01_shows_another_filter_and_its_twin_on_your_own_photo(tmp_path, mine):
    with explorer_of("01_first_layer_filters", tmp_path) as seen:
        assert "squeezenet, filter 5, and its twin that was never trained. cat: " in seen.spoken
        assert "filter 6," in seen.moved(lambda: seen.slider("filter").press("ArrowRight"))
        assert "efficientnet_lite0, filter 6," in seen.moved(
            lambda: seen.dropdown("network").select_option("efficientnet_lite0")
        )
        assert "mine.png: " in seen.moved(lambda: seen.upload(mine))
        large = tmp_path / "large.png"  # 14 MB, as a camera's are; a server's usual limit is 10 MB
        pixels = np.random.default_rng(0).integers(0, 256, (2200, 2200, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(large)
        assert large.stat().st_size > 13e6
        assert "large.png: " in seen.moved(lambda: seen.upload(large))
        (mine.parent / "no.png").write_text("no photo")
        seen.upload(mine.parent / "no.png")
        seen.page.get_by_text("cannot read no.png as a photo").first.wait_for()
        seen.page.get_by_role("button", name="Save picture").click()
        seen.page.get_by_text("Saved as ").first.wait_for()
        assert len([*tmp_path.glob("efficientnet_lite0*.png")]) == 1


def test_stage_02_finds_what_is_near_to_your_own_photo(tmp_path, mine):
    given = (
        "views, ids = galleries.views(bank.images[:8], per_photo=2)\nthumbnails, shows = views, bank.names\n"
        "described = {'pixels': galleries.pixels(views), NETWORK: lab.features(model, views),"
        " f'untrained {NETWORK}': lab.features(untrained[NETWORK], views)}"
    )
    with explorer_of("02_last_layer_neighbors", tmp_path, given=given) as seen:
        assert "Nearest to cat: places 1 to 5" in seen.spoken
        assert "Nearest to drum" in seen.moved(lambda: seen.dropdown("photo").select_option("drum"))
        assert "Nearest to mine.png" in seen.moved(lambda: seen.upload(mine))
        assert "places 6 to 10" in seen.moved(lambda: seen.slider("page").press("ArrowRight"))


def test_stage_04_pages_through_a_channels_patches_and_boxes_your_own_photo(tmp_path, mine):
    given = (
        "LAYER, PICKED, small = 'features.6', {3: ''}, images.photos(size=224)\n"
        "forty = lab.top_patches(model, small.images, LAYER, range(5), k=20)"
    )
    with explorer_of("04_maximally_activating_patches", tmp_path, given=given) as seen:
        assert "features.6, channel 3: its patches 1 to 10 of 20" in seen.spoken
        assert "patches 11 to 20" in seen.moved(lambda: seen.slider("page").press("ArrowRight"))
        assert "channel 4:" in seen.moved(lambda: seen.slider("channel").press("ArrowRight"))
        assert "mine.png: its largest answer" in seen.moved(lambda: seen.upload(mine))


def test_stage_03_lays_another_channel_over_another_photo(tmp_path):
    given = "blocks, LAYER = ['features.4', 'features.9', 'features.12'], 'features.12'\nstrongest = [426]"
    with explorer_of("03_activations", tmp_path, given=given) as seen:
        assert "features.12, channel 426 of 512" in seen.spoken
        assert "cat: largest value" in seen.spoken  # it begins where something is to be seen
        assert "astronaut: " in seen.moved(lambda: seen.dropdown("photo").select_option("astronaut"))
        assert "channel 427 of 512" in seen.moved(lambda: seen.slider("channel").press("ArrowRight"))
        another = seen.moved(lambda: seen.dropdown("layer").select_option(index=0))
        assert "features.4, channel " in another
        assert "does not fire" not in another  # it begins with the channel that this photo moves most


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
        assert "pineapple, step 8: L2 0, blur 1, clip 0 %" in seen.spoken
        assert "L2 0.2" in seen.moved(lambda: seen.slider("L2").press("ArrowRight"))
        assert "blur 0.5," in seen.moved(lambda: seen.slider("blur").press("ArrowLeft"))
        assert "clip 50 %" in seen.moved(lambda: seen.slider("clip").press("ArrowRight"))
        assert "step 4:" in seen.moved(lambda: seen.slider("step").press("ArrowLeft"))


def test_stage_07_dreams_until_it_is_stopped_and_keeps_what_there_is(tmp_path):
    endless = "explorer = _\nexplorer.options['steps'] = 100_000"
    with explorer_of("07_deep_dream", tmp_path, then=endless, wider_than=200) as seen:
        assert "A dream of" in seen.spoken
        seen.wait_disabled("Stop")
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
        seen.wait_disabled("Stop")


def test_stage_08_pushes_another_photo_towards_another_target_by_another_epsilon(tmp_path):
    with explorer_of("08_adversarial_examples", tmp_path) as seen:
        assert "dalmatian towards koala, no value changed by more than 1/255" in seen.spoken
        assert "Now: koala" in seen.spoken
        assert "by more than 1.25/255" in seen.moved(lambda: seen.slider("epsilon").press("ArrowRight"))
        assert "towards schooner" in seen.moved(lambda: seen.dropdown("target").select_option("schooner"))
        assert "drum towards schooner" in seen.moved(lambda: seen.dropdown("photo").select_option("drum"))


def test_stage_08_dims_the_old_picture_while_it_computes_and_can_be_stopped(tmp_path):
    opacity = f"() => getComputedStyle(document.querySelector({SeenExplorer.PICTURE!r})).opacity"
    slower = "from labkit.show import adversarial_explorer\nadversarial_explorer.STEPS = 400"
    with explorer_of("08_adversarial_examples", tmp_path, then=slower) as seen:
        before = seen.shown
        assert seen.page.evaluate(opacity) == "1"
        seen.slider("epsilon").press("ArrowRight")
        seen.page.wait_for_function(f"({opacity})() === '0.35'")
        seen.page.get_by_text("still the picture before").first.wait_for()
        seen.page.screenshot(path=tmp_path / "dimmed.png")
        seen.button("Stop").click()
        seen.page.get_by_text("Stopped. What you see is the picture before").first.wait_for()
        assert seen.shown == before
        seen.wait_disabled("Stop")
        seen.slider("epsilon").press("ArrowLeft")  # drawn before, so it is there at once
        seen.page.wait_for_function(f"({opacity})() === '1'")
        assert "by more than 1/255" in seen.spoken


def test_stage_09_shows_where_another_network_looks_at_fainter_marks(tmp_path):
    given = (
        "both = lab.planted(images.photos(size=96).images, count=4, both=True)\n"
        "networks = {'one': lab.untaught(seed=0), 'another': lab.untaught(seed=1)}"
    )
    with explorer_of("09_planted_truth", tmp_path, given=given) as seen:
        assert "gradient of the network one, asked for marked" in seen.spoken
        assert "guided backprop of the network one" in seen.moved(
            lambda: seen.dropdown("method").select_option("guided backprop")
        )
        assert "of the network another" in seen.moved(
            lambda: seen.dropdown("network").select_option("another")
        )
        assert "asked for plain" in seen.moved(lambda: seen.dropdown("category").select_option("plain"))
        before = seen.shown
        seen.slider("opacity").press("ArrowRight")
        seen.wait_for_another_than(before)
        seen.slider("crop").press("ArrowRight")


@pytest.mark.parametrize(("theme", "width"), [("JupyterLab Light", 1280), ("JupyterLab Dark", 700)])
def test_an_explorer_passes_axe_and_is_moved_from_end_to_end_by_keyboard(theme, width, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    given = "blocks, LAYER = ['features.4', 'features.9'], 'features.9'\nstrongest = [7]"
    with explorer_of("03_activations", tmp_path, given=given, theme=theme, width=width) as seen:
        seen.slider("channel").focus()
        assert "channel 8 of" in seen.moved(lambda: seen.page.keyboard.press("ArrowRight"))
        for name in ("Save picture", "Your own photo"):  # in the order in which Tab comes by
            seen.page.keyboard.press("Tab")
            for _ in range(3):
                if name in seen.page.evaluate("document.activeElement.textContent"):
                    break
                seen.page.keyboard.press("Tab")
            assert name in seen.page.evaluate("document.activeElement.textContent")
        names = seen.page.locator(".widget-slider .noUi-handle").evaluate_all(
            "all => all.map(one => one.getAttribute('aria-label'))"
        )
        assert names == ["channel"]
        found = Axe().run(seen.page, context=".jp-OutputArea:has(.labkit-explored)")
        assert found.response["violations"] == [], found.generate_report()
