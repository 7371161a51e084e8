"""A gradient in tiles, so that memory does not grow with the image."""

from collections.abc import Callable

import torch
from torch import Tensor

from labkit import backward
from labkit.arguments import expect_size, expect_tensor, expect_whole
from labkit.kernel import in_usual_numbers
from labkit.receptive import Box

ALIGN = 32  # pixels: tiles begin at multiples of it, so that every stride of the usual networks fits


def tile_side(side: int, tile: int) -> int:
    """How high, or wide, the tiles of an image's side are: alike, not full ones and a sliver."""
    return min(-(-side // -(-side // tile) // ALIGN) * ALIGN, tile)


def tiles(size: tuple[int, int], tile: int) -> list[Box]:
    """Boxes that cover every pixel of an image exactly once, none larger than tile × tile, in reading order."""
    size = expect_size("size", size)
    expect_whole("tile", tile, ALIGN)

    def edges(side: int) -> list[tuple[int, int]]:
        step = tile_side(side, tile)
        return [(start, min(start + step, side)) for start in range(0, side, step)]

    return [(top, left, bottom, right) for top, bottom in edges(size[0]) for left, right in edges(size[1])]


@in_usual_numbers
def tiled_gradient(
    objective: Callable[[Tensor], Tensor], images: Tensor, *, tile: int = 512, margin: int = 64
) -> tuple[Tensor, Tensor]:
    """The objective's gradient, tile by tile, so that memory does not grow with the image.

    Each tile is looked at with a margin around it, and the gradient is kept within the tile. Where the margin
    is as wide as the receptive field of a unit, and tiles and margin are multiples of the network's stride,
    this is the gradient of the whole image, for objectives that are sums over positions. With a narrower one
    what differs lies along the tiles' borders, and a dream moves those at every step.

    objective: images (N, 3, h, w) -> (N,), of any size
    Returns:   the gradient, like images; the objective a pixel, (N,)
    """
    expect_tensor("images", images, "N C H W")
    expect_whole("tile", tile, ALIGN)
    expect_whole("margin", margin, 0)
    scores, pixels = images.new_zeros(len(images)), 0

    def gradient_of(window: Tensor) -> Tensor:
        nonlocal scores, pixels
        with torch.inference_mode(False), torch.enable_grad():
            leaf = window.clone().detach().requires_grad_()
            score = objective(leaf)
            slope = backward.gradient_of(score, leaf)
        scores, pixels = scores + score.detach(), pixels + window[0, 0].numel()
        return slope

    gradient = in_tiles(gradient_of, images, tile=tile, margin=margin)
    return gradient, scores / pixels


def in_tiles(gradient_of: Callable[[Tensor], Tensor], images: Tensor, *, tile: int, margin: int) -> Tensor:
    """A gradient put together of those of windows, each a tile with a margin around it, where the image has one.

    gradient_of: window (N, 3, h, w) -> its gradient, alike in shape
    """
    gradient = torch.empty_like(images)
    for top, left, bottom, right in tiles((images.shape[2], images.shape[3]), tile):
        y, x = max(top - margin, 0), max(left - margin, 0)  # where the window begins
        slope = gradient_of(images[:, :, y : bottom + margin, x : right + margin])
        gradient[:, :, top:bottom, left:right] = slope[:, :, top - y : bottom - y, left - x : right - x]
    return gradient
