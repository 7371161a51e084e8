import asyncio
import io
import math
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from labkit import images, models, show
from labkit.errors import LabError
from labkit.hooks import recording
from labkit.images import Photos
from labkit.methods import ascent, dream
from labkit.methods.ascent import normalised
from labkit.models import Classifier
from labkit.objectives import of_layer
from labkit.receptive import receptive_field
from labkit.show.dream import Scores, Snapshot, growing, score_curves
from labkit.show.dream_explorer import STRENGTHS, explore, stages


@pytest.fixture
def model():
    """Strides of 2 twice, padding all around, and a head: a unit of layer 4 sees 15 × 15 pixels."""
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(8, 6, 3, stride=2, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)),
    )
    return Classifier(net, name="tiny", categories=list("abcd"))


@pytest.fixture(scope="module")
def network():
    return models.load()


def photo(height=96, width=128, count=1, seed=1):
    """Coarse and fine noise, away from black and white."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, height // 8, width // 8, generator=generator)
    fine = torch.rand(count, 3, height, width, generator=generator)
    return 0.2 + 0.4 * F.interpolate(coarse, (height, width), mode="bilinear") + 0.2 * fine


QUICK = {"octaves": 2, "steps": 4, "scale": 1.5}


# objectives


def test_the_norms_gradient_at_the_layer_is_the_activations(model):
    image = photo(32, 32).requires_grad_()
    with recording(model.net, "4") as seen:
        model(image)
    (expected,) = torch.autograd.grad(seen["4"], image, grad_outputs=seen["4"].detach())
    got, score = dream.tiled_gradient(dream.activation_norm(model, "4"), image.detach())
    torch.testing.assert_close(got, expected)
    assert score.item() == pytest.approx(seen["4"].norm().item() ** 2 / 2 / 32 / 32, rel=1e-5)


def test_the_match_with_a_guide_is_what_loops_over_all_pairs_give(model):
    image, guide = photo(16, 20), photo(24, 16, seed=2)
    with torch.no_grad(), recording(model.net, "4") as seen:
        model(image)
        ours = seen["4"][0]
        model(guide)
        theirs = seen["4"][0]
    expected = sum(
        max(float(ours[:, i, j] @ theirs[:, k, n]) for k in range(6) for n in range(4))
        for i in range(4)
        for j in range(5)
    )
    assert dream.guide_match(model, "4", guide)(image).item() == pytest.approx(expected, rel=1e-4)


def test_objectives_give_one_score_an_image_and_add_to_those_of_gradient_ascent(model):
    batch = photo(32, 32, count=3)
    norm = dream.activation_norm(model, "4")
    assert norm(batch).shape == (3,)
    torch.testing.assert_close(norm(batch)[1:2], norm(batch[1:2]))
    both = norm + 2 * ascent.channel(model, "4", 3)
    torch.testing.assert_close(both(batch), norm(batch) + 2 * ascent.channel(model, "4", 3)(batch))


# tiles


@pytest.mark.parametrize("size", [(512, 512), (513, 1025), (31, 2000), (1500, 2000), (64, 65)])
@pytest.mark.parametrize("tile", [32, 96, 512])
def test_tiles_cover_every_pixel_once_and_none_is_too_large(size, tile):
    covered = np.zeros(size, int)
    for top, left, bottom, right in dream.tiles(size, tile):
        assert 0 < bottom - top <= tile
        assert 0 < right - left <= tile
        assert top % dream.ALIGN == left % dream.ALIGN == 0
        covered[top:bottom, left:right] += 1
    assert (covered == 1).all()


def test_one_tile_is_the_whole_image_bit_for_bit(model):
    image, objective = photo(), dream.activation_norm(model, "4")
    leaf = image.clone().requires_grad_()
    (expected,) = torch.autograd.grad(objective(leaf).sum(), leaf)
    got, _ = dream.tiled_gradient(objective, image, tile=128, margin=0)
    torch.testing.assert_close(got, expected, rtol=0, atol=0)


@pytest.mark.parametrize("size", [(96, 128), (100, 75)])
@pytest.mark.parametrize("guided", [False, True])
def test_with_margins_as_wide_as_a_receptive_field_tiles_give_the_whole_images_gradient(model, size, guided):
    image = photo(96, 128)[:, :, : size[0], : size[1]]
    assert receptive_field(model.net, "4", size).size <= 32
    objective = (
        dream.guide_match(model, "4", photo(32, 32, seed=3)) if guided else dream.activation_norm(model, "4")
    )
    whole, _ = dream.tiled_gradient(objective, image, tile=128)
    tiled, _ = dream.tiled_gradient(objective, image, tile=32, margin=32)
    assert len(dream.tiles(size, 32)) > 8
    torch.testing.assert_close(tiled, whole, rtol=1e-4, atol=1e-6)


def test_without_a_margin_what_differs_lies_within_a_receptive_field_of_the_tiles_borders(model):
    image, objective = photo(96, 96), dream.activation_norm(model, "4")
    whole, _ = dream.tiled_gradient(objective, image, tile=96)
    tiled, _ = dream.tiled_gradient(objective, image, tile=64, margin=0)  # 64 and 32: a border at 64
    off = (tiled - whole).abs().amax(dim=(0, 1)) > 1e-6
    assert off.any()
    far = torch.ones(96, dtype=torch.bool)
    far[64 - 15 : 64 + 15] = False
    assert not off[far][:, far].any()


def test_the_un_tiled_dream_on_a_small_image_is_the_tiled_one(model):
    image = photo(96, 128)
    options = {"octaves": 1, "steps": 3, "bands": 1, "jitter": 40}
    whole = dream.deep_dream(model, image, "4", tile=128, **options)
    tiled = dream.deep_dream(model, image, "4", tile=32, margin=32, **options)
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-4)


# the dream


@pytest.mark.parametrize("size", [(96, 128), (101, 77)])
def test_a_dream_has_the_photos_size_and_is_a_valid_image(model, size):
    image = photo(104, 128)[:, :, : size[0], : size[1]]
    before = image.clone()
    dreamt = dream.deep_dream(model, image, "4", step_size=0.1, octaves=3, steps=3, scale=1.3)
    assert dreamt.shape == image.shape
    assert dreamt.min() >= 0
    assert dreamt.max() <= 1
    assert not dreamt.requires_grad
    torch.testing.assert_close(image, before, rtol=0, atol=0)


def test_the_embedded_networks_objective_at_least_doubles(network):
    image, objective = images.photos(size=160)["flower"], dream.activation_norm(network, "blocks.4")
    assert objective(dream.deep_dream(network, image, "blocks.4")) >= 2 * objective(image)


def test_a_guided_dream_is_more_like_its_guide_than_an_unguided_one_is(network):
    bank = images.photos(size=96)
    alike = dream.guide_match(network, "blocks.3", bank["strawberry"])
    guided, free = (
        dream.deep_dream(network, bank["flower"], "blocks.3", guide=guide, octaves=2, steps=8)
        for guide in (bank["strawberry"], None)
    )
    assert alike(guided) > 1.2 * alike(bank["flower"])
    assert alike(guided) > alike(free)


def test_equal_seeds_give_equal_dreams_and_leave_the_global_generator_alone(model):
    torch.manual_seed(7)
    state = torch.get_rng_state()
    first = dream.deep_dream(model, photo(), "4", seed=3, **QUICK)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, dream.deep_dream(model, photo(), "4", seed=3, **QUICK))
    assert not torch.equal(first, dream.deep_dream(model, photo(), "4", seed=4, **QUICK))


def test_one_step_without_jitter_moves_values_by_the_step_size_on_average(model):
    (frame,) = dream.dreaming(
        dream.activation_norm(model, "4"), photo(), octaves=1, steps=1, jitter=0, bands=1, step_size=0.01
    )
    gradient, score = dream.tiled_gradient(dream.activation_norm(model, "4"), photo())
    torch.testing.assert_close(frame.images, (photo() + 0.01 * gradient / gradient.abs().mean()).clamp(0, 1))
    assert (frame.images - photo()).abs().mean().item() == pytest.approx(0.01, rel=0.02)
    torch.testing.assert_close(frame.scores, score)


def test_a_shift_is_undone_after_the_step():
    """Where the gradient does not depend on the place, a shift changes nothing."""
    objective = lambda images: images.square().sum(dim=(1, 2, 3))
    options = {"octaves": 1, "steps": 5, "bands": 1}
    still, shifted = (list(dream.dreaming(objective, photo(), jitter=j, **options))[-1] for j in (0, 50))
    torch.testing.assert_close(shifted.images, still.images, rtol=0, atol=1e-5)


def test_detail_is_carried_and_the_photo_stays_sharp():
    """Where nothing is dreamt, octaves give the photo back, to the last fine line."""
    faint = {"step_size": 1e-9, "octaves": 3, "steps": 1, "bands": 1}
    objective = lambda images: images.square().sum(dim=(1, 2, 3))
    frames = list(dream.dreaming(objective, photo(), **faint))
    assert [tuple(frame.images.shape[2:]) for frame in frames] == [(49, 65), (69, 91), (96, 128)]
    torch.testing.assert_close(frames[-1].images, photo(), rtol=0, atol=1e-6)
    first_only = lambda images: images.square().sum(dim=(1, 2, 3)) * (images.shape[2] < 60)
    carried = list(dream.dreaming(first_only, photo(), octaves=3, steps=3, bands=1, step_size=0.02))[-1]
    assert (carried.images - photo()).abs().mean() > 0.04  # three steps of 0.02, all in the first octave


def test_even_bands_sum_up_and_let_coarse_and_fine_count_alike():
    gradient = torch.randn(2, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(dream.even_bands(gradient, 1), normalised(gradient))
    ramp = torch.linspace(-1, 1, 48).expand(1, 3, 64, 48)
    mixed = 1e-3 * ramp + gradient[:1]
    coarse = lambda g: F.avg_pool2d(g, 16).abs().mean() / g.abs().mean()
    assert coarse(dream.even_bands(mixed, 4)) > 3 * coarse(mixed)
    assert normalised(torch.zeros(1, 3, 4, 4)).abs().max() == 0


def test_frames_tell_where_they_are_and_watch_sees_each(model):
    seen = []
    dreamt = dream.deep_dream(model, photo(), "4", watch=seen.append, progress=True, **QUICK)
    assert [(f.octave, f.step) for f in seen] == [(o, s) for o in (1, 2) for s in (1, 2, 3, 4)]
    assert torch.equal(seen[-1].images, dreamt)
    assert [frame.share for frame in seen] == [n / 8 for n in range(1, 9)]
    assert seen[3].images.shape[2:] == (64, 85)


def test_several_photos_dream_as_each_would_alone(model):
    batch = photo(count=2)
    both = dream.deep_dream(model, batch, "4", **QUICK)
    for i in range(2):
        alone = dream.deep_dream(model, batch[i : i + 1], "4", **QUICK)
        torch.testing.assert_close(both[i : i + 1], alone, rtol=0, atol=1e-3)


@pytest.fixture
def blind(model):
    """The model, and an objective of it: channel 3 behind a ReLU, which fires nowhere in photo()."""
    model.net[4].bias.data[3] -= 0.002 + model.net[:5]((photo() - model.mean) / model.std)[0, 3].max()
    model.net[5] = nn.Sequential(nn.ReLU(), model.net[5])
    return model, of_layer(model, "5.0", lambda maps: maps[:, 3].sum(dim=(1, 2)))


@pytest.mark.parametrize("tile", [512, 32])
def test_what_fires_nowhere_in_the_photo_is_dreamt_all_the_same(blind, tile):
    _, objective = blind
    assert objective(photo()) == 0
    assert not dream.tiled_gradient(objective, photo())[0].any()
    *_, last = dream.dreaming(objective, photo(), **QUICK | {"tile": tile, "steps": 8, "jitter": 0})
    assert objective(last.images) > 0


def test_a_photo_that_is_stuck_leaves_the_others_alone(blind):
    _, objective = blind
    batch = torch.cat([photo(), photo() ** 0.2])
    assert (objective(batch) > 0).tolist() == [False, True]
    options = QUICK | {"tile": 64, "margin": 32, "jitter": 0}
    *_, both = dream.dreaming(objective, batch, **options)
    for i in range(2):
        *_, alone = dream.dreaming(objective, batch[i : i + 1], **options)
        torch.testing.assert_close(both.images[i : i + 1], alone.images, rtol=0, atol=1e-3)


def test_tiles_in_which_nothing_fires_stay_still_where_others_fire(blind):
    """Only where none of a photo's tiles fires is anything but the gradient followed."""
    _, objective = blind
    loud = photo() ** 0.2
    image = torch.where(dream.tiled_gradient(objective, loud)[0] != 0, loud, photo())
    options = {"octaves": 1, "steps": 1, "jitter": 0, "bands": 1, "tile": 32, "margin": 32}
    gradient, score = dream.tiled_gradient(objective, image, tile=32, margin=32)
    assert score > 0
    assert not all(gradient[..., a:c, b:d].any() for a, b, c, d in dream.tiles((96, 128), 32))
    (frame,) = dream.dreaming(objective, image, **options)
    expected = (image + 0.012 * normalised(gradient)).clamp(0, 1)
    torch.testing.assert_close(
        frame.images, expected, rtol=0, atol=1e-6
    )  # two threads add up in another order
    assert torch.equal(frame.images[gradient == 0], image[gradient == 0])


