"""ZCA whitening with a part exchanged, and what a covariance tells about a wrong result."""

from collections.abc import Callable

import torch
from torch import Tensor

from labkit.checks.exercise import CheckFailed


def _over_n(centred: Tensor) -> Tensor:
    return centred.T @ centred / len(centred)


def whiten(
    *,
    mean: Callable[[Tensor], Tensor | float] = lambda p: p.mean(dim=0),
    covariance: Callable[[Tensor], Tensor] = _over_n,
    divisor: float | None = None,
    scale: Callable[[Tensor, float], Tensor | float] = lambda S, epsilon: (S + epsilon) ** -0.5,
    product: Callable[..., Tensor] = lambda centred, U, scale: centred @ (U * scale) @ U.T,
) -> Callable[[Tensor, float], Tensor]:
    """A function that whitens, with one part exchanged for a wrong answer.

    scale:   (eigenvalues (d,), epsilon) -> (d,)
    product: (x - mean (n, d), U (d, d), scale (d,)) -> what is returned
    """

    def white(patches: Tensor, epsilon: float) -> Tensor:
        centred = patches - mean(patches)
        times_n = covariance(centred) * len(patches)
        S, U = torch.linalg.eigh(times_n / (divisor or len(patches)))
        return product(centred, U, scale(S.clamp(min=0), epsilon))

    return white


def look_at_covariance(white: Tensor, expected: Tensor) -> None:
    """Name what is seen in the covariance of the result, and not in its values.

    white, expected: (n, d) float64
    Raises: CheckFailed with the name of a mistake, where there is one
    """
    if white.shape != expected.shape:
        return
    middle, spectrum, wanted = white.mean(dim=0), _spectrum(white), _spectrum(expected)
    if (spectrum[1:] > 0.97).all() and wanted[1:].min() < 0.9:
        raise CheckFailed(
            f"white: weak directions have variances of up to {spectrum.max():.3g}, expected {wanted[1]:.3g} to "
            f"{wanted[-1]:.3g}",
            mistake="epsilon left out",
        )
    if torch.allclose(white - middle, expected, rtol=1e-2, atol=1e-2) and middle.abs().max() > 1e-2:
        raise CheckFailed(
            f"white: right, but its mean over all patches goes up to {middle.abs().max():.3g}, expected 0",
            mistake="mean left in",
        )
    if torch.allclose(spectrum, wanted, rtol=1e-2, atol=1e-3) and _is_diagonal(_covariance(white)):
        raise CheckFailed(
            "white: uncorrelated, as it should be, but turned into other axes than the pixels'",
            mistake="not rotated back",
        )


def _covariance(patches: Tensor) -> Tensor:
    centred = (patches - patches.mean(dim=0)).double()
    return centred.T @ centred / len(centred)


def _is_diagonal(matrix: Tensor) -> bool:
    return bool((matrix - matrix.diag().diag()).abs().max() < 1e-2 * matrix.abs().max())


def _spectrum(patches: Tensor) -> Tensor:
    spectrum: Tensor = torch.linalg.eigvalsh(_covariance(patches))
    return spectrum
