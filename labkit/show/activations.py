"""Figures of stage 03: sheets of grey maps, maps over their photos, an axis of layers."""

from collections.abc import Mapping, Sequence
from typing import Unpack

from torch import Tensor

from labkit.arguments import expect_number, expect_row, expect_tensor, expect_whole
from labkit.methods import activations
from labkit.methods.sheets import tile
from labkit.show.drawing import BETWEEN
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.picture import Picture, Texts
from labkit.show.plots import grid


@in_usual_look
def map_sheets(
    sheets: Mapping[str, Tensor],
    *,
    columns: int = 16,
    shared: bool | Sequence[bool] = False,
    **texts: Unpack[Texts],
) -> Picture:
    """Sheets of grey maps side by side: black is 0 or less, white the largest value, of each map or of the sheet.

    sheets: what each is -> its maps (C, h, w)
    shared: one white for a whole sheet; one answer for all sheets or one each
    """
    columns = expect_whole("columns", columns, 1)
    if not isinstance(shared, bool):
        expect_whole(
            "the number of answers for shared", len(expect_row("shared", shared)), len(sheets), len(sheets)
        )
    one_white = [shared] * len(sheets) if isinstance(shared, bool) else shared
    tiles = []
    for maps, one in zip(sheets.values(), one_white, strict=True):
        expect_tensor("each sheet", maps, "C h w", of="numbers")
        grey = activations.to_grey(maps, shared=one)[:, None]  # (C, 1, h, w)
        gap = max(1, round(maps.shape[-1] / 28))
        tiles.append(tile(grey, columns=min(columns, len(grey)), gap=gap, background=BETWEEN))
    return grid(tiles, above=sheets, side=WIDTH, exact=True, **texts)


@in_usual_look
def window(image: Tensor, row: float, column: float, *, size: int) -> Tensor:
    """A square out of an image around a place, grey beyond the borders.

    image:   (3, H, W);  row, column: in 0..1 of height and width;  size: of the square, in pixels
    Returns: (3, size, size)
    """
    expect_tensor("image", image, "C H W", of="numbers")
    expect_whole("size", size, 1)
    for name, place, side in (("row", row, image.shape[1]), ("column", column, image.shape[2])):
        expect_number(name, place, 0, 1, mend=f"{name} / {side}, if that is in pixels")
    out = image.new_full((len(image), size, size), BETWEEN)
    H, W = image.shape[1:]
    top, left = round(float(row) * H) - size // 2, round(float(column) * W) - size // 2
    seen = image[:, max(top, 0) : top + size, max(left, 0) : left + size]
    down, right = max(-top, 0), max(-left, 0)
    out[:, down : down + seen.shape[1], right : right + seen.shape[2]] = seen
    return out


@in_usual_look
def overlays(images: Tensor, maps: Tensor) -> list[Tensor]:
    """A map laid over each photo, each with its own strongest place.

    The photos lose their own colours: an orange spot is the map's, whatever was there.

    images: (N, 3, H, W) in 0..1;  maps: (N, h, w);  Returns: N times (3, H, W)
    """
    N = expect_tensor("images", images, "N 3 H W")["N"]
    expect_tensor("maps", maps, "N h w", N=N)
    colourless = images.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    return [activations.overlay(image, one) for image, one in zip(colourless, maps, strict=True)]


def by_depth(layers: Sequence[str], *, most: int = 10) -> dict[float, str]:
    """Ticks for an axis of layers: the last layer of each part of the network, at most so many."""
    parts = [".".join(layer.split(".")[:2]) for layer in layers]
    ends = [i for i, part in enumerate(parts) if part not in parts[i + 1 :]]
    chosen = ends[:1]
    for i in ends[1:]:
        if i - chosen[-1] < len(layers) / most / 1.5:
            if i != ends[-1] or len(chosen) == 1:
                continue
            chosen.pop()
        chosen.append(i)
    return {i: parts[i].replace(".", "\n") for i in chosen}
