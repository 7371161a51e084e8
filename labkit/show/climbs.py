"""A grid of regularisers' strengths, all climbed at once, for the explorer of stage 06."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from labkit.arguments import expect_whole, seeded
from labkit.images import fit
from labkit.kernel import in_usual_numbers
from labkit.methods import ascent
from labkit.models import Classifier, expect_classifier
from labkit.show.own_photos import expect_photo
from labkit.show.waiting import watch

L2 = (0.0, 0.2)
BLUR = (0.0, 0.5, 1.0)
CLIP = (0, 50)
NONE = (0.0, 0.0, 0)
Setting = tuple[float, float, int]  # weight of the L2 term, sigma of the blur, percent clipped by norm


@dataclass(frozen=True)
class Climbs:
    """Every setting's way up, for one category.

    steps:         those that were kept, the first 0
    images:        setting -> (len(steps), 3, H, W) uint8
    probabilities: setting -> (len(steps),), of the category on the clean 8-bit image
    roughness:     setting -> (len(steps),), total variation
    """

    category: str
    steps: tuple[int, ...]
    images: dict[Setting, Tensor]
    probabilities: dict[Setting, Tensor]
    roughness: dict[Setting, Tensor]


@in_usual_numbers
def climb(
    model: Classifier,
    category: str,
    *,
    size: int = 128,
    steps: int = 40,
    every: int = 4,
    rate: float = 0.06,
    transforms: Sequence[ascent.Transform] = ascent.ROBUST,
    photo: Tensor | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Climbs:
    """All settings of the grid at once, as one batch from one start, so that nothing else differs.

    every:  of how many steps one is kept;  rate: of the normalised steps in pixels
    transforms: before each look; with less than ROBUST few classes can be recognised after so few steps
    photo:  (1, 3, H, W) in 0..1, where the climbs begin, in place of grey
    Raises: LabError for an unknown category, and for what is no photo
    """
    expect_classifier(model)
    for name, number in {"size": size, "steps": steps, "every": every}.items():
        expect_whole(name, number, 1)
    settings, seed = list(product(L2, BLUR, CLIP)), expect_whole("seed", seed)
    start = _start(photo, size, seed).to(model.mean.device).expand(len(settings), -1, -1, -1)
    way = _ways_up(model, category, settings, start, steps, rate, transforms, seed)
    seen = watch(way, "steps", total=steps) if progress else way  # a saved notebook keeps no bar
    kept = [frame for frame in seen if frame.step % every == 0]
    frames = [start, *(frame.images for frame in kept)]
    return _measured(model, category, settings, [0, *(frame.step for frame in kept)], frames)


def _start(photo: Tensor | None, size: int, seed: int) -> Tensor:
    """The photo, cut to size × size pixels, or grey, with noise too faint to see: (1, 3, size, size)."""
    faint = 0.01 * torch.randn(1, 3, size, size, generator=seeded(seed))
    if photo is None:
        return ascent.GREY + faint
    return (fit(expect_photo(photo).detach(), size).cpu() + faint).clamp(0, 1)


def _measured(
    model: Classifier, category: str, settings: list[Setting], kept: list[int], frames: list[Tensor]
) -> Climbs:
    """What was kept, scored. frames: for each step that was kept, one image for each setting"""
    scored = [ascent.rescore(model, batch, [category] * len(settings)) for batch in frames]
    rough = [ascent.roughness(batch) for batch in frames]
    stored = [(batch * 255).round().to(torch.uint8) for batch in frames]

    def each(values: list[Tensor]) -> dict[Setting, Tensor]:
        return {setting: torch.stack([v[i] for v in values]).cpu() for i, setting in enumerate(settings)}

    return Climbs(category, tuple(kept), each(stored), each(scored), each(rough))


def _ways_up(
    model: Classifier,
    category: str,
    settings: list[Setting],
    start: Tensor,
    steps: int,
    rate: float,
    transforms: Sequence[ascent.Transform],
    seed: int,
) -> Iterator[ascent.Frame]:
    """Frames of a batch with one image per setting: the L2 terms have weights of their own, and so on."""
    plain = ascent.logit(model, [category] * len(settings))
    weights = torch.tensor([l2 for l2, _, _ in settings], device=model.mean.device)
    penalty = ascent.l2()
    objective = ascent.Objective(
        lambda images: plain(images) - weights * penalty(images), count=len(settings), device=plain.device
    )

    return ascent.ascend(
        objective,
        start=start,
        parameterisation=ascent.PIXELS,
        transforms=transforms,
        regularisers=(_each_by_its_own(settings),),
        rule=ascent.normalised_steps(rate),
        steps=steps,
        seed=seed,
    )


def _each_by_its_own(settings: list[Setting]) -> ascent.Regulariser:
    """Blurs and clips each image of a batch as its own setting says."""

    def regularise(images: Tensor, gradient: Tensor, step: int) -> Tensor:
        done = []
        for index, (_, sigma, percent) in enumerate(settings):
            image, slope = images[index : index + 1], gradient[index : index + 1]
            image = ascent.blur(sigma, every=4)(image, slope, step) if sigma else image
            done.append(ascent.clip_norm(percent)(image, slope, step) if percent else image)
        return torch.cat(done)

    return regularise
