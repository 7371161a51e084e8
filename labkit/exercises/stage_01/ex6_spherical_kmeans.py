"""01.6 One round of k-means on the sphere, as filters are learned here."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_finite, expect_shape
from labkit.methods import filters as reference


def _cluster_cases(generator: torch.Generator) -> Cases:
    patches = torch.randn(60, 12, generator=generator)
    away = torch.cat([torch.randn(40, 5, generator=generator), torch.zeros(40, 1)], dim=1)
    lonely = torch.cat([_unit(torch.randn(3, 6, generator=generator)), torch.eye(6)[5:]])
    lonely[:3, 5] = 0
    return {
        "random patches": SimpleNamespace(
            patches=patches, centroids=_unit(torch.randn(8, 12, generator=generator))
        ),
        "a centroid that no patch chooses": SimpleNamespace(patches=away, centroids=_unit(lonely)),
    }


def _judge_round(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    centroids = answer["centroids"]
    expect_shape("centroids", centroids, tuple(case.centroids.shape))
    expect_finite("centroids", centroids)
    expect_close(
        "centroids",
        centroids,
        reference.kmeans_round(case.patches, case.centroids),
        why="old centroid + sum of similarity × patch over the patches that it won, then unit length",
    )


def _signed(similarity: Tensor, chosen: Tensor) -> Tensor:
    return chosen * similarity


def _unit(rows: Tensor) -> Tensor:
    lengths: Tensor = rows.norm(dim=1, keepdim=True)
    return rows / lengths


def _round(
    *,
    winner: Callable[[Tensor], Tensor] = lambda similarity: similarity.abs().argmax(dim=1),
    weights: Callable[[Tensor, Tensor], Tensor] = _signed,
    damp: float = 1,
    length: Callable[[Tensor], Tensor] = _unit,
) -> Callable[[Tensor, Tensor], Tensor]:
    """A wrong answer: the right round with one part exchanged. weights: (similarity, chosen), both (n, K), -> (n, K)"""

    def wrong(patches: Tensor, centroids: Tensor) -> Tensor:
        similarity = patches @ centroids.T
        chosen = torch.eye(len(centroids))[winner(similarity)]  # (n, K), a one in each row
        return length(weights(similarity, chosen).T @ patches + damp * centroids)

    return wrong


def _last_patch_alone(patches: Tensor, centroids: Tensor) -> Tensor:
    similarity, sums = patches @ centroids.T, centroids.clone()
    for patch, row in zip(patches, similarity, strict=True):
        k = row.abs().argmax()
        sums[k] = centroids[k] + row[k] * patch
    return _unit(sums)


def _one_after_another(patches: Tensor, centroids: Tensor) -> Tensor:
    moving = centroids.clone()
    for patch in patches:
        k = (moving @ patch).abs().argmax()
        moving[k] = moving[k] + (moving[k] @ patch) * patch
    return _unit(moving)


def _one_patch_each(patches: Tensor, centroids: Tensor) -> Tensor:
    similarity = patches @ centroids.T
    best = similarity.abs().argmax(dim=0)  # (K,), a patch for each centroid
    return _unit(centroids + similarity.gather(0, best[None]).T * patches[best])


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
            _round(winner=lambda similarity: similarity.argmax(dim=1)),
        ),
        Mistake(
            "every patch counts alike",
            "you added the patches themselves. Weigh each by its similarity, which also turns opposite "
            "ones around; else an edge and its negative cancel.",
            _round(weights=lambda similarity, chosen: chosen),
        ),
        Mistake(
            "old centroid dropped",
            "you did not add the old centroid. One that no patch chose is then zero, and 0/0 is NaN.",
            _round(damp=0),
        ),
        Mistake(
            "length not one",
            "the centroids are not brought back to unit length, so the longest would win everything next time.",
            _round(length=lambda sums: sums),
        ),
        Mistake(
            "normalised down the columns",
            "you normalised along the wrong axis: a centroid is a row, so its length is norm(dim=1).",
            _round(length=lambda sums: sums / sums.norm(dim=0, keepdim=True)),
        ),
        Mistake(
            "weighed by the size alone",
            "you weigh by the absolute similarity. The sign belongs to it: it turns an opposite patch around, so that "
            "an edge and its negative add up.",
            _round(weights=lambda similarity, chosen: chosen * similarity.abs()),
        ),
        Mistake(
            "weighed by the sign alone",
            "you weigh by the sign. Weigh by the similarity itself, so that a patch that hardly fits hardly counts.",
            _round(weights=lambda similarity, chosen: chosen * similarity.sign()),
        ),
        Mistake(
            "similarity squared",
            "you weigh by the similarity twice. Once is enough.",
            _round(weights=lambda similarity, chosen: chosen * similarity.square()),
        ),
        Mistake(
            "mean in place of the sum",
            "you divide by the number of patches that a centroid won. The task asks for their sum, so that the old "
            "centroid counts as one among many.",
            _round(weights=lambda similarity, chosen: chosen * similarity / chosen.sum(dim=0).clamp(min=1)),
        ),
        Mistake(
            "every patch for every centroid",
            "each centroid has got all patches. Only those count that it won: chosen * similarity.",
            _round(weights=lambda similarity, chosen: similarity),
        ),
        Mistake(
            "last patch alone",
            "of all patches that a centroid won only the last counts, since each writes over the one before. In a "
            "loop, "
            "+= on a copy; `sums[winner] += …` adds one patch for each index.",
            _last_patch_alone,
        ),
        Mistake(
            "centroids move within the round",
            "you compare later patches with centroids that have moved already. All are compared with the old ones.",
            _one_after_another,
        ),
        Mistake(
            "one patch for each centroid",
            "you chose a patch for each centroid. Each patch has a winner: the largest along its row, dim=1.",
            _one_patch_each,
        ),
        Mistake(
            "smallest wins",
            "you let the smallest similarity win: argmax, not argmin.",
            _round(winner=lambda similarity: similarity.abs().argmin(dim=1)),
        ),
        Mistake(
            "one length for all",
            "you divided by one length, that of all centroids together. Each row has its own: norm(dim=1, "
            "keepdim=True).",
            _round(length=lambda sums: sums / sums.norm()),
        ),
        Mistake(
            "unit length before the old centroid is added",
            "you divided by the length and added the old centroid afterwards. Add first, then divide.",
            lambda patches, centroids: (
                centroids + _round(damp=0, length=torch.nn.functional.normalize)(patches, centroids)
            ),
        ),
        Mistake(
            "winners returned",
            "you return which centroid won each patch. Go on: sum up each centroid's patches.",
            lambda patches, centroids: (patches @ centroids.T).abs().argmax(dim=1),
        ),
    ),
)
