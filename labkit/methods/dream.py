"""DeepDream: a photo, changed so that a layer sees more of what it already sees in it.

The objective is the norm of a layer's activations; its gradient pushes every feature that is there a little
further. Octaves let it work on large forms before small ones, shifts and tiles keep it free of a grid and
within memory.

    dreamt = deep_dream(model, photo, "blocks.4")

Source: Mordvintsev, Olah & Tyka 2015, "Inceptionism: Going Deeper into Neural Networks", Google Research Blog
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from labkit.errors import LabError
from labkit.hooks import find_layer, recording
from labkit.images import expect_images
from labkit.methods.ascent import Objective
from labkit.models import Classifier

ALIGN = 32  # pixels: tiles begin at multiples of it, so that every stride of the usual networks fits
Box = tuple[int, int, int, int]  # top, left, bottom, right; bottom and right are the first pixels outside


@dataclass(frozen=True, eq=False)
class Frame:
    """One step of a dream.

    image:  (N, 3, h, w) in 0..1, after the step, of its octave's size
    octave: from 1, of `octaves`;  step: from 1, of `steps` in each octave
    score:  (N,), the objective a pixel before the step, so that octaves compare
    """

    image: Tensor
    octave: int
    octaves: int
    step: int
    steps: int
    score: Tensor

    @property
    def share(self) -> float:
        """How much of the dream is done, by number of steps."""
        return ((self.octave - 1) * self.steps + self.step) / (self.octaves * self.steps)


def activation_norm(model: Classifier, layer: str) -> Objective:
    """Half the squared norm of a layer's activations, whose gradient there is the activations themselves.

    Raises: LabError for an unknown layer; when it is called, for a layer without maps
    """
    return _of_maps(model, layer, lambda maps: maps.square().sum(dim=(1, 2, 3)) / 2, f"norm of {layer}")


def likeness(model: Classifier, layer: str, guide: Tensor) -> Objective:
    """How well each position's features agree with those of the guide's positions that suit it best.

    Σ over positions of max over the guide's positions of the dot product of their features.

    guide:  (1, 3, H, W) in 0..1, of any size
    Raises: LabError as `activation_norm`, and for more than one guide
    Source: Google's notebook "dream.ipynb" of 2015, which has the idea; the code is ours
    """
    expect_images(guide)
    if len(guide) > 1:
        raise LabError(f"expected one guide (1, 3, H, W), got {len(guide)} images; try guide[:1]")
    with torch.no_grad():
        wanted = _maps(model, layer, guide)[0].flatten(1)  # (C, m)
    return _of_maps(model, layer, lambda maps: best_match(maps.flatten(2), wanted), f"{layer}, guided")


def best_match(features: Tensor, wanted: Tensor) -> Tensor:
    """Σ over n of max over m of the dot products: (N, C, n) and (C, m) -> (N,)."""
    return (features.mT @ wanted).amax(dim=2).sum(dim=1)


def _maps(model: Classifier, layer: str, images: Tensor) -> Tensor:
    with recording(model.net, layer) as seen:
        model(images)
    return seen.maps(layer)


def _of_maps(model: Classifier, layer: str, read: Callable[[Tensor], Tensor], name: str) -> Objective:
    find_layer(model.net, layer)
    score = lambda images: read(_maps(model, layer, images))
    return Objective(score, name, size=model.input_size, device=model.mean.device)


def octave_sizes(size: tuple[int, int], *, octaves: int, scale: float) -> list[tuple[int, int]]:
    """Sizes to dream at, from the smallest to the image's own, each `scale` times the one before."""
    return [(round(size[0] / scale**k), round(size[1] / scale**k)) for k in reversed(range(octaves))]


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, with a wider filter on the way down: (N, C, H, W) -> (N, C, h, w)."""
    return F.interpolate(images, size=size, mode="bilinear", antialias=True)


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


def normalised(gradient: Tensor) -> Tensor:
    """Divided by its mean absolute value, each image by its own."""
    size = gradient.abs().mean(dim=(1, 2, 3), keepdim=True)
    return gradient / size.clamp(min=torch.finfo(gradient.dtype).tiny)


def even_bands(gradient: Tensor, bands: int) -> Tensor:
    """A gradient whose fine and coarse parts count alike: split by halving, each part normalised, then summed.

    bands:  1 is the gradient itself, normalised
    Source: Mordvintsev 2016, TensorFlow's tutorial "deepdream.ipynb", which calls it Laplacian
    """
    size = (gradient.shape[2], gradient.shape[3])
    if bands == 1 or min(size) < 8:
        return normalised(gradient)
    coarse = resize(gradient, (size[0] // 2, size[1] // 2))
    fine = gradient - resize(coarse, size)
    return normalised(fine) + resize(even_bands(coarse, bands - 1), size)


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
) -> Iterator[Frame]:
    """A dream step by step; leave the loop when you have seen enough. Arguments as for `deep_dream`.

    objective: images (N, 3, h, w) -> (N,), of any size; sums over positions suit tiles
    """
    expect_images(image)
    sizes = octave_sizes((image.shape[2], image.shape[3]), octaves=octaves, scale=scale)
    if octaves < 1 or steps < 1 or not scale > 1 or bands < 1:
        raise LabError(
            f"expected at least 1 octave, 1 step and 1 band, and a scale above 1, got {octaves}, {steps}, "
            f"{bands} and {scale}"
        )
    if min(sizes[0]) < ALIGN:
        raise LabError(
            f"the smallest of {octaves} octaves would be {sizes[0][0]} × {sizes[0][1]}, expected {ALIGN} pixels "
            "at least; try fewer octaves, or a larger image"
        )
    if tile < ALIGN or tile % ALIGN or margin % ALIGN or margin < 0:
        raise LabError(f"expected tile and margin in multiples of {ALIGN}, got {tile} and {margin}")

    def step(image: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        shift = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
        shifted = image.roll(shift, dims=(2, 3))
        gradient, score = tiled_gradient(objective, shifted, tile=tile, margin=margin)
        moved = shifted + step_size * normalised(even_bands(gradient, bands))
        return moved.roll([-pixels for pixels in shift], dims=(2, 3)).clamp(0, 1), score

    def frames() -> Iterator[Frame]:
        generator, detail = torch.Generator().manual_seed(seed), torch.zeros_like(image)
        for octave, size in enumerate(sizes, start=1):
            photo = resize(image, size)
            dreamt = photo + resize(detail, size)  # what was dreamt grows, the photo stays as sharp as it is
            for number in range(1, steps + 1):
                dreamt, score = step(dreamt, generator)
                yield Frame(dreamt, octave, octaves, number, steps, score)
            detail = dreamt - photo

    return frames()


def deep_dream(
    model: Classifier,
    image: Tensor,
    layer: str,
    *,
    guide: Tensor | None = None,
    watch: Callable[[Frame], object] | None = None,
    progress: bool = False,
    **options,
) -> Tensor:
    """A photo in which a layer sees more of what it sees, or more of what it sees in a guide.

    image:     (N, 3, H, W) in 0..1
    layer:     a name in model.net.named_modules() whose output is a map
    guide:     (1, 3, h, w) in 0..1, or None
    watch:     is given each Frame as it comes, to show it
    progress:  whether to show a bar
    octaves:   sizes to dream at, each `scale` times the one before, the image's own last;  scale: above 1
    steps:     in each octave
    step_size: by how much a value moves in a step, on average
    jitter:    largest shift before a step, in pixels, to either side; what leaves one side enters the other
    bands:     in how many bands, from fine to coarse, the gradient is split, that they count alike
    tile, margin: as for `tiled_gradient`
    seed:      of the shifts: equal seeds, equal dreams
    Returns:   (N, 3, H, W) in 0..1, detached
    Raises:    LabError for an unknown layer or one without maps, images outside 0..1, options out of range
    """
    objective = activation_norm(model, layer) if guide is None else likeness(model, layer, guide)
    frames = dreaming(objective, image, **options)
    with tqdm(total=100, unit="%", disable=not progress, leave=False, bar_format="{l_bar}{bar}|") as bar:
        for frame in frames:
            bar.update(round(100 * frame.share) - bar.n)
            if watch is not None:
                watch(frame)
    return frame.image
