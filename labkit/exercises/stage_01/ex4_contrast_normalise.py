"""01.4 Patches with their mean taken off and their contrast made equal."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit import images
from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.methods import filters as reference


def _patch_cases(generator: torch.Generator) -> Cases:
    def patches(count, size):
        seed = int(torch.randint(2**31, (), generator=generator))
        return reference.random_patches(images.photos().images, count=count, size=size, seed=seed)

    flat = torch.rand(3, 1, generator=generator).expand(3, 27).clone()
    return {
        "patches of photos": SimpleNamespace(patches=patches(200, 5), epsilon=0.01),
        "flat patches among others": SimpleNamespace(patches=torch.cat([flat, patches(5, 3)]), epsilon=0.1),
    }


def _judge_contrast(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    normalized = answer["normalized"]
    expect_shape("normalized", normalized, tuple(case.patches.shape))
    expect_finite("normalized", normalized)
    expect_close(
        "mean of each patch",
        normalized.mean(dim=1),
        torch.zeros(len(normalized)),
        why="subtract each patch's own mean",
    )
    expected = reference.normalize_contrast(case.patches, epsilon=case.epsilon)
    expect_close(
        "normalized", normalized, expected, why="(x - mean) / sqrt(variance + epsilon), patch by patch"
    )


def _contrast(patches, epsilon, *, dim=1, correction=0, centred=True, inside=True):
    mean = patches.mean(dim=dim, keepdim=True)
    variance = patches.var(dim=dim, keepdim=True, correction=correction)
    scale = (variance + epsilon).sqrt() if inside else variance.sqrt() + epsilon
    return (patches - mean if centred else patches) / scale


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
    mistakes=(
        Mistake(
            "along the wrong axis",
            "you normalised each pixel over all patches (dim=0). Each patch is to lose its own "
            "brightness and contrast: dim=1.",
            lambda p, e: _contrast(p, e, dim=0),
        ),
        Mistake(
            "one mean for all",
            "you used one mean and one variance for all patches, so dark patches stay dark. One for each row.",
            lambda p, e: _contrast(p, e, dim=(0, 1)),
        ),
        Mistake(
            "mean kept",
            "you divided by the contrast and kept the mean: the brightness of a patch would outweigh its edges.",
            lambda p, e: _contrast(p, e, centred=False),
        ),
        Mistake(
            "epsilon outside the root",
            "epsilon belongs to the variance, inside the root: sqrt(variance + epsilon), "
            "not sqrt(variance) + epsilon.",
            lambda p, e: _contrast(p, e, inside=False),
        ),
        Mistake(
            "divided by d - 1",
            "your variance divides by d - 1, torch.var's default. Here all d pixels are the whole patch, "
            "not a sample: correction=0.",
            lambda p, e: _contrast(p, e, correction=1),
        ),
    ),
)
