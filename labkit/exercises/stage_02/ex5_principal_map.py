"""02.5 Feature space laid flat along its two principal axes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.checks.values import as_tensor


def _cloud_cases(generator: torch.Generator) -> Cases:
    def cloud(N, D):
        axes = torch.linalg.qr(torch.randn(D, D, generator=generator)).Q
        spread = torch.tensor([4.0, 2.0, *[0.5 * 0.8**i for i in range(D - 2)]])
        return torch.randn(N, D, generator=generator) * spread @ axes

    off = 10 * torch.nn.functional.normalize(torch.randn(6, generator=generator), dim=0)
    return {
        "40 points far from the origin": cloud(40, 6) + off,
        "fewer points than dimensions": cloud(9, 20),
    }


def _answer_map(f: Callable[..., Any], vectors: Tensor) -> dict[str, Any]:
    """The map with each axis turned so that its largest coordinate is positive: either way round is right."""
    points = as_tensor("map", f(vectors))
    if points.ndim == 2 and len(points):
        points = points * points.gather(0, points.abs().argmax(dim=0, keepdim=True)).sign()
    return {"map": points}


def _judge_map(vectors: Tensor, answer: dict[str, Tensor]) -> None:
    points, centred = answer["map"], (vectors - vectors.mean(dim=0)).double()
    expect_shape("map", points, (len(vectors), 2))
    expect_finite("map", points)
    expect_close(
        "middle of the map", points.mean(dim=0), torch.zeros(2), why="subtract the mean first", atol=1e-3
    )
    S, U = torch.linalg.eigh(centred @ centred.T)  # by the points' dot products: no singular vector is used
    expected = (U[:, -2:] * S[-2:].sqrt()).flip(1)
    expected = expected * expected.gather(0, expected.abs().argmax(dim=0, keepdim=True)).sign()
    spread, wanted = points.double().norm(dim=0), S[-2:].sqrt().flip(0)
    expect_close(
        "spread along the axes", spread, wanted, why="the two widest directions, widest first", rtol=1e-3
    )
    expect_close("map", points, expected, why="centred @ Vh[:2].T", atol=5e-3, rtol=1e-3)


def _map(vectors, *, centred=True, axes=slice(0, 2), columns=False, unit=False):
    x = vectors - vectors.mean(dim=0) if centred else vectors
    U, _, Vh = torch.linalg.svd(x, full_matrices=False)
    if unit:
        return U[:, axes]
    if columns:
        square = torch.linalg.svd(x, full_matrices=True).Vh
        return x @ square[:, axes]
    return x @ Vh[axes].T


EXERCISE = Exercise(
    id="02.5",
    title="A map of feature space",
    points=2,
    minutes=10,
    hints=(
        "Principal components: subtract the mean vector, then find the two directions of the widest spread.",
        "U, S, Vh = torch.linalg.svd(centred, full_matrices=False): the rows of Vh are the directions, widest first.",
        "A point's place on the map is its dot product with each of the two: centred @ Vh[:2].T",
    ),
    cases=_cloud_cases,
    answer=_answer_map,
    judge=_judge_map,
    mistakes=(
        Mistake(
            "not centred",
            "you did not subtract the mean vector. The first direction then points at the whole cloud, and "
            "not along it.",
            lambda v: _map(v, centred=False),
        ),
        Mistake(
            "narrowest directions",
            "you took the directions of the least spread. svd lists the widest first, eigh lists them last.",
            lambda v: _map(v, axes=slice(-2, None)),
        ),
        Mistake(
            "columns of Vh",
            "torch.linalg.svd returns V already transposed: the directions are the rows of Vh, Vh[:2], "
            "not its columns.",
            lambda v: _map(v, columns=True),
        ),
        Mistake(
            "both axes alike",
            "U alone has the same spread along each axis. Multiply by S, or project: centred @ Vh[:2].T.",
            lambda v: _map(v, unit=True),
        ),
    ),
)
