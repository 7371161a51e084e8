"""Planted truth: a network of which it is known what it looks at, so that methods can be scored on finding it.

Crops of photos carry two faint marks, each by a coin of its own: a watermark, and a decoy that is the watermark in
the mirror. A tiny network is taught to tell the crops with the watermark from those without. What the photo shows says
nothing of it, and the decoy says nothing of it. Its twin, from the same start and on the same crops, is taught the
decoy. A method that shows what a network looks at has to point at the watermark in the one, at the decoy in the other.
"""

from labkit.methods.planted.crops import Planted, planted, random_crops
from labkit.methods.planted.marks import SIDE, decoy, masks, plant, watermark
from labkit.methods.planted.scores import mass_inside, pointing_game, resemblance, towards
from labkit.methods.planted.teaching import CATEGORIES, LAYER, teach, untaught
from labkit.methods.planted.trials import (
    channel_trials,
    filter_trials,
    image_trials,
    map_trials,
    neighbor_trials,
    patch_trials,
)

__all__ = [
    "CATEGORIES", "LAYER", "SIDE", "Planted", "channel_trials", "decoy", "filter_trials", "image_trials",
    "map_trials", "masks", "mass_inside", "neighbor_trials", "patch_trials", "plant", "planted",
    "pointing_game", "random_crops", "resemblance", "teach", "towards", "untaught", "watermark",
]  # fmt: skip
