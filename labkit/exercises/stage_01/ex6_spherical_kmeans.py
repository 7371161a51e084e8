"""01.6 One round of k-means on the sphere, as filters are learned here."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.methods import filters as reference


def _cluster_cases(generator: torch.Generator) -> Cases:
    def unit(rows):
        return rows / rows.norm(dim=1, keepdim=True)

    patches = torch.randn(300, 12, generator=generator)
    away = torch.cat([torch.randn(40, 5, generator=generator), torch.zeros(40, 1)], dim=1)
    lonely = torch.cat([unit(torch.randn(3, 6, generator=generator)), torch.eye(6)[5:]])
    lonely[:3, 5] = 0
    return {
        "random patches": SimpleNamespace(
            patches=patches, centroids=unit(torch.randn(8, 12, generator=generator))
        ),
        "a centroid that no patch chooses": SimpleNamespace(patches=away, centroids=unit(lonely)),
    }


def _judge_round(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    centroids = answer["centroids"]
    expect_shape("centroids", centroids, tuple(case.centroids.shape))
    expect_finite("centroids", centroids)
    expect_close(
        "length of each centroid",
        centroids.norm(dim=1),
        torch.ones(len(centroids)),
        why="divide each by its length",
    )
    expect_close(
        "centroids",
        centroids,
        reference.kmeans_round(case.patches, case.centroids),
        why="old centroid + sum of similarity × patch over the patches that it won, then unit length",
    )


def _round(patches, centroids, *, absolute=True, weighted=True, damped=True, normalized=True, axis=1):
    similarity = patches @ centroids.T
    winner = (similarity.abs() if absolute else similarity).argmax(dim=1)
    chosen = torch.eye(len(centroids))[winner]  # (n, K), a one in each row
    sums = (chosen * similarity if weighted else chosen).T @ patches
    sums = sums + centroids if damped else sums
    return sums / sums.norm(dim=axis, keepdim=True) if normalized else sums


EXERCISE = Exercise(
    id="01.6",
    title="One round of spherical k-means",
    points=2,
    minutes=15,
    hints=(
        "similarity = patches @ centroids.T is (n, K): how parallel each patch is to each centroid.",
        "The winner is similarity.abs().argmax(dim=1): an edge and its negative belong together.",
        "Sum similarity × patch over a centroid's patches. With chosen (n, K), a single 1 in each row: "
        "(chosen * similarity).T @ patches",
        "sums = centroids + (chosen * similarity).T @ patches; return sums / sums.norm(dim=1, keepdim=True)",
    ),
    cases=_cluster_cases,
    answer=lambda f, case: {"centroids": f(case.patches, case.centroids)},
    judge=_judge_round,
    mistakes=(
        Mistake(
            "opposites parted",
            "you let the largest similarity win, not the largest in size. A dark-to-light edge and its "
            "negative are one direction: use abs().",
            lambda p, c: _round(p, c, absolute=False),
        ),
        Mistake(
            "every patch counts alike",
            "you added the patches themselves. Weigh each by its similarity, which also turns opposite "
            "ones around; else an edge and its negative cancel.",
            lambda p, c: _round(p, c, weighted=False),
        ),
        Mistake(
            "old centroid dropped",
            "you did not add the old centroid. One that no patch chose is then zero, and 0/0 is NaN.",
            lambda p, c: _round(p, c, damped=False),
        ),
        Mistake(
            "length not one",
            "the centroids are not brought back to unit length, so the longest would win everything next time.",
            lambda p, c: _round(p, c, normalized=False),
        ),
        Mistake(
            "normalised down the columns",
            "you normalised along the wrong axis: a centroid is a row, so its length is norm(dim=1).",
            lambda p, c: _round(p, c, axis=0),
        ),
    ),
)
