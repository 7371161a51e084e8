"""01.4 Patches with their mean taken off and their contrast made equal."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.exercises.stage_01.photo_patches import draw_patches
from labkit.methods import filters as reference


def _patch_cases(generator: torch.Generator) -> Cases:
    flat = torch.rand(3, 1, generator=generator).expand(3, 27).clone()
    return {
        "patches of photos": SimpleNamespace(patches=draw_patches(generator, 40, 5), epsilon=0.01),
        "flat patches among others": SimpleNamespace(
            patches=torch.cat([flat, draw_patches(generator, 5, 3)]), epsilon=0.1
        ),
    }


def _judge_contrast(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    normalized = answer["normalized"]
    expect_shape("normalized", normalized, tuple(case.patches.shape))
    expect_finite("normalized", normalized)
    expected = reference.normalize_contrast(case.patches, epsilon=case.epsilon)
    expect_close(
        "normalized", normalized, expected, why="(x - mean) / sqrt(variance + epsilon), patch by patch"
    )


def _contrast(
    *,
    mean: Callable[[Tensor], Tensor | float] = lambda p: p.mean(dim=1, keepdim=True),
    variance: Callable[[Tensor], Tensor] = lambda p: p.var(dim=1, keepdim=True, correction=0),
    scale: Callable[[Tensor, float], Tensor | float] = lambda variance, epsilon: (variance + epsilon).sqrt(),
) -> Callable[[Tensor, float], Tensor]:
    """A wrong answer: the right formula with one part exchanged."""

    def wrong(patches: Tensor, epsilon: float) -> Tensor:
        return (patches - mean(patches)) / scale(variance(patches), epsilon)

    return wrong


EXERCISE = Exercise(
    id="01.4",
    title="Normalise the contrast of patches",
    points=1,
    minutes=8,
    hints=(
        "One row is one patch: mean and variance run along dim=1, and keepdim=True lets them broadcast.",
        "The variance is the mean of the squared deviations; torch.var divides by d - 1 unless correction=0.",
        "(patches - mean) / (variance + epsilon).sqrt()",
    ),
    cases=_patch_cases,
    answer=lambda f, case: {"normalized": f(case.patches, case.epsilon)},
    judge=_judge_contrast,
    alone=each("patches"),
    mistakes=(
        Mistake(
            "along the wrong axis",
            "you normalised each pixel over all patches (dim=0). Each patch is to lose its own "
            "brightness and contrast: dim=1.",
            _contrast(mean=lambda p: p.mean(dim=0), variance=lambda p: p.var(dim=0, correction=0)),
        ),
        Mistake(
            "one mean for all",
            "you used one mean and one variance for all patches, so dark patches stay dark. One for each row.",
            _contrast(mean=torch.mean, variance=lambda p: p.var(correction=0)),
        ),
        Mistake(
            "mean kept",
            "you divided by the contrast and kept the mean: the brightness of a patch would outweigh its edges.",
            _contrast(mean=lambda p: 0),
        ),
        Mistake(
            "epsilon outside the root",
            "epsilon belongs to the variance, inside the root: sqrt(variance + epsilon), "
            "not sqrt(variance) + epsilon.",
            _contrast(scale=lambda variance, epsilon: variance.sqrt() + epsilon),
        ),
        Mistake(
            "divided by d - 1",
            "your variance divides by d - 1, torch.var's default. Here all d pixels are the whole patch, "
            "not a sample: correction=0.",
            _contrast(variance=lambda p: p.var(dim=1, keepdim=True)),
        ),
        Mistake(
            "standard deviation with both defaults",
            "you divide by torch.std + epsilon. That is d - 1 in place of d, and epsilon outside the root: "
            "(var(correction=0) + epsilon).sqrt().",
            _contrast(
                variance=lambda p: p.var(dim=1, keepdim=True), scale=lambda variance, e: variance.sqrt() + e
            ),
        ),
        Mistake(
            "root forgotten",
            "you divide by the variance. Contrast is the standard deviation: its root.",
            _contrast(scale=lambda variance, epsilon: variance + epsilon),
        ),
        Mistake(
            "epsilon left out",
            "without epsilon a flat patch is divided by 0, and a nearly flat one is nothing but noise made large.",
            _contrast(scale=lambda variance, epsilon: variance.sqrt()),
        ),
        Mistake(
            "multiplied",
            "you multiply by the contrast, which makes strong patches stronger. Divide by it.",
            _contrast(scale=lambda variance, epsilon: 1 / (variance + epsilon).sqrt()),
        ),
        Mistake(
            "contrast kept",
            "you subtracted the mean and left the contrast. Divide by sqrt(variance + epsilon) as well.",
            _contrast(scale=lambda variance, epsilon: 1),
        ),
        Mistake(
            "length in place of contrast",
            "you divide by each patch's length, the root of a sum of squares. The variance is their mean: "
            "divided by d.",
            _contrast(variance=lambda p: p.shape[1] * p.var(dim=1, keepdim=True, correction=0)),
        ),
        Mistake(
            "squares of the uncentred values",
            "you average the squares of the values themselves. The variance takes the squared deviations from the "
            "mean.",
            _contrast(variance=lambda p: p.square().mean(dim=1, keepdim=True)),
        ),
        Mistake(
            "mean patch taken off",
            "you subtract the mean patch, dim=0. Each patch is to lose its own mean: dim=1, keepdim=True.",
            _contrast(mean=lambda p: p.mean(dim=0)),
        ),
        Mistake(
            "mean of everything taken off",
            "you subtract one mean for all patches, p.mean(). Each patch is to lose its own: dim=1, keepdim=True.",
            _contrast(mean=torch.mean),
        ),
        Mistake(
            "epsilon as a floor",
            "you take the larger of variance and epsilon. Add them.",
            _contrast(scale=lambda variance, epsilon: variance.clamp(min=epsilon).sqrt()),
        ),
        Mistake(
            "stretched to 0..1",
            "you stretch each patch from its smallest to its largest value. The task asks for mean 0, divided by the "
            "contrast.",
            _contrast(
                mean=lambda p: p.amin(dim=1, keepdim=True),
                variance=lambda p: p.amax(dim=1, keepdim=True) - p.amin(dim=1, keepdim=True),
                scale=lambda range_, epsilon: range_ + epsilon,
            ),
        ),
    ),
)
