"""01.5 Patches in which no pixel tells anything about another."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.exercises.stage_01.photo_patches import draw_patches
from labkit.exercises.stage_01.whitening import look_at_covariance, whiten
from labkit.methods import filters as reference


def _whitening_cases(generator: torch.Generator) -> Cases:
    few = torch.randn(6, 12, generator=generator) + 2
    return {
        "normalised patches of photos": SimpleNamespace(
            patches=reference.normalize_contrast(draw_patches(generator, 80, 3)), epsilon=0.05
        ),
        "a mean that is not zero": SimpleNamespace(patches=draw_patches(generator, 90, 3), epsilon=0.02),
        "fewer patches than pixels": SimpleNamespace(patches=few, epsilon=0.1),
    }


def _judge_white(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    white, n = answer["white"], len(case.patches)
    expected = reference.zca_whiten(case.patches, epsilon=case.epsilon)
    expect_shape("white", white, tuple(case.patches.shape))
    expect_finite("white", white)
    if torch.allclose(white.double(), whiten(divisor=n - 1)(case.patches, case.epsilon).double(), 2e-3, 2e-3):
        return  # the covariance as torch.cov has it, which is as good
    look_at_covariance(white.double(), expected.double())
    expect_close("white", white, expected, why="(x - mean) · U (S + epsilon)^(-1/2) Uᵀ", atol=2e-3, rtol=2e-3)


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
            whiten(scale=lambda S, epsilon: (S + epsilon) ** 0.5),
        ),
        Mistake(
            "root forgotten",
            "you divide by S + epsilon, not by its root. S is a variance; to make it 1, divide by a "
            "standard deviation.",
            whiten(scale=lambda S, epsilon: 1 / (S + epsilon)),
        ),
        Mistake(
            "mean forgotten",
            "you did not subtract the mean patch (over all patches, dim=0), so the first direction is "
            "the mean itself.",
            whiten(mean=lambda p: 0),
        ),
        Mistake(
            "not rotated back",
            "that is PCA whitening: the patches are still in the eigenvectors' axes, and no picture any "
            "more. ZCA turns them back with U.T.",
            whiten(product=lambda centred, U, scale: centred @ (U * scale)),
        ),
        Mistake(
            "not divided by n",
            "centred.T @ centred is n times the covariance: divide by the number of patches.",
            whiten(divisor=1),
        ),
        Mistake(
            "epsilon left out",
            "without epsilon, directions in which nothing varies are divided by almost zero, and noise wins.",
            whiten(scale=lambda S, epsilon: (S + 1e-12) ** -0.5),
        ),
        Mistake(
            "turned on, not back",
            "you multiply by U once more at the end, which turns the patches further. U.T turns them back.",
            whiten(product=lambda centred, U, scale: centred @ (U * scale) @ U),
        ),
        Mistake(
            "rows taken for eigenvectors",
            "the eigenvectors are the columns of U, and you use its rows: centred @ U first, U.T last.",
            whiten(product=lambda centred, U, scale: centred @ (U.T * scale) @ U),
        ),
        Mistake(
            "rows scaled",
            "you scale the rows of U. Each eigenvalue belongs to a column: U * scale, which multiplies along the "
            "columns.",
            whiten(product=lambda centred, U, scale: centred @ (U * scale[:, None]) @ U.T),
        ),
        Mistake(
            "not scaled",
            "the patches are centred, turned and turned back, which changes nothing but the mean. Scale in between: "
            "(S + epsilon) ** -0.5.",
            whiten(scale=lambda S, epsilon: 1),
        ),
        Mistake(
            "each pixel by itself",
            "you divided each pixel by its own standard deviation. Neighbouring pixels are then as alike as before: "
            "whitening needs the covariance of all pixels.",
            lambda p, epsilon: (p - p.mean(dim=0)) / (p.var(dim=0) + epsilon).sqrt(),
        ),
        Mistake(
            "epsilon outside the root",
            "epsilon is added to the eigenvalues, inside the root: (S + epsilon) ** -0.5, not 1 / (sqrt(S) + epsilon).",
            whiten(scale=lambda S, epsilon: 1 / (S.sqrt() + epsilon)),
        ),
        Mistake(
            "epsilon as a floor",
            "you take the larger of S and epsilon. Add them.",
            whiten(scale=lambda S, epsilon: S.clamp(min=epsilon) ** -0.5),
        ),
        Mistake(
            "each patch's own mean",
            "you subtract each patch's own mean, dim=1. Here it is the mean patch, over all patches: dim=0.",
            whiten(mean=lambda p: p.mean(dim=1, keepdim=True)),
        ),
        Mistake(
            "mean left in",
            "the mean patch is still in the result. Multiply the centred patches, and add no mean afterwards.",
            lambda p, epsilon: whiten()(p, epsilon) + p.mean(dim=0),
        ),
        Mistake(
            "divided by d",
            "you divide by the length of a patch. A covariance is a mean over patches: divide by their number.",
            whiten(covariance=lambda c: c.T @ c / c.shape[1]),
        ),
        Mistake(
            "singular values taken for eigenvalues",
            "svd gives singular values of the centred patches. The covariance's eigenvalues are their squares / n.",
            lambda p, e: whiten(scale=lambda S, _: ((S * len(p)).sqrt() + e) ** -0.5)(p, e),
        ),
        Mistake(
            "the matrix alone",
            "you return the whitening matrix, (d, d). Multiply the centred patches by it.",
            whiten(product=lambda centred, U, scale: (U * scale) @ U.T),
        ),
        Mistake(
            "correlation",
            "you took the correlation of the pixels, in which each has variance 1. The task asks for their covariance.",
            whiten(covariance=lambda c: torch.corrcoef(c.T).nan_to_num()),
        ),
    ),
)
