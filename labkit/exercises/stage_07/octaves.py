"""Dreams in octaves that go wrong: in their sizes, in where an octave begins, in what it hands on."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from labkit.methods.dream import resize

Size = tuple[Any, ...]  # height and width, in whole numbers where somebody has rounded
Dream = Callable[[Tensor], Tensor]


def all_sizes(photo: Tensor, octaves: int, scale: float) -> list[Size]:
    H, W = photo.shape[2:]
    return [(round(H / scale**k), round(W / scale**k)) for k in reversed(range(octaves))]


def octaves_of(
    begin: Callable[[Tensor, Tensor], Tensor],
    *,
    sizes: Callable[..., Sequence[Size]] = all_sizes,
    detail: Callable[..., Tensor] = lambda dreamt, start, photo: dreamt - photo,
) -> Callable[..., Tensor]:
    """A wrong answer. begin: (photo at this size, detail or dream so far enlarged) -> where the octave begins."""

    def wrong(photo: Tensor, dream_at: Dream, octaves: int, scale: float) -> Tensor:
        kept = None
        for size in sizes(photo, octaves, scale):
            small = resize(photo, size)
            start = small if kept is None else begin(small, resize(kept, size))
            dreamt = dream_at(start)
            kept = detail(dreamt, start, small)
        return dreamt

    return wrong


def sizes_by(rounding: Callable[[float], float]) -> Callable[..., list[Size]]:
    def sizes(photo: Tensor, octaves: int, scale: float) -> list[Size]:
        H, W = photo.shape[2:]
        return [(rounding(H / scale**k), rounding(W / scale**k)) for k in reversed(range(octaves))]

    return sizes


def divided_down(photo: Tensor, octaves: int, scale: float) -> list[Size]:
    sizes: list[Size] = [tuple(photo.shape[2:])]
    while len(sizes) < octaves:
        sizes.append((round(sizes[-1][0] / scale), round(sizes[-1][1] / scale)))
    return sizes[::-1]


def multiplied_up(photo: Tensor, octaves: int, scale: float) -> list[Size]:
    sizes = [tuple(round(side / scale ** (octaves - 1)) for side in photo.shape[2:])]
    while len(sizes) < octaves:
        sizes.append((int(sizes[-1][0] * scale), int(sizes[-1][1] * scale)))
    return sizes


def add(photo: Tensor, detail: Tensor) -> Tensor:
    return photo + detail


def grown(photo: Tensor, octaves: int, scale: float) -> list[Size]:
    """Sizes from the photo's own upwards, beyond it."""
    H, W = photo.shape[2:]
    return [(round(H * scale**k), round(W * scale**k)) for k in range(octaves)]


def by_multiples(photo: Tensor, octaves: int, scale: float) -> list[Size]:
    """Sizes divided by multiples of the scale, which for the last octave is 0."""
    H, W = photo.shape[2:]
    return [(round(H / (scale * k)), round(W / (scale * k))) for k in reversed(range(octaves))]


def _in_octaves(step: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., Tensor]:
    """A wrong answer that keeps a detail of its own. step: (photo, detail, size, dream_at) -> (dreamt, new detail)"""

    def wrong(photo: Tensor, dream_at: Dream, octaves: int, scale: float) -> Tensor:
        detail = None
        for size in all_sizes(photo, octaves, scale):
            dreamt, detail = step(photo, detail, size, dream_at)
        return dreamt

    return wrong


@_in_octaves
def not_enlarged(photo: Tensor, detail: Tensor | None, size: Size, dream_at: Dream) -> tuple[Tensor, Tensor]:
    small = resize(photo, size)
    dreamt = dream_at(small if detail is None else small + detail)
    return dreamt, dreamt - small


@_in_octaves
def not_shrunk(photo: Tensor, detail: Tensor | None, size: Size, dream_at: Dream) -> tuple[Tensor, Tensor]:
    dreamt = dream_at(photo + resize(0 * photo if detail is None else detail, size))
    return dreamt, dreamt - photo


@_in_octaves
def difference_from_the_whole(
    photo: Tensor, detail: Tensor | None, size: Size, dream_at: Dream
) -> tuple[Tensor, Tensor]:
    small = resize(photo, size)
    dreamt = dream_at(small if detail is None else small + resize(detail, size))
    return dreamt, dreamt - photo


@_in_octaves
def added_afterwards(
    photo: Tensor, detail: Tensor | None, size: Size, dream_at: Dream
) -> tuple[Tensor, Tensor]:
    small = resize(photo, size)
    dreamt = dream_at(small)
    dreamt = dreamt if detail is None else dreamt + resize(detail, size)
    return dreamt, dreamt - small


@_in_octaves
def cut_out(photo: Tensor, detail: Tensor | None, size: Size, dream_at: Dream) -> tuple[Tensor, Tensor]:
    small = photo[:, :, : size[0], : size[1]]
    dreamt = dream_at(small if detail is None else small + resize(detail, size))
    return dreamt, dreamt - small


def by_a_factor(photo: Tensor, dream_at: Dream, octaves: int, scale: float) -> Tensor:
    factor: Any = 1 / scale ** (octaves - 1)
    return dream_at(resize(photo, factor))


def enlarged_after_each(photo: Tensor, dream_at: Dream, octaves: int, scale: float) -> Tensor:
    image = resize(photo, all_sizes(photo, octaves, scale)[0])
    for _ in range(octaves):
        image = dream_at(image)
        image = resize(image, (round(image.shape[2] * scale), round(image.shape[3] * scale)))
    return image
