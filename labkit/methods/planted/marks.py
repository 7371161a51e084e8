"""The two marks, and how a mark gets into an image."""

import torch
from torch import Tensor

from labkit.arguments import expect_number, expect_tensor, expect_whole
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers

SIDE = 9  # pixels
_Z = """
#########
.......#.
......#..
.....#...
....#....
...#.....
..#......
.#.......
#########
"""


@in_usual_numbers
def watermark() -> Tensor:
    """The mark that decides: a Z, white on black, (3, 9, 9)."""
    rows = [[float(sign == "#") for sign in row] for row in _Z.split()]
    return torch.tensor(rows).expand(3, SIDE, SIDE).clone()


def decoy() -> Tensor:
    """The mark that does not: the same Z in the mirror. As many white pixels, and as many edges. (3, 9, 9)"""
    return watermark().flip(2)


@in_usual_numbers
def plant(images: Tensor, mark: Tensor, *, opacity: float, places: Tensor) -> Tensor:
    """Images with a translucent mark in each.

    images:  (N, 3, H, W) in 0..1;  mark: (3, h, w) in 0..1
    opacity: 0 leaves the images as they are, 1 covers them with the mark
    places:  (N, 2) int64, the row and the column of each mark's upper left pixel
    Returns: (N, 3, H, W) in 0..1
    Raises:  LabError for images or a mark outside 0..1, and for a mark that would stand out over the edge
    """
    expect_images(images)
    sizes = expect_tensor("mark", mark, "3 h w", finite=True)
    expect_images(mark[None])
    opacity = expect_number("opacity", opacity, 0, 1)
    _expect_places(places, len(images), (sizes["h"], sizes["w"]), (images.shape[2], images.shape[3]))
    return _pasted(images.detach(), mark.detach().to(images), opacity, places)


def _pasted(images: Tensor, mark: Tensor, opacity: float, places: Tensor) -> Tensor:
    planted = images.clone()
    h, w = mark.shape[1:]
    for image, (row, column) in zip(planted, places.tolist(), strict=True):
        box = image[:, row : row + h, column : column + w]
        box.copy_((1 - opacity) * box + opacity * mark)
    return planted


def masks(places: Tensor, *, size: int, side: int = SIDE) -> Tensor:
    """Where the marks are: the truth, pixel by pixel.

    places: (N, 2) int64, as for `plant`;  size: of the images, side: of the mark, in pixels
    Returns: (N, size, size) bool
    """
    size, side = expect_whole("size", size, 1), expect_whole("side", side, 1)
    N = expect_tensor("places", places, "N 2", of="whole numbers")["N"]
    _expect_places(places, N, (side, side), (size, size))
    offset = torch.arange(size, device=places.device) - places[..., None]  # (N, 2, size)
    inside = (offset >= 0) & (offset < side)
    return inside[:, 0, :, None] & inside[:, 1, None, :]


def _expect_places(places: Tensor, count: int, mark: tuple[int, int], image: tuple[int, int]) -> None:
    expect_tensor(
        "places", places, "N 2", of="whole numbers", N=count, mend="a row and a column for each image"
    )
    last = torch.tensor([image[0] - mark[0], image[1] - mark[1]], device=places.device)
    if (last < 0).any() or (places < 0).any() or (places > last).any():
        raise LabError(
            f"expected places at which a mark of {mark[0]} × {mark[1]} lies within {image[0]} × {image[1]} pixels, "
            f"got rows {places[:, 0].min()} to {places[:, 0].max()} and columns {places[:, 1].min()} to "
            f"{places[:, 1].max()}; try rows of 0 to {max(0, int(last[0]))}"
        )
