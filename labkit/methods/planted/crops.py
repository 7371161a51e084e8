"""Crops of photos, and the marks in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.arguments import expect_number, expect_whole, expect_wholes, seeded
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.methods.planted.marks import SIDE, decoy, masks, plant, watermark

MARKS = ("watermark", "decoy")


@dataclass(frozen=True, eq=False)
class Planted:
    """Crops with marks in them.

    bare, images: (N, 3, size, size) in 0..1, without marks and with them
    has:     "watermark" or "decoy" -> (N,) bool, whether a crop carries it
    places:  the same -> (N, 2) int64, row and column of its upper left pixel; where it is missing, where it would be
    opacity: of both
    """

    bare: Tensor
    images: Tensor
    has: Mapping[str, Tensor]
    places: Mapping[str, Tensor]
    opacity: float

    def labels(self, mark: str) -> Tensor:
        """1 where a crop carries that mark, 0 where not: (N,) int64."""
        return _of(self.has, mark).long()

    def masks(self, mark: str) -> Tensor:
        """The pixels of that mark, none where a crop does not carry it: (N, size, size) bool."""
        inside = masks(_of(self.places, mark), size=self.images.shape[-1])
        return inside & _of(self.has, mark)[:, None, None]

    def with_only(self, *kept: str) -> "Planted":
        """The same crops with none but these of their marks: with_only() has no marks at all."""
        has = {name: there & (name in kept) for name, there in self.has.items()}
        return _marked(self.bare, has, self.places, self.opacity)

    def at_opacity(self, opacity: float) -> "Planted":
        """The same crops with fainter marks, or stronger ones."""
        return _marked(self.bare, self.has, self.places, expect_number("opacity", opacity, 0, 1))

    def some(self, numbers: Iterable[int]) -> "Planted":
        """The crops with these numbers. Raises: LabError where there are no such"""
        rows = expect_wholes("numbers", numbers, 0, len(self.bare) - 1)
        has, places = (
            {name: fact[rows] for name, fact in facts.items()} for facts in (self.has, self.places)
        )
        return Planted(self.bare[rows], self.images[rows], has, places, self.opacity)


@in_usual_numbers
def planted(
    photos: Tensor, *, count: int, opacity: float = 0.3, size: int = 48, both: bool = False, seed: int = 0
) -> Planted:
    """Crops of photos, a quarter of them with both marks, a quarter with either, a quarter with none.

    photos:  (N, 3, H, W) in 0..1
    count:   how many crops;  size: their height and width, at least 36 pixels
    opacity: of the marks, 0..1
    both:    whether all crops carry both marks
    Raises:  LabError for photos out of range, or smaller than a crop
    """
    opacity = expect_number("opacity", opacity, 0, 1)
    size = expect_whole("size", size, 4 * SIDE)  # so that there is room for a second mark beside the first
    bare = random_crops(photos, count=count, size=size, seed=seed)
    turn = torch.arange(count, device=bare.device)  # crops are drawn at random, so their order says nothing
    has = {"watermark": (turn % 2 == 0) | both, "decoy": (turn // 2 % 2 == 0) | both}
    return _marked(bare, has, _two_places(count, size, seeded(seed)), opacity)


def _marked(bare: Tensor, has: Mapping[str, Tensor], places: Mapping[str, Tensor], opacity: float) -> Planted:
    images = bare.clone()
    for name, mark in zip(MARKS, (watermark(), decoy()), strict=True):
        if (there := has[name]).any():
            images[there] = plant(
                images[there], mark, opacity=opacity, places=places[name].to(bare.device)[there]
            )
    return Planted(
        bare, images, has, {name: place.to(bare.device) for name, place in places.items()}, opacity
    )


def _two_places(count: int, size: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Places for two marks in each crop, apart from each other, each (count, 2)."""

    def drawn(number: int) -> Tensor:
        return torch.randint(size - SIDE + 1, (number, 2), generator=generator)

    first, second = drawn(count), drawn(count)
    while (close := (first - second).abs().amax(dim=1) < SIDE).any():
        second[close] = drawn(int(close.sum()))
    return dict(zip(MARKS, (first, second), strict=True))


@in_usual_numbers
def random_crops(photos: Tensor, *, count: int, size: int = 48, seed: int = 0) -> Tensor:
    """Squares at random places of random photos, every other one in the mirror, so that left and right are alike.

    photos:  (N, 3, H, W) in 0..1;  Returns: (count, 3, size, size)
    Raises:  LabError for photos that are smaller
    """
    expect_images(photos)
    count, size = expect_whole("count", count, 1), expect_whole("size", size, 1)
    N, _, H, W = photos.shape
    if min(H, W) < size:
        raise LabError(
            f"expected photos of {size} × {size} pixels or more, got {H} × {W}; try a smaller size"
        )
    generator = seeded(seed)
    spans = (N, H - size + 1, W - size + 1, 2)
    drawn = torch.stack([torch.randint(span, (count,), generator=generator) for span in spans], dim=1)
    crops = photos.new_empty(count, 3, size, size)
    for crop, (photo, top, left, turned) in zip(crops, drawn.tolist(), strict=True):
        cut = photos.detach()[photo, :, top : top + size, left : left + size]
        crop.copy_(cut.flip(2) if turned else cut)
    return crops


def _of(facts: Mapping[str, Tensor], mark: str) -> Tensor:
    if mark not in MARKS:
        raise LabError(f"no mark {mark!r}; try {' or '.join(MARKS)}")
    return facts[mark]
