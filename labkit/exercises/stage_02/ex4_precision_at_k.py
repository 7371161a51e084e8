"""02.4 How many of the k nearest share the query's label."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape


def _labelled_cases(generator: torch.Generator) -> Cases:
    def case(of: list[int], k: int) -> SimpleNamespace:
        ids = torch.tensor(of)[torch.randperm(len(of), generator=generator)]
        distances = torch.rand(len(ids), len(ids), generator=generator).fill_diagonal_(torch.inf)
        neighbors = distances.argsort(dim=1)[:, :k].contiguous()
        same = (ids[:, None] == ids).long().fill_diagonal_(0).argmax(dim=1)  # another image of the same photo
        neighbors[::2, 0] = same[::2]
        return SimpleNamespace(neighbors=neighbors, ids=ids)

    return {
        "photos 0, 1, 2 with 4 views each": case([0] * 4 + [1] * 4 + [2] * 4, 5),
        "ImageNet labels, classes of unequal size": case([217] * 2 + [482] * 7 + [701] * 3, 4),
        "one neighbour": case([3] * 3 + [8] * 3, 1),
    }


def _judge_precision(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    precision, ids = answer["precision"], case.ids.tolist()
    expect_shape("precision", precision, (len(ids),))
    expect_between("precision", precision, 0, 1, why="it is a share")
    counted = [sum(ids[j] == ids[i] for j in row) / len(row) for i, row in enumerate(case.neighbors.tolist())]
    expect_close(
        "precision",
        precision,
        torch.tensor(counted),
        why="of each image's k neighbours, the share with the image's own id",
    )


def _same(neighbors: Tensor, ids: Tensor) -> Tensor:
    return (ids[neighbors] == ids[:, None]).float()  # (N, k)


EXERCISE = Exercise(
    id="02.4",
    title="Precision at k",
    points=1,
    minutes=6,
    hints=(
        "ids[neighbors] looks up what each neighbour shows: it is (N, k), like neighbors.",
        "Compare it with ids[:, None], (N, 1), which broadcasts along each row.",
        "(ids[neighbors] == ids[:, None]).float().mean(dim=1)",
    ),
    cases=_labelled_cases,
    answer=lambda f, case: {"precision": f(case.neighbors, case.ids)},
    judge=_judge_precision,
    mistakes=(
        Mistake(
            "rows taken for ids",
            "you compare the neighbours' row numbers with ids. Look up first what stands in those rows: "
            "ids[neighbors].",
            lambda n, ids: (n == ids[:, None]).float().mean(dim=1),
        ),
        Mistake(
            "one hit is enough",
            "you count an image as right if any neighbour is. Precision is the share of the k that are right.",
            lambda n, ids: _same(n, ids).amax(dim=1),
        ),
        Mistake(
            "recall",
            "you divide by how many right ones there are to be found: that is recall. Precision divides by k.",
            lambda n, ids: _same(n, ids).sum(dim=1) / ((ids[:, None] == ids).sum(dim=1) - 1),
        ),
        Mistake(
            "counts",
            "you return how many neighbours are right. Divide by k: a share, in 0..1.",
            lambda n, ids: _same(n, ids).sum(dim=1),
        ),
        Mistake(
            "one number for all",
            "you averaged over all images. Give each its own share here, mean(dim=1); the average comes later.",
            lambda n, ids: _same(n, ids).mean(),
        ),
        Mistake(
            "along the images",
            "you averaged over the images, dim=0, and got a number for each rank. A number for each image: dim=1.",
            lambda n, ids: _same(n, ids).mean(dim=0),
        ),
        Mistake(
            "nearest alone",
            "you look at the nearest neighbour alone. Count all k of them.",
            lambda n, ids: _same(n, ids)[:, 0],
        ),
        Mistake(
            "all or nothing",
            "only an image whose neighbours are all right gets anything: by // in place of /, or by all(). "
            "Precision is the share of the k that are right.",
            lambda n, ids: _same(n, ids).amin(dim=1),
        ),
        Mistake(
            "the wrong ones",
            "you return the share of neighbours that show something else. Count those with the image's own id.",
            lambda n, ids: 1 - _same(n, ids).mean(dim=1),
        ),
        Mistake(
            "ids against rows",
            "you compare the neighbours' ids with the image's row number. Compare with the image's id: ids[:, None].",
            lambda n, ids: (ids[n] == torch.arange(len(ids))[:, None]).float().mean(dim=1),
        ),
        Mistake(
            "divided by the size of the class",
            "you divide by how many images show the same, itself among them. Precision divides by k.",
            lambda n, ids: _same(n, ids).sum(dim=1) / (ids[:, None] == ids).sum(dim=1),
        ),
        Mistake(
            "divided by N",
            "you divide by the number of images. Precision divides by k, how many neighbours each has.",
            lambda n, ids: _same(n, ids).sum(dim=1) / len(ids),
        ),
        Mistake(
            "more than half",
            "you say whether more than half of the neighbours are right. Return the share itself.",
            lambda n, ids: (_same(n, ids).mean(dim=1) > 0.5).float(),
        ),
        Mistake(
            "not averaged",
            "you return for each neighbour whether it is right. Average over the k: mean(dim=1).",
            lambda n, ids: ids[n] == ids[:, None],
        ),
    ),
)
