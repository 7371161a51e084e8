"""Gradient ascent: images that make a score, a neuron or a channel large.

Small parts that compose: an objective, a parameterisation, transforms, regularisers, and one loop.

    zebra = ascent.maximize(ascent.logit(model, "zebra"))
"""

from labkit.methods.ascent.maximize import Frame, ascend, maximize
from labkit.methods.ascent.parameterisations import FOURIER, PIXELS, Parameterisation
from labkit.methods.ascent.penalties import GREY, l2, penalised_logit, total_variation
from labkit.methods.ascent.regularisers import (
    Regulariser,
    blur,
    clip_contribution,
    clip_norm,
    decay,
    gaussian_blur,
)
from labkit.methods.ascent.rescoring import rescore, roughness
from labkit.methods.ascent.rules import Rule, adam, normalised, normalised_steps
from labkit.methods.ascent.transforms import ROBUST, Transform, jitter, pad, rotate, scale, tint
from labkit.objectives import Objective, channel, logit, neuron

__all__ = [
    "FOURIER", "GREY", "PIXELS", "ROBUST", "Frame", "Objective", "Parameterisation", "Regulariser", "Rule",
    "Transform", "adam", "ascend", "blur", "channel", "clip_contribution", "clip_norm", "decay",
    "gaussian_blur", "jitter", "l2", "logit", "maximize", "neuron", "normalised", "normalised_steps", "pad",
    "penalised_logit", "rescore", "rotate", "roughness", "scale", "tint", "total_variation",
]  # fmt: skip
