"""02.2 Every query's distance to every vector of the gallery, without a loop."""

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_finite, expect_shape


def _vector_cases(generator: torch.Generator) -> Cases:
    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    photos = images.photos(size=8).images.flatten(1)
    few = photos[torch.randperm(len(photos), generator=generator)[:7]]
    alike = 100 + normal(30, 48)
    return {
        "20 vectors against 60": SimpleNamespace(query=normal(20, 50), gallery=normal(60, 50)),
        "photos of 8 × 8 pixels": SimpleNamespace(query=few, gallery=photos),
        "one vector against 12": SimpleNamespace(query=normal(1, 9), gallery=normal(12, 9)),
        "long vectors against themselves": SimpleNamespace(query=alike, gallery=alike.clone()),
    }


class _Watch(TorchFunctionMode):
    """Counts the calls of torch, and how many numbers the largest tensor among their results holds."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.largest = 0, 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self.calls += 1
        if isinstance(result, Tensor):
            self.largest = max(self.largest, result.numel())
        return result


def _answer_distances(f: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
    with _Watch() as watch:
        found = f(case.query, case.gallery)
    return {"distances": found, "calls": watch.calls, "largest": watch.largest}


def _judge_distances(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    query, gallery, found = case.query.double(), case.gallery.double(), answer["distances"]
    (Q, D), N = query.shape, len(gallery)
    expect_shape("distances", found, (Q, N))
    expected = torch.stack([(gallery - q).norm(dim=1) for q in query])  # one difference at a time
    if bad := int(torch.isnan(found[expected < 1e-6]).sum()):
        raise CheckFailed(
            f"distances: {bad} equal pairs of vectors are NaN apart, expected 0", mistake="negative squares"
        )
    expect_finite("distances", found)
    longest = max(query.norm(dim=1).max().item(), gallery.norm(dim=1).max().item())
    slack = max(1e-4, 1.5e-3 * longest)  # what float32 leaves when two numbers of longest² cancel, rooted
    atol = slack if (expected < 1e-6).any() else 1e-4 * longest
    expect_close("distances", found, expected, why="the root of |q|² + |g|² - 2 q·g", atol=atol)
    if (calls := int(answer["calls"])) > 40:
        raise CheckFailed(
            f"distances: right, but {calls} calls of torch for one table; expected a few", mistake="loop"
        )
    if (largest := int(answer["largest"])) > 4 * max(Q * N, Q * D, N * D):
        raise CheckFailed(
            f"distances: right, but by way of a tensor of {largest:,} numbers, for a table of {Q * N:,}",
            mistake="all differences at once",
        )


def _table(
    query: Tensor, gallery: Tensor, *, twice: float = 2.0, low: float = 0.0, root: bool = True
) -> Tensor:
    squares = query.square().sum(1)[:, None] + gallery.square().sum(1) - twice * query @ gallery.T
    squares = squares.clamp(min=low)
    return squares.sqrt() if root else squares


EXERCISE = Exercise(
    id="02.2",
    title="All pairs of distances, without a loop",
    points=2,
    minutes=12,
    hints=(
        "|q - g|² = |q|² + |g|² - 2 q·g, and query @ gallery.T holds all the q·g at once.",
        "query.square().sum(dim=1, keepdim=True) is (Q, 1), gallery.square().sum(dim=1) is (N,): added, they "
        "broadcast to (Q, N).",
        "Rounding can leave a square a little below zero, and its root is NaN: squares.clamp(min=0).sqrt()",
    ),
    cases=_vector_cases,
    answer=_answer_distances,
    judge=_judge_distances,
    mistakes=(
        Mistake(
            "negative squares",
            "for two equal vectors the three terms should cancel to 0; rounding may leave -0.06, and its root "
            "is NaN. Clamp the squares at 0 before the root.",
            lambda q, g: _table(q, g, low=-torch.inf),
        ),
        Mistake(
            "root forgotten",
            "these are the squares of the distances: take the root.",
            lambda q, g: _table(q, g, root=False),
        ),
        Mistake(
            "product counted once",
            "(q - g)² = q² + g² - 2qg: you subtract the product once, not twice.",
            lambda q, g: _table(q, g, twice=1.0),
        ),
        Mistake(
            "product added",
            "(q - g)² = q² + g² - 2qg: you add the product. Subtract it.",
            lambda q, g: _table(q, g, twice=-2.0),
        ),
        Mistake(
            "one square missing",
            "|g|² is missing, a number for each vector of the gallery: gallery.square().sum(dim=1), as a row.",
            lambda q, g: (q.square().sum(1)[:, None] - 2 * q @ g.T).clamp(min=0).sqrt(),
        ),
        Mistake(
            "lengths not squared",
            "you add |q| and |g|, the lengths. The formula has their squares: square().sum(dim=1), without a root.",
            lambda q, g: (q.norm(dim=1)[:, None] + g.norm(dim=1) - 2 * q @ g.T).clamp(min=0).sqrt(),
        ),
        Mistake(
            "means in place of sums",
            "your |q|² and |g|² are means over the dimensions. They are sums.",
            lambda q, g: (q.square().mean(1)[:, None] + g.square().mean(1) - 2 * q @ g.T).clamp(min=0).sqrt(),
        ),
        Mistake(
            "dot products",
            "these are the dot products q · g, one part of three: |q|² + |g|² - 2 q·g, then the root.",
            lambda q, g: q @ g.T,
        ),
        Mistake(
            "cosine",
            "you compare directions, 1 - cosine. The task asks for the distance L2, in which lengths count.",
            lambda q, g: 1 - torch.nn.functional.normalize(q) @ torch.nn.functional.normalize(g).T,
        ),
        Mistake(
            "absolute differences",
            "you sum up absolute differences: that is the distance L1. L2 is the root of the sum of the squares.",
            lambda q, g: torch.cdist(q, g, p=1),
        ),
        Mistake(
            "gallery against query",
            "your table is (N, Q). A row belongs to a query, a column to a vector of the gallery: query @ gallery.T.",
            lambda q, g: _table(g, q),
        ),
        Mistake(
            "pair by pair",
            "you compare the first query with the first vector, the second with the second. Every query against every "
            "vector is wanted: (Q, N).",
            lambda q, g: (q[: len(g)] - g[: len(q)]).norm(dim=1),
        ),
        Mistake(
            "loop",
            "Python goes through the vectors one by one: thousands of photos against each other would take "
            "hours. One matrix product, query @ gallery.T, does them all.",
            lambda q, g: torch.stack([torch.stack([(a - b).norm() for b in g]) for a in q]),
        ),
        Mistake(
            "all differences at once",
            "query[:, None] - gallery holds Q × N × D numbers. For 180 photos of 224 × 224 pixels that is 20 "
            "gigabytes. With |q|² + |g|² - 2 q·g nothing is larger than the table.",
            lambda q, g: (q[:, None] - g).norm(dim=2),
        ),
    ),
)
