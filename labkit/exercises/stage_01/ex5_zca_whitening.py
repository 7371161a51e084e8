"""01.5 Patches in which no pixel tells anything about another."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.methods import filters as reference


def _whitening_cases(generator: torch.Generator) -> Cases:
    def photos(count, size):
        seed = int(torch.randint(2**31, (), generator=generator))
        return reference.random_patches(images.photos().images, count=count, size=size, seed=seed)

    few = torch.randn(6, 12, generator=generator) + 2
    return {
        "normalised patches of photos": SimpleNamespace(
            patches=reference.normalize_contrast(photos(400, 4)), epsilon=0.05
        ),
        "a mean that is not zero": SimpleNamespace(patches=photos(300, 3), epsilon=0.01),
        "fewer patches than pixels": SimpleNamespace(patches=few, epsilon=0.1),
    }


def _judge_white(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    white, expected = answer["white"], reference.zca_whiten(case.patches, epsilon=case.epsilon)
    expect_shape("white", white, tuple(case.patches.shape))
    expect_finite("white", white)
    if torch.allclose(_spectrum(white), _spectrum(expected), rtol=1e-2, atol=1e-3) and not torch.allclose(
        white.double(), expected.double(), rtol=1e-2, atol=1e-2
    ):
        raise CheckFailed(
            "white: uncorrelated, as it should be, but turned into other axes than the pixels'",
            mistake="not rotated back",
        )
    expect_close("white", white, expected, why="(x - mean) · U (S + epsilon)^(-1/2) Uᵀ", atol=2e-3, rtol=2e-3)


def _spectrum(patches: Tensor) -> Tensor:
    centred = (patches - patches.mean(dim=0)).double()
    return torch.linalg.eigvalsh(centred.T @ centred / len(centred))


def _whiten(patches, epsilon, *, power=-0.5, centre=True, back=True, divisor=None):
    centred = patches - patches.mean(dim=0)
    if not centre:
        centred = patches
    S, U = torch.linalg.eigh(centred.T @ centred / (divisor or len(patches)))
    turned = centred @ U * (S.clamp(min=0) + epsilon) ** power
    return turned @ U.T if back else turned


EXERCISE = Exercise(
    id="01.5",
    title="ZCA whitening",
    points=3,
    minutes=15,
    hints=(
        "Three steps: subtract the mean patch, take eigenvalues S and eigenvectors U of the covariance, multiply.",
        "covariance = centred.T @ centred / n; S, U = torch.linalg.eigh(covariance)",
        "The eigenvectors are the columns of U: U * (S + epsilon) ** -0.5 scales each of them.",
        "centred @ (U * (S + epsilon) ** -0.5) @ U.T",
    ),
    cases=_whitening_cases,
    answer=lambda f, case: {"white": f(case.patches, case.epsilon)},
    judge=_judge_white,
    mistakes=(
        Mistake(
            "exponent's sign",
            "you raise the eigenvalues to +1/2, which makes strong directions stronger. "
            "Whitening evens them out: -1/2.",
            lambda p, e: _whiten(p, e, power=0.5),
        ),
        Mistake(
            "root forgotten",
            "you divide by S + epsilon, not by its root. S is a variance; to make it 1, divide by a "
            "standard deviation.",
            lambda p, e: _whiten(p, e, power=-1),
        ),
        Mistake(
            "mean forgotten",
            "you did not subtract the mean patch (over all patches, dim=0), so the first direction is "
            "the mean itself.",
            lambda p, e: _whiten(p, e, centre=False),
        ),
        Mistake(
            "not rotated back",
            "that is PCA whitening: the patches are still in the eigenvectors' axes, and no picture any "
            "more. ZCA turns them back with U.T.",
            lambda p, e: _whiten(p, e, back=False),
        ),
        Mistake(
            "not divided by n",
            "centred.T @ centred is n times the covariance: divide by the number of patches.",
            lambda p, e: _whiten(p, e, divisor=1),
        ),
        Mistake(
            "epsilon left out",
            "without epsilon, directions in which nothing varies are divided by almost zero, and noise wins.",
            lambda p, e: _whiten(p, 1e-12),
        ),
    ),
)
