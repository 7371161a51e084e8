"""Gradients in tiles that go wrong."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

Gradient = Callable[[Tensor], Tensor]
Ends = tuple[int, int]  # first pixel, end


def tiled(
    *, rest: bool = True, margin: bool = True, before: bool = True, paste: str = "core",
    fixed: bool = False, rows: int | None = None, columns: int | None = None,
) -> Callable[..., Tensor]:  # fmt: skip
    """A wrong answer. paste: "core", "corner" or "window"; fixed: always cut a whole margin off above and on the left.

    before: whether there is a margin there;  rows, columns: how many of the tiles are done
    """

    def wrong(gradient_of: Gradient, image: Tensor, tile: int, wide: int) -> Tensor:
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


def one_sided(gradient_of: Gradient, image: Tensor, tile: int, margin: int) -> Tensor:
    """A wrong answer: no margin below and on the right."""
    (H, W), gradient = image.shape[2:], torch.zeros_like(image)
    for top, left in itertools.product(range(0, H, tile), range(0, W, tile)):
        y, x = max(top - margin, 0), max(left - margin, 0)
        slope = gradient_of(image[:, :, y : top + tile, x : left + tile])
        gradient[:, :, top : top + tile, left : left + tile] = slope[:, :, top - y :, left - x :]
    return gradient


def _clipped(begin: int, tile: int, wide: int, side: int) -> Ends:
    return max(begin - wide, 0), begin + tile + wide


def in_full_margin(begin: int, first: int, tile: int, wide: int) -> slice:
    """Where a tile is in its window if there is a whole margin before it."""
    return slice(wide, wide + tile)


def a_tile_each(
    *,
    window: Callable[..., Ends] = _clipped,
    core: Callable[..., slice] = lambda begin, first, tile, wide: slice(begin - first, begin - first + tile),
    turned: bool = False,
) -> Callable[..., Tensor]:
    """A wrong answer, written with one tile's place on the left of =, so that what does not fit raises.

    window: (begin of the tile, tile, margin, side of the image) -> where its window begins and ends
    core:   (begin of the tile, begin of the window, tile, margin) -> what is kept of the window
    turned: whether rows and columns are exchanged in the window
    """

    def wrong(gradient_of: Gradient, image: Tensor, tile: int, wide: int) -> Tensor:
        (H, W), gradient = image.shape[2:], torch.zeros_like(image)
        for top, left in itertools.product(range(0, H, tile), range(0, W, tile)):
            rows, columns = window(top, tile, wide, H), window(left, tile, wide, W)
            inside = core(top, rows[0], tile, wide), core(left, columns[0], tile, wide)
            if turned:
                rows, columns, inside = columns, rows, inside[::-1]
            slope = gradient_of(image[:, :, slice(*rows), slice(*columns)])
            gradient[:, :, top : top + tile, left : left + tile] = slope[:, :, inside[0], inside[1]]
        return gradient

    return wrong


def averaged(gradient_of: Gradient, image: Tensor, tile: int, wide: int) -> Tensor:
    total, count = torch.zeros_like(image), torch.zeros_like(image)
    for top, left in itertools.product(*(range(0, side, tile) for side in image.shape[2:])):
        rows, columns = (slice(*_clipped(begin, tile, wide, 0)) for begin in (top, left))
        total[:, :, rows, columns] += gradient_of(image[:, :, rows, columns])
        count[:, :, rows, columns] += 1
    return total / count


def in_one_row(gradient_of: Gradient, image: Tensor, tile: int, wide: int) -> Tensor:
    tiles = tiled()(gradient_of, image, tile, wide).split(tile, dim=2)
    return torch.cat([part for row in tiles for part in row.split(tile, dim=3)], dim=3)
