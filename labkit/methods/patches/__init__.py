"""The patches, out of any number of images, that a channel answers to most.

A unit of a convolution sees one box of pixels, its receptive field, and nothing outside. So the patch in that
box is all that it answered to, and a channel can be shown by the patches that move it most. The images pass
once, in batches; only the best k patches a channel stay, so memory does not grow with the number of images.
"""

from labkit.methods.patches.alone import answers_alone, moved, on_canvas
from labkit.methods.patches.fields import Box, chain_field, unit_box
from labkit.methods.patches.top import TopPatches, peaks, top_patches, views

__all__ = [
    "Box", "TopPatches", "answers_alone", "chain_field", "moved", "on_canvas", "peaks", "top_patches",
    "unit_box", "views",
]  # fmt: skip
