"""The loop: octave by octave a shift, a tiled gradient, a step, and back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from labkit.arguments import expect_number, expect_whole, seeded
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.methods.ascent import Frame, normalised
from labkit.methods.dream import growth
from labkit.methods.dream.bands import even_bands
from labkit.methods.dream.measures import activation_norm, guide_match
from labkit.methods.dream.tiling import ALIGN, tiled_gradient
from labkit.models import Classifier
from labkit.relus import expect_open, past_closed_relus


@dataclass(frozen=True, eq=False)
class DreamFrame(Frame):
    """One step of a dream.

    images: of their octave's size;  scores: the objective a pixel, so that octaves compare
    octave: from 1, of `octaves`;    step: from 1, of `steps` in each octave
    """

    octave: int
    octaves: int
    steps: int

    @property
    def share(self) -> float:
        """How much of the dream is done, by number of steps."""
        return ((self.octave - 1) * self.steps + self.step) / (self.octaves * self.steps)


@in_usual_numbers
def dreaming(
    objective: Callable[[Tensor], Tensor],
    image: Tensor,
    *,
    octaves: int = 4,
    scale: float = 1.4,
    steps: int = 20,
    step_size: float = 0.012,
    jitter: int = 512,
    bands: int = 4,
    tile: int = 512,
    margin: int = 64,
    seed: int = 0,
) -> Iterator[DreamFrame]:
    """A dream step by step; leave the loop when you have seen enough. Arguments as for `deep_dream`.

    objective: images (N, 3, h, w) -> (N,), of any size; sums over positions suit tiles
    """
    _expect_options(image, octaves, scale, steps, bands, tile, margin)
    octaves, steps, jitter = _counts(octaves, steps, jitter, step_size)

    def step(image: Tensor, closed: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        shift = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
        shifted = image.roll(shift, dims=(2, 3))
        look = partial(tiled_gradient, objective, shifted, tile=tile, margin=margin)
        gradient, score, closed = past_closed_relus(look, closed)
        moved = shifted + step_size * normalised(even_bands(gradient, bands))
        return moved.roll([-pixels for pixels in shift], dims=(2, 3)).clamp(0, 1), score, closed

    return _frames(step, image, octaves, scale, steps, seeded(seed))


def _frames(
    step: Callable[..., tuple[Tensor, ...]],
    image: Tensor,
    octaves: int,
    scale: float,
    steps: int,
    generator: torch.Generator,
) -> Iterator[DreamFrame]:
    """Octave by octave, step by step. step: image, closed, generator -> image, scores, closed"""
    ends: list[Tensor] = []  # what came of each octave
    closed = torch.tensor(True)
    for octave in range(1, octaves + 1):
        dreamt = growth.octave_start(image, ends, octaves=octaves, scale=scale)
        for number in range(1, steps + 1):
            dreamt, scores, closed = step(dreamt, closed, generator)
            yield DreamFrame(number, dreamt, scores, octave, octaves, steps)
        ends.append(dreamt)
    if octaves * steps > 1 and closed.any():  # after a single step it is too early to say
        expect_open(step(dreamt, closed, generator)[2], octaves * steps)


def _counts(octaves: int, steps: int, jitter: int, step_size: float) -> tuple[int, int, int]:
    expect_number("step_size", step_size, 0)
    return int(octaves), int(steps), expect_whole("jitter", jitter, 0)


def _expect_options(
    image: Tensor, octaves: int, scale: float, steps: int, bands: int, tile: int, margin: int
) -> None:
    """Require that the options of a dream are in range. Raises: LabError"""
    expect_images(image)
    for name, number in {"octaves": octaves, "steps": steps, "bands": bands, "tile": tile}.items():
        expect_whole(name, number, 1)
    expect_whole("margin", margin, 0)
    expect_number("scale", scale, 1, above=True, mend="1.4")
    sizes = growth.octave_sizes((image.shape[2], image.shape[3]), octaves=octaves, scale=scale)
    if min(sizes[0]) < ALIGN:
        raise LabError(
            f"the smallest of {octaves} octaves would be {sizes[0][0]} × {sizes[0][1]}, expected {ALIGN} pixels "
            "at least; try fewer octaves, or a larger image"
        )
    if tile < ALIGN or tile % ALIGN or margin % ALIGN or margin < 0:
        raise LabError(f"expected tile and margin in multiples of {ALIGN}, got {tile} and {margin}")


@in_usual_numbers
def deep_dream(
    model: Classifier,
    image: Tensor,
    layer: str,
    *,
    guide: Tensor | None = None,
    watch: Callable[[DreamFrame], object] | None = None,
    progress: bool = False,
    **options: Any,
) -> Tensor:
    """A photo in which a layer sees more of what it sees, or more of what it sees in a guide.

    image:     (N, 3, H, W) in 0..1
    layer:     a name in model.net.named_modules() whose output is a map
    guide:     (1, 3, h, w) in 0..1, or None
    watch:     is given each DreamFrame as it comes, to show it;  progress: whether to show a bar
    octaves:   sizes to dream at, each `scale` times the one before, the image's own last;  scale: above 1
    steps:     in each octave;  step_size: by how much a value moves in a step, on average
    jitter:    largest shift before a step, in pixels, to either side; what leaves one side enters the other
    bands:     in how many bands, from fine to coarse, the gradient is split, that they count alike
    tile, margin: as for `tiled_gradient`;  seed: of the shifts: equal seeds, equal dreams
    Returns:   (N, 3, H, W) in 0..1, detached
    Raises:    LabError for an unknown layer or one without maps, images outside 0..1, options out of range, and
               where nothing that is asked for fires at any step
    """
    objective = activation_norm(model, layer) if guide is None else guide_match(model, layer, guide)
    for frame in _with_a_bar(dreaming(objective, image, **options), progress=progress):
        if watch is not None:
            watch(frame)
    return frame.images


def _with_a_bar(frames: Iterator[DreamFrame], *, progress: bool) -> Iterator[DreamFrame]:
    """The frames, and below the cell how much of the dream is done; octaves take times of their own."""
    with tqdm(total=100, unit="%", disable=not progress, leave=False, bar_format="{l_bar}{bar}|") as bar:
        for frame in frames:
            bar.update(round(100 * frame.share) - bar.n)
            yield frame
