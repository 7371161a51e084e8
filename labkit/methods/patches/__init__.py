"""The patches, out of any number of images, that a channel answers to most.

A unit of a convolution sees one box of pixels, its receptive field, and nothing outside. So the patch in that
box is all that it answered to, and a channel can be shown by the patches that move it most. The images pass
once, in batches; only the best k patches per channel stay, so memory does not grow with the number of images.
"""

from labkit.methods.patches.alone import answers_alone, moved, on_canvas
from labkit.methods.patches.chosen import TopPatches
from labkit.methods.patches.fields import chain_field, field_size, unit_box
from labkit.methods.patches.rows import inside, is_inside, likeness, overlap, ranked
from labkit.methods.patches.top import peaks, top_patches, whole_and_quarters

__all__ = [
    "TopPatches", "answers_alone", "chain_field", "field_size", "inside", "is_inside", "likeness", "moved", "on_canvas",
    "overlap", "peaks", "ranked", "top_patches", "unit_box", "whole_and_quarters",
]  # fmt: skip
