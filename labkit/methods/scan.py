"""A toy detector: what a classifier says of every base box, in the shape of YOLO's output.

A classifier has a window of one size. So the picture is resized, once for each base box, until that box is as
large as the window; the map of logits then holds an answer for the middle of every cell. That is OverFeat's
pyramid (Sermanet et al. 2014, arXiv:1312.6229) without what it learned beside: where in the window the object is.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_functions, expect_number, expect_tensor, expect_wholes
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers


@in_usual_numbers
def scan(
    dense: Callable[[Tensor], Tensor],
    picture: Tensor,
    anchors: Tensor,
    targets: Sequence[int],
    *,
    full: int = 224,
    opening: int = 96,
    grid: int = 7,
) -> Tensor:
    """Confidences and class scores of every base box of a picture; the boxes stay where they are.

    dense:   images -> logits at every position, its windows `opening` pixels wide
    picture: (1, 3, H, W) in 0..1;  anchors: (B, 2), widths and heights in 0..1
    targets: the categories to look for; they become classes 1, 2, … and all others background, 0
    full:    how many pixels the classifier was trained to see: a base box is resized to that
    Returns: (grid, grid, 5·B + 1 + len(targets)): offsets 0; confidence, the probability of all targets
             together; the class scores of the cell's surest box, as a cell has room for one box's only.
             Where an opening would leave the picture, the nearest one inside answers for it
    """
    _expect_scan(dense, picture, anchors)
    full, opening, grid = expect_wholes("full, opening and grid", [full, opening, grid], 1)
    targets = expect_wholes("targets", targets, 0)
    look = partial(_at_cells, dense, picture, targets=targets, full=full, opening=opening, grid=grid)
    found = torch.stack([look(anchor) for anchor in anchors], dim=2)  # (grid, grid, B, targets)
    confidence = found.sum(dim=-1, keepdim=True)
    numbers = torch.cat([found.new_zeros(*found.shape[:3], 4), confidence], dim=-1).flatten(2)
    surest = confidence.argmax(dim=2, keepdim=True).expand(-1, -1, -1, len(targets))
    scores = found.gather(2, surest)[:, :, 0]  # (grid, grid, targets)
    return torch.cat([numbers, 1 - scores.sum(dim=-1, keepdim=True), scores], dim=-1)


def _expect_scan(dense: Callable[[Tensor], Tensor], picture: Tensor, anchors: Tensor) -> None:
    expect_functions("dense", [dense])
    expect_images(picture)
    expect_tensor("picture", picture, "1 3 H W", of="floats of 32 or 64 bits")
    expect_tensor("anchors", anchors, "B 2", finite=True)
    expect_number("the smallest anchor", anchors.amin(), 0, 1, above=True)


def _at_cells(
    dense: Callable[[Tensor], Tensor],
    picture: Tensor,
    anchor: Tensor,
    *,
    targets: list[int],
    full: int,
    opening: int,
    grid: int,
) -> Tensor:
    """The probability of each target in the middle of each cell, (grid, grid, targets)."""
    width, height = (max(opening, round(full / side)) for side in anchor.tolist())
    resized = F.interpolate(picture, size=(height, width), mode="bicubic", antialias=True).clamp(0, 1)
    with torch.no_grad():
        logits = dense(resized)
    K = expect_tensor("what dense puts out", logits, "1 K h w")["K"]
    probabilities = logits.softmax(dim=1)[
        :, expect_wholes("targets", targets, 0, K - 1)
    ]  # (1, targets, h, w)
    middle = (torch.arange(grid) + 0.5) / grid
    # where the middles of cells lie between the first window's middle, -1, and the last one's, 1
    x, y = (((middle - 0.5) * side / max(side - opening, 1)) * 2 for side in (width, height))
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None].to(probabilities)
    sampled = F.grid_sample(probabilities, places, padding_mode="border", align_corners=True)
    return sampled[0].permute(1, 2, 0)
