"""02.3 The k nearest of each row of a table of distances, the image itself left out."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape, expect_whole


def _table_cases(generator: torch.Generator) -> Cases:
    def table(N: int) -> Tensor:
        points = torch.rand(N, 3, generator=generator)
        return torch.cdist(points, points)

    copies = table(9)
    twins = torch.randperm(9, generator=generator)[:2]
    copies[twins[0]] = copies[twins[1]] = copies[twins].mean(dim=0)
    copies = copies.minimum(copies.T)
    copies.fill_diagonal_(0.0)
    for a, b in (twins, twins.flip(0)):  # rounding: a copy comes out nearer than the photo itself
        copies[a, a], copies[a, b] = 0.03, 0.01
    lopsided = table(6) + torch.rand(6, 6, generator=generator).fill_diagonal_(0)
    return {
        "12 photos, 3 neighbours": SimpleNamespace(distances=table(12), k=3),
        "two copies of one photo, rounded": SimpleNamespace(distances=copies, k=2),
        "all others, and distances that differ there and back": SimpleNamespace(distances=lopsided, k=5),
    }


def _judge_neighbors(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    neighbors, N = answer["neighbors"], len(case.distances)
    expect_shape("neighbors", neighbors, (N, case.k))
    expect_whole("neighbors", neighbors)
    expect_between("neighbors", neighbors, 0, N - 1, why="a neighbour is a row of the table")
    if itself := int((neighbors == torch.arange(N)[:, None]).any(dim=1).sum()):
        raise CheckFailed(f"neighbors: {itself} of {N} images have themselves as a neighbour, expected none")
    expected = [sorted(row[:i] + row[i + 1 :])[: case.k] for i, row in enumerate(case.distances.tolist())]
    got = case.distances.gather(1, neighbors.long())
    expect_close(
        "distances of your neighbors", got, torch.tensor(expected), why="the k smallest, nearest first"
    )


def _apart(distances: Tensor) -> Tensor:
    return distances + torch.diag(torch.full((len(distances),), torch.inf))


def _writes(distances: Tensor, k: int) -> Tensor:
    distances.fill_diagonal_(torch.inf)
    return distances.topk(k, largest=False).indices


EXERCISE = Exercise(
    id="02.3",
    title="The k nearest, without the image itself",
    points=2,
    minutes=8,
    core=True,
    hints=(
        "The nearest to an image is the image itself. Make those entries, the diagonal, infinitely far.",
        "distances.clone().fill_diagonal_(float('inf')) leaves the table that you were given as it is.",
        "torch.topk gives the largest unless told otherwise; it returns values and indices.",
        "return distances.clone().fill_diagonal_(float('inf')).topk(k, largest=False).indices",
    ),
    cases=_table_cases,
    answer=lambda f, case: {"neighbors": f(case.distances, case.k)},
    judge=_judge_neighbors,
    mistakes=(
        Mistake(
            "itself among them",
            "every image's nearest neighbour is itself, at distance 0: that says nothing. Make the diagonal "
            "infinite first.",
            lambda d, k: d.topk(k, largest=False).indices,
        ),
        Mistake(
            "rows cut out in place of columns",
            "[1 : k + 1] cuts rows out of the table, and each image has a row: columns are [:, …]. And the first need "
            "not be the image itself, so take it out by its place, the diagonal.",
            lambda d, k: d.argsort(dim=1)[1 : k + 1],
        ),
        Mistake(
            "first one dropped",
            "you take k + 1 and drop the first. But the first need not be the image itself: with a copy in "
            "the gallery, or a little rounding, the copy comes first. Take the image out by its place, the diagonal.",
            lambda d, k: d.topk(k + 1, largest=False).indices[:, 1:],
        ),
        Mistake(
            "farthest",
            "these are the farthest, since topk takes the largest unless told otherwise: largest=False.",
            lambda d, k: (d - torch.diag(torch.full((len(d),), torch.inf))).topk(k).indices,
        ),
        Mistake(
            "farthest, and itself among them",
            "the diagonal is infinite, and topk takes the largest unless told otherwise, so each image itself comes "
            "first: largest=False.",
            lambda d, k: _apart(d).topk(k).indices,
        ),
        Mistake(
            "topk's two results",
            "topk returns values and indices together. Take .indices.",
            lambda d, k: _apart(d).topk(k, largest=False),
        ),
        Mistake(
            "one too many",
            "you return k + 1 neighbours. That is needed only to drop the image itself; here it is out already.",
            lambda d, k: _apart(d).topk(min(k + 1, len(d)), largest=False).indices,
        ),
        Mistake(
            "by distance 0",
            "you take out what is at distance 0. A copy may be at 0 as well, and rounding may leave 0.03 to the image "
            "itself: take it out by its place, the diagonal.",
            lambda d, k: d.where(d > 0, torch.inf).topk(k, largest=False).indices,
        ),
        Mistake(
            "diagonal not far enough",
            "you made the diagonal a number such as 1, which may still be among the k smallest. Make it infinite.",
            lambda d, k: d.clone().fill_diagonal_(1.0).topk(k, largest=False).indices,
        ),
        Mistake(
            "numbers after cutting out",
            "you cut the image out of its row, so everything behind it counts one too low. Leave the row whole and "
            "make that entry infinite.",
            lambda d, k: torch.stack(
                [torch.cat([row[:i], row[i + 1 :]]).topk(k, largest=False).indices for i, row in enumerate(d)]
            ),
        ),
        Mistake(
            "farthest of the k first",
            "these are the k nearest, with the farthest of them first. Nearest first.",
            lambda d, k: _apart(d).topk(k, largest=False).indices.flip(1),
        ),
        Mistake(
            "columns, turned",
            "you sorted down the columns and transposed. The distances of image i stand in row i: dim=1.",
            lambda d, k: _apart(d).argsort(dim=0)[:k].T,
        ),
        Mistake(
            "3 neighbours, always",
            "you take 3. How many is `k`.",
            lambda d, k: _apart(d).topk(3, largest=False).indices,
        ),
        Mistake(
            "distances in place of rows",
            "you return the distances themselves. The neighbours are the places where they stand: .indices of "
            "topk or sort.",
            lambda d, k: _apart(d).topk(k, largest=False).values,
        ),
        Mistake(
            "down the columns",
            "you sorted down the columns and got (k, N). The neighbours of image i stand in row i: dim=1.",
            lambda d, k: _apart(d).argsort(dim=0)[:k],
        ),
        Mistake(
            "written into the table",
            "you write into the caller's table: distances[i, i] = … and fill_diagonal_ do. Work on distances.clone().",
            _writes,
        ),
    ),
)
