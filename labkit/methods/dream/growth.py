"""From octave to octave: their sizes, and what one hands on to the next."""

from collections.abc import Sequence

from torch import Tensor

from labkit.arguments import expect_number, expect_size, expect_whole
from labkit.methods.dream.bands import resize


def octave_sizes(size: tuple[int, int], *, octaves: int, scale: float) -> list[tuple[int, int]]:
    """Sizes to dream at, from the smallest to the image's own, each `scale` times the one before."""
    size = expect_size("size", size)
    expect_whole("octaves", octaves, 1)
    expect_number("scale", scale, 1, above=True)
    return [(round(size[0] / scale**k), round(size[1] / scale**k)) for k in reversed(range(octaves))]


def octave_start(photo: Tensor, ends: Sequence[Tensor], *, octaves: int, scale: float) -> Tensor:
    """Where the next octave begins: the photo at its size, and all that was dreamt so far, enlarged.

    So what was dreamt grows, and the photo stays as sharp as it is.

    ends: what came of the octaves before, from the smallest on
    """
    sizes = octave_sizes((photo.shape[2], photo.shape[3]), octaves=octaves, scale=scale)
    start = resize(photo, sizes[len(ends)])
    if not ends:
        return start
    detail = ends[-1] - resize(photo, sizes[len(ends) - 1])
    return start + resize(detail, sizes[len(ends)])
