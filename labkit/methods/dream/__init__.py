"""DeepDream: a photo, changed so that a layer sees more of what it already sees in it.

The objective is the norm of a layer's activations; its gradient pushes every feature that is there a little
further. Octaves let it work on large forms before small ones, shifts and tiles keep it free of a grid and
within memory.

    dreamt = deep_dream(model, photo, "blocks.4")

Source: Mordvintsev, Olah & Tyka 2015, "Inceptionism: Going Deeper into Neural Networks", Google Research Blog
"""

from labkit.methods.dream.bands import even_bands, resize
from labkit.methods.dream.dreaming import DreamFrame, deep_dream, dreaming
from labkit.methods.dream.growth import octave_sizes
from labkit.methods.dream.measures import activation_norm, best_match, guide_match
from labkit.methods.dream.tiling import ALIGN, tiled_gradient, tiles

__all__ = [
    "ALIGN", "DreamFrame", "activation_norm", "best_match", "deep_dream", "dreaming", "even_bands",
    "guide_match", "octave_sizes", "resize", "tiled_gradient", "tiles",
]  # fmt: skip
