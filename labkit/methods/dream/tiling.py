"""A gradient in tiles, so that memory does not grow with the image."""

from collections.abc import Callable

import torch
from torch import Tensor

from labkit.receptive import Box

ALIGN = 32  # pixels: tiles begin at multiples of it, so that every stride of the usual networks fits


def tiles(size: tuple[int, int], tile: int) -> list[Box]:
    """Boxes that cover every pixel of an image exactly once, none larger than tile × tile, in reading order."""

    def edges(side: int) -> list[tuple[int, int]]:
        step = min(-(-side // -(-side // tile) // ALIGN) * ALIGN, tile)  # alike, not full ones and a sliver
        return [(start, min(start + step, side)) for start in range(0, side, step)]

    return [(top, left, bottom, right) for top, bottom in edges(size[0]) for left, right in edges(size[1])]


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
    gradient, (H, W) = torch.empty_like(images), images.shape[2:]
    scores, pixels = images.new_zeros(len(images)), 0
    for top, left, bottom, right in tiles((H, W), tile):
        above, before = max(top - margin, 0), max(left - margin, 0)
        window = images[:, :, above : bottom + margin, before : right + margin]
        with torch.inference_mode(False), torch.enable_grad():
            leaf = window.clone().detach().requires_grad_()
            score = objective(leaf)
            slope = torch.autograd.grad(score.sum(), leaf)[0]
        gradient[:, :, top:bottom, left:right] = slope[
            :, :, top - above : bottom - above, left - before : right - before
        ]
        scores, pixels = scores + score.detach(), pixels + window[0, 0].numel()
    return gradient, scores / pixels
