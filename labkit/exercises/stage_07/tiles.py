"""Gradients in tiles that go wrong."""

import itertools

import torch


def tiled(*, rest=True, margin=True, before=True, paste="core", fixed=False, rows=None, columns=None):
    """A wrong answer. paste: "core", "corner" or "window"; fixed: always cut a whole margin off above and on the left.

    before: whether there is a margin there;  rows, columns: how many of the tiles are done
    """

    def wrong(gradient_of, image, tile, wide):
        wide, (H, W), gradient = wide if margin else 0, image.shape[2:], torch.zeros_like(image)
        last = 0 if rest else tile - 1
        for top in range(0, H - last, tile)[:rows]:
            for left in range(0, W - last, tile)[:columns]:
                y, x = (max(top - wide, 0), max(left - wide, 0)) if before else (top, left)
                slope = gradient_of(image[:, :, y : top + tile + wide, x : left + tile + wide])
                if paste in ("core", "corner"):
                    core = gradient[:, :, top : top + tile, left : left + tile]
                    down, right = (
                        (wide, wide) if fixed else (top - y, left - x) if paste == "core" else (0, 0)
                    )
                    core[:] = slope[:, :, down : down + core.shape[2], right : right + core.shape[3]]
                elif paste == "window":
                    gradient[:, :, y : top + tile + wide, x : left + tile + wide] = slope
                else:
                    gradient[:, :, y : top + tile + wide, x : left + tile + wide] += slope
        return gradient

    return wrong


def one_sided(gradient_of, image, tile, margin):
    """A wrong answer: no margin below and on the right."""
    (H, W), gradient = image.shape[2:], torch.zeros_like(image)
    for top, left in itertools.product(range(0, H, tile), range(0, W, tile)):
        y, x = max(top - margin, 0), max(left - margin, 0)
        slope = gradient_of(image[:, :, y : top + tile, x : left + tile])
        gradient[:, :, top : top + tile, left : left + tile] = slope[:, :, top - y :, left - x :]
    return gradient
