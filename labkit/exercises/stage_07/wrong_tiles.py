"""What can be wrong with 07.3, and what it teaches: windows, what is kept of them, and where."""

from labkit.checks.exercise import Mistake
from labkit.exercises.stage_07.tiles import (
    a_tile_each,
    averaged,
    in_full_margin,
    in_one_row,
    one_sided,
    tiled,
)

_MISTAKES = (
    Mistake(
        "rest lost",
        "where the image's side is no multiple of the tile, the rest on the right and below has no gradient. "
        "range(0, H, tile) begins a tile there, too, and slices stop at the border by themselves.",
        tiled(rest=False),
    ),
    Mistake(
        "no margin",
        "you look at bare tiles, so near their borders the network sees padding in place of the neighbours: "
        "that is where seams come from. Give the window its margin.",
        tiled(margin=False),
    ),
    Mistake(
        "margin kept",
        "you copy the whole window, and its margin, which is wrong near its edge, overwrites what the tile "
        "before had right. Keep the tile only.",
        tiled(paste="window"),
    ),
    Mistake(
        "windows added up",
        "you add the windows up, so where they overlap the gradient is counted twice and more. "
        "Keep each window's own tile only.",
        tiled(paste="sum"),
    ),
    Mistake(
        "cut where there is no margin",
        "you cut a whole margin off every window. At the image's upper and left border there is none: the "
        "tile begins at top - max(top - margin, 0) within its window.",
        tiled(fixed=True),
    ),
    Mistake(
        "tile and margin written down",
        "you wrote 8 and 4 into the code, the numbers of one case. tile and margin are the function's arguments.",
        lambda gradient_of, image, tile, margin: tiled()(gradient_of, image, 8, 4),
    ),
    Mistake(
        "no margin below and on the right",
        "your windows have a margin above and on the left alone. They need it below and on the right as well: "
        "bottom + margin, right + margin.",
        one_sided,
    ),
    Mistake(
        "no margin above and on the left",
        "your windows have a margin below and on the right alone. They begin at max(top - margin, 0) and "
        "max(left - margin, 0).",
        tiled(before=False),
    ),
    Mistake(
        "the window's corner kept",
        "you take the tile from the window's upper left corner. There lies its margin: within the window the tile "
        "begins at top - y and left - x.",
        tiled(paste="corner"),
    ),
    Mistake(
        "out of the loop after one row",
        "you return after the first row of tiles. Is the return inside the outer for loop?",
        tiled(rows=1),
    ),
    Mistake(
        "out of the loop after one tile",
        "you return after the first tile. Is the return inside the for loops?",
        tiled(rows=1, columns=1),
    ),
    Mistake(
        "half a margin",
        "your margin is half as wide. It is `margin` on each side, not both together.",
        lambda gradient_of, image, tile, margin: tiled()(gradient_of, image, tile, margin // 2),
    ),
    Mistake(
        "all at once",
        "the gradient is right, but you took it of more than a tile and its margins: a photo of 12 megapixels "
        "would not fit into memory. Hand gradient_of one window at a time.",
        lambda gradient_of, image, tile, margin: gradient_of(image),
    ),
    Mistake(
        "a negative index",
        "top - margin is below 0 at the upper border, and left - margin at the left one. A negative index counts from "
        "the end, so hardly anything is left of the window: max(top - margin, 0).",
        a_tile_each(
            window=lambda begin, tile, wide, side: (begin - wide, begin + tile + wide), core=in_full_margin
        ),
    ),
    Mistake(
        "a margin cut off all around",
        "you cut a margin off on all four sides. At the image's border the window has none: the tile is "
        "slope[:, :, top - y : bottom - y, left - x : right - x].",
        a_tile_each(core=lambda begin, first, tile, wide: slice(wide, -wide)),
    ),
    Mistake(
        "a margin cut off at the end",
        "you cut a margin off below and on the right. At the image's border there is none: within its window the tile "
        "ends at bottom - y and right - x.",
        a_tile_each(core=lambda begin, first, tile, wide: slice(begin - first, -wide)),
    ),
    Mistake(
        "the tile's end within its window",
        "the tile begins at top - y within its window, and ends `tile` later: top - y + tile.",
        a_tile_each(core=lambda begin, first, tile, wide: slice(begin - first, tile)),
    ),
    Mistake(
        "places in the image for places in the window",
        "top and left are places in the image. In the window, which begins at y and x, they are top - y and left - x.",
        a_tile_each(core=lambda begin, first, tile, wide: slice(begin, begin + tile)),
    ),
    Mistake(
        "the window's beginning within the window",
        "y and x say where the window begins in the image. Within the window the tile begins at top - y and left - x.",
        a_tile_each(core=lambda begin, first, tile, wide: slice(first, first + tile)),
    ),
    Mistake(
        "rows and columns exchanged",
        "rows and columns are exchanged in the window: it is image[:, :, rows, columns], height before width.",
        a_tile_each(turned=True),
    ),
    Mistake(
        "the window ends too early",
        "your window ends `tile + margin` after its beginning, and the margin before the tile is a part of that. It "
        "ends at top + tile + margin.",
        a_tile_each(
            window=lambda begin, tile, wide, side: (max(begin - wide, 0), max(begin - wide, 0) + tile + wide)
        ),
    ),
    Mistake(
        "windows averaged",
        "where windows overlap you take their mean, and near its edge a window is wrong. Keep its own tile only.",
        averaged,
    ),
    Mistake(
        "all tiles in one row",
        "you join all tiles in one row. Join each row of tiles, then the rows; or write each into zeros_like(image).",
        in_one_row,
    ),
)


def tile_mistakes() -> tuple[Mistake, ...]:
    """All of them."""
    return _MISTAKES
