"""02.5 Feature space laid flat along its two principal axes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.checks.values import as_tensor


def _cloud_cases(generator: torch.Generator) -> Cases:
    def cloud(N: int, D: int) -> Tensor:
        axes: Tensor = torch.linalg.qr(torch.randn(D, D, generator=generator)).Q
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
    S, U = torch.linalg.eigh(centred @ centred.T)  # by the points' dot products: no singular vector is used
    expected = (U[:, -2:] * S[-2:].sqrt()).flip(1)
    expected = expected * expected.gather(0, expected.abs().argmax(dim=0, keepdim=True)).sign()
    expect_close(
        "map",
        points,
        expected,
        why="the mean subtracted, then along the two widest directions, widest first",
        atol=5e-3,
        rtol=1e-3,
    )


def _map(
    *,
    mean: Callable[[Tensor], Tensor | float] = lambda vectors: vectors.mean(dim=0),
    directions: Callable[[Tensor], Tensor] = lambda x: torch.linalg.svd(x).Vh[:2].T,
    projected: Callable[[Tensor, Tensor], Tensor] = lambda vectors, x: x,
) -> Callable[[Tensor], Tensor]:
    """A wrong answer: the right steps with one exchanged. directions: (N, D) -> (D, 2)"""

    def wrong(vectors: Tensor) -> Tensor:
        x = vectors - mean(vectors)
        return projected(vectors, x) @ directions(x)

    return wrong


def _centred(vectors: Tensor) -> Tensor:
    return vectors - vectors.mean(dim=0)


def _both_axes_alike(vectors: Tensor) -> Tensor:
    places: Tensor = torch.linalg.svd(_centred(vectors), full_matrices=False).U
    return places[:, :2]


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
            _map(mean=lambda vectors: 0),
        ),
        Mistake(
            "narrowest directions",
            "you took the directions of the least spread. svd lists the widest first, eigh lists them last.",
            _map(directions=lambda x: torch.linalg.svd(x, full_matrices=False).Vh[-2:].T),
        ),
        Mistake(
            "columns of Vh",
            "torch.linalg.svd returns V already transposed: the directions are the rows of Vh, Vh[:2], "
            "not its columns.",
            _map(directions=lambda x: torch.linalg.svd(x).Vh[:, :2]),
        ),
        Mistake(
            "both axes alike",
            "U alone has the same spread along each axis. Multiply by S, or project: centred @ Vh[:2].T.",
            _both_axes_alike,
        ),
        Mistake(
            "each vector's own mean",
            "you subtract each vector's own mean, dim=1. Subtract the mean vector, over all vectors: dim=0.",
            _map(mean=lambda vectors: vectors.mean(dim=1, keepdim=True)),
        ),
        Mistake(
            "one mean for all",
            "you subtract one number, vectors.mean(). Subtract the mean vector: mean(dim=0).",
            _map(mean=torch.mean),
        ),
        Mistake(
            "mean left in the product",
            "you found the directions with the mean subtracted, but project the vectors with it, so the middle of the "
            "map is not (0, 0): centred @ Vh[:2].T.",
            _map(projected=lambda vectors, x: vectors),
        ),
        Mistake(
            "directions of the uncentred vectors",
            "you decompose the vectors with their mean. Subtract it before svd, not only when you project.",
            lambda vectors: _centred(vectors) @ torch.linalg.svd(vectors).Vh[:2].T,
        ),
        Mistake(
            "axes exchanged",
            "the two directions are right, but the widest stands second. eigh lists the widest last: turn them round.",
            _map(directions=lambda x: torch.linalg.svd(x).Vh[:2].flip(0).T),
        ),
        Mistake(
            "eigh's first two",
            "eigh lists the directions of the least spread first. Take the last two columns, the last one first.",
            _map(directions=lambda x: torch.linalg.eigh(x.T @ x).eigenvectors[:, :2]),
        ),
        Mistake(
            "second and third",
            "you left out the widest direction. Counting begins at 0: Vh[:2].",
            _map(directions=lambda x: torch.linalg.svd(x).Vh[1:3].T),
        ),
        Mistake(
            "two of the dimensions",
            "you kept the first two dimensions as they are. The widest directions go across all of them.",
            lambda vectors: _centred(vectors)[:, :2],
        ),
        Mistake(
            "directions in place of the map",
            "you return the two directions, (D, 2). A point's place is its dot product with them: centred @ Vh[:2].T.",
            lambda vectors: torch.linalg.svd(_centred(vectors)).Vh[:2].T,
        ),
        Mistake(
            "made equally wide",
            "you divide each axis by its spread. Leave it: how wide the cloud is along each axis says something.",
            lambda vectors: (points := _map()(vectors)) / points.std(dim=0),
        ),
        Mistake(
            "each dimension standardised",
            "you divided each dimension by its own spread before svd, which turns the widest directions elsewhere.",
            lambda vectors: _map()(vectors / vectors.std(dim=0)),
        ),
    ),
)