def test_a_dream_of_what_never_fires_is_refused(blind):
    model, objective = blind
    model.net[4].bias.data[3] = -1e6
    with pytest.raises(
        LabError, match=r"has not moved: nothing that was asked for fires, .* each of 8 steps"
    ):
        list(dream.dreaming(objective, photo(), **QUICK))


def test_it_works_within_no_grad_and_inference_mode(model):
    expected = dream.deep_dream(model, photo(), "4", **QUICK)
    with torch.no_grad():
        assert torch.equal(dream.deep_dream(model, photo(), "4", **QUICK), expected)
    with torch.inference_mode():
        assert torch.equal(dream.deep_dream(model, photo(), "4", **QUICK), expected)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layer": "44"}, r"no layer '44' in Sequential; try one of"),
        ({"layer": "6"}, r"expected '6' to put out maps \(N, C, H, W\), got \(1, 6\); try"),
        ({"image": 3 * torch.ones(1, 3, 64, 64)}, r"expected values in 0\.\.1, got 3 to 3"),
        ({"image": torch.rand(3, 64, 64)}, r"expected images of shape \(N, 3, H, W\)"),
        ({"guide": torch.rand(2, 3, 64, 64)}, r"expected one guide \(1, 3, H, W\), got 2 images"),
        ({"octaves": 9}, r"smallest of 9 octaves would be 7 × 9, expected 32 pixels at least; try fewer"),
        ({"octaves": 0}, r"octaves as a whole number of 1 or more"),
        ({"steps": 0}, r"steps as a whole number of 1 or more"),
        ({"scale": 1.0}, r"scale as a number above 1, got 1.0"),
        ({"tile": 100}, r"multiples of 32, got 100 and 64"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(model, change, said):
    given = {"image": photo(), "layer": "4"} | change
    with pytest.raises(LabError, match=said):
        dream.deep_dream(model, given.pop("image"), given.pop("layer"), **given)


# pictures


def frames_of(model):
    return dream.dreaming(dream.activation_norm(model, "4"), photo(), **QUICK)


def test_growing_returns_the_dream_and_its_scores_and_draws_the_end_once(model):
    drawn = []

    def draw(image, scores):
        drawn.append(image)
        return show.grid([image], above=["dreamt"])

    dreamt, scores = growing(frames_of(model), draw)
    assert len(drawn) == 1
    assert torch.equal(dreamt, drawn[0])
    assert [len(octave) for octave in scores.octaves] == [4, 4]
    with pytest.raises(LabError, match="at least one frame"):
        growing(iter(()), draw)


def test_the_objective_is_drawn_octave_by_octave(model):
    scores = Scores()
    for frame in frames_of(model):
        scores.add(frame)
    curves = score_curves({"dream": scores}, label="objective", alt="it grows")
    assert curves.alt == "it grows"
    assert [text.get_text() for text in curves.axes[0].texts] == ["octave 1", "octave 2"]
    x, y = curves.axes[0].lines[0].get_data()
    assert x[~np.isnan(y)].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert y[~np.isnan(y)] == pytest.approx([*scores.octaves[0], *scores.octaves[1]])
    assert np.isnan(y[4])  # the line has a gap where an octave ends


def test_a_snapshot_is_the_image_pixel_for_pixel():
    snapshot = Snapshot(photo(), width=4, alt="as it is")
    expected = (photo()[0].permute(1, 2, 0) * 255).round().numpy()
    assert (snapshot.pixels() == expected).all()
    assert Image.open(io.BytesIO(snapshot.webp())).size == (128, 96)
    assert "alt='as it is' width='384' height='288'" in snapshot.html()


# the explorer


@pytest.fixture
def bank():
    labels = torch.tensor([-1, -1])
    return Photos(photo(96, 96, count=2), labels, ("noise", "more noise"), ("", ""))


@pytest.fixture
def explorer(model, bank):
    return explore(model, bank, ["1", "4"], layer="4", **QUICK)


async def until(true, *, most_s=20):
    for _ in range(int(most_s / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")


def test_start_dreams_to_the_end_and_the_picture_follows(explorer, model, bank):
    async def dream_it():
        explorer.start.click()
        shown = []
        while explorer.is_busy:
            shown.append(explorer.picture.alt)
            await asyncio.sleep(0.005)
        return shown

    shown = asyncio.run(dream_it())
    assert len(set(shown)) >= 4
    assert "noise, 4: done" in explorer.message.value
    assert explorer.stop.disabled
    assert explorer.bar.value == 1
    expected = dream.deep_dream(model, bank["noise"], "4", step_size=STRENGTHS["medium"], **QUICK)
    torch.testing.assert_close(explorer.dreamt, expected)
    assert titles(explorer.picture) == ["noise", "dreamt, done"]


def titles(picture):
    return [axes.get_title() for axes in picture.axes]


def test_stop_stops_and_keeps_what_there_is(model, bank):
    explorer = explore(model, bank, ["1", "4"], layer="4", octaves=2, steps=4)
    explorer.options["steps"] = 10_000

    async def dream_it():
        explorer.start.click()
        await until(lambda: explorer.bar.value > 0)
        assert not explorer.stop.disabled
        explorer.stop.click()
        await until(lambda: not explorer.is_busy)
        kept = explorer.picture
        await asyncio.sleep(0.1)
        assert explorer.picture is kept
        assert titles(kept)[0] == "noise"
        assert "stopped at octave 1 of 2, step" in titles(kept)[1]

    threads = threading.active_count()
    asyncio.run(dream_it())
    assert threading.active_count() == threads
    assert "stopped at octave 1 of 2, step" in explorer.message.value
    assert explorer.stop.disabled


def test_starting_again_ends_the_dream_that_is_under_way(model, bank):
    explorer = explore(model, bank, ["1", "4"], layer="4", **QUICK)

    async def dream_it():
        explorer.options["steps"] = 10_000
        explorer.start.click()
        first = explorer.task
        await until(lambda: explorer.bar.value > 0)
        explorer.options["steps"] = 4
        explorer.controls["photo"].value = "more noise"
        explorer.start.click()
        await until(lambda: not explorer.is_busy)
        assert first.done()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(dream_it())
    assert "more noise, 4: done" in explorer.message.value
    assert explorer.stop.disabled


def test_starting_and_stopping_at_once_leaves_nothing_behind(explorer):
    async def click():
        explorer.start.click()
        explorer.start.click()
        explorer.stop.click()
        await until(lambda: not explorer.is_busy)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(click())
    assert explorer.dreamt is None


def test_an_error_is_told_in_the_message(explorer):
    explorer.options["octaves"] = 9
    asyncio.run(explorer._work(explorer._dreaming()))
    assert "smallest of 9 octaves" in explorer.message.value
    explorer.options["octaves"] = "<many>"
    asyncio.run(explorer._work(explorer._dreaming()))
    assert "octaves as a whole number" in explorer.message.value
    assert "<many>" not in explorer.message.value
    explorer.options["octaves"] = 2
    asyncio.run(explorer._work(explorer._dreaming()))
    assert "done" in explorer.message.value


def test_choosing_another_photo_shows_it(explorer, bank):
    explorer.controls["photo"].value = "more noise"
    assert torch.equal(explorer.picture.image, bank["more noise"])
    assert explorer.picture.alt == "more noise, before its dream"
    assert "press Start" in explorer.message.value


def test_at_first_and_without_a_kernel_a_dream_in_three_pictures_stays(explorer):
    assert "× the photo's" in explorer.picture.alt
    assert len(explorer.picture.axes) == 3
    assert explorer.values == {"photo": "noise", "layer": "4", "strength": "medium"}


def test_what_an_explorer_cannot_show_is_refused(model, bank):
    with pytest.raises(LabError, match="no layer '4' to choose here; try one of"):
        explore(model, bank, ["1"], layer="4")
    with pytest.raises(LabError, match="no photo 'moise' to choose here; try one of"):
        explore(model, bank, ["1"], photo="moise")


def test_stages_are_before_the_middle_and_the_end(model):
    picture = stages(model, photo(), "4", **QUICK)
    assert titles(picture) == ["the photo", "octave 1 of 2, step 4 of 4", "octave 2 of 2, step 4 of 4"]
    assert math.isclose(picture.axes[0].images[0].get_array().shape[0], 96)
