"""The explorers on tiny networks: what computes their pictures, with one call that is right, and how they are made."""

from functools import partial

import torch
from public_calls import CROPS, IMAGES, MODEL, PHOTO, TOP, rand

from labkit.images import Photos
from labkit.methods import neighbors, planted
from labkit.methods.gallery import pixels
from labkit.show import (
    activations_explorer,
    adversarial_explorer,
    ascent_explorer,
    channel_explorer,
    dream_explorer,
    filters_explorer,
    gradients_explorer,
    neighbors_explorer,
    passport,
    patches_explorer,
    planted_explorer,
)

BANK = Photos(IMAGES[..., :28, :], torch.tensor([0, 3]), ("one", "two"), ("", ""))
LARGE = Photos(rand(2, 3, 48, 40), torch.tensor([0, 3]), ("one", "two"), ("", ""))  # a dream needs 32 pixels
GALLERY, NAMES = rand(6, 3, 28, 28, seed=3), ["one", "one", "two", "two", "three", "three"]
SPACES = {
    "pixels": (pixels, pixels(GALLERY)),
    "features": (partial(neighbors.features, MODEL), rand(6, 6, seed=4)),
}
CLIMB = {"size": 16, "steps": 2, "every": 2, "rate": 0.03, "seed": 0}
DREAM = {"octaves": 1, "scale": 1.4, "steps": 1, "step_size": 0.01, "jitter": 4, "tile": 32, "margin": 32}


def climbed(**given):
    climbs = ascent_explorer.climb(MODEL, progress=False, **given)
    return [
        torch.stack([*values.values()]) for values in (climbs.images, climbs.probabilities, climbs.roughness)
    ]


CLIMBS = ascent_explorer.climb(MODEL, "b", progress=False, **CLIMB)
CHANNEL = {"model": MODEL, "image": PHOTO, "layer": "1", "channel": 1}
COMPUTED = {
    "climb": (climbed, {"category": "b", **CLIMB}),
    "climb from a photo": (climbed, {"category": "b", "photo": PHOTO, **CLIMB}),
    "loudest_channel": (
        lambda **given: torch.tensor(channel_explorer.loudest_channel(**given), device="cpu"),
        {"model": MODEL, "image": PHOTO, "layer": "1"},
    ),
    "pushes": (
        lambda **given: list(adversarial_explorer.pushes(**given)),
        {"networks": [MODEL], "image": PHOTO, "target": "b", "epsilon": 2.0},
    ),
}
PICTURES = {
    **{
        f"passport, {what}": (partial(draw, bank=LARGE, **few), {"channel": passport.Channel(MODEL, "1", 1)})
        for what, draw, few in (
            ("where it fires", passport.at_work, {}),
            ("rules", passport.under_three_rules, {}),
            ("grown", passport.grown_image, {"size": 32, "steps": 2}),
            ("dream", passport.dreamt, {"steps": 1}),
            ("attack", passport.attacked, {"steps": 2}),
        )
    },
    "passport, patches": (
        partial(passport.best_patches, images=IMAGES, k=2),
        {"channel": passport.Channel(MODEL, "1", 1)},
    ),
    "channel_over_photo": (activations_explorer.channel_over_photo, CHANNEL),
    "neuron_under_three_rules": (gradients_explorer.neuron_under_three_rules, CHANNEL),
    "twins": (filters_explorer.twins, {"trained": MODEL, "untrained": MODEL, "image": PHOTO, "number": 2}),
    "nearest_to": (
        partial(neighbors_explorer.nearest_to, spaces=SPACES, names=NAMES, gallery=GALLERY, name="one"),
        {"image": GALLERY[:1], "page": 1},
    ),
    "page_of_patches": (
        partial(patches_explorer.page_of_patches, MODEL, "1", TOP),
        {"image": PHOTO, "channel": 2, "page": 1},
    ),
    "pushed_to": (
        partial(adversarial_explorer.pushed_to, [MODEL]),
        {"image": PHOTO, "target": "b", "epsilon": 2.0},
    ),
    "beside_the_control": (
        partial(ascent_explorer.beside_the_control, CLIMBS),
        {"setting": (0.2, 0.5, 50), "step": 2},
    ),
    "map_and_truth": (
        partial(planted_explorer.map_and_truth, planted.untaught(size=36), CROPS),
        {"number": 3, "method": "gradient", "target": "marked", "opacity": 0.3},
    ),
    "stages": (
        partial(dream_explorer.stages, MODEL, **DREAM),
        {"image": LARGE.images[:1], "layer": "1"},
    ),
}


def explored(make, **moves):
    """The pictures of an explorer: the one that it begins with, and the one after each move."""
    explorer = make()
    pictures = [explorer.picture]
    for name, value in moves.items():
        explorer.controls[name].value = value
        assert explorer.message.value == "" or name == "photo", explorer.message.value
        pictures.append(explorer.picture)
    return pictures


def stage(explore, *given, **options):
    return lambda: explore(*given, **options)


EXPLORERS = {
    "01": (stage(filters_explorer.explore, [(MODEL, MODEL)], BANK, number=1), {"photo": "two", "number": 3}),
    "02": (stage(neighbors_explorer.explore, SPACES, GALLERY, NAMES, BANK), {"photo": "two"}),
    "03": (stage(activations_explorer.explore, MODEL, BANK, ["1", "4"]), {"layer": "1", "channel": 0, "photo": "two"}),
    "04": (stage(patches_explorer.explore, MODEL, "1", TOP, BANK), {"channel": 2, "photo": "two"}),
    "05": (stage(gradients_explorer.explore, MODEL, BANK, ["1", "4"]), {"layer": "1", "channel": 0, "photo": "two"}),
    "06": (stage(ascent_explorer.explore, CLIMBS), {"l2": 0.2, "step": 0}),
    "07": (stage(dream_explorer.explore, MODEL, LARGE, ["1", "4"], **DREAM), {"photo": "two"}),
    "08": (
        stage(adversarial_explorer.explore, [MODEL], BANK, ["b", "c"]),
        {"target": "c", "epsilon": 3.0, "photo": "two"},
    ),
    "09": (
        stage(planted_explorer.explore, {"untaught": planted.untaught(size=36)}, CROPS),
        {"crop": 3, "method": "guided backprop", "category": "plain", "opacity": 0.1},
    ),
}  # fmt: skip
