"""05.5 How alike two maps are, by the order of their values."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape


def _map_pairs(generator: torch.Generator) -> Cases:
    first, second = (torch.randn(7, 9, generator=generator) for _ in range(2))
    mixed = first + second
    sparse = torch.randn(8, 12, generator=generator).clamp(min=0)
    levels = (2 * sparse + torch.randn(8, 12, generator=generator)).round()
    return {
        "alike, in part": SimpleNamespace(first=first, second=mixed),
        "the same order on another scale": SimpleNamespace(first=first, second=first.mul(2).exp()),
        "in reverse": SimpleNamespace(first=second, second=-second.pow(3)),
        "zero at every other pixel, and whole numbers": SimpleNamespace(first=sparse, second=levels),
        "faint, as gradients are": SimpleNamespace(first=1e-9 * second, second=1e-9 * mixed),
    }


def _count_ranks(values: Tensor) -> Tensor:
    """Ranks by counting, each value against each: how many are smaller, and half of those that are equal."""
    mine, theirs = values.flatten()[:, None], values.flatten()
    return (mine > theirs).sum(dim=1) + ((mine == theirs).sum(dim=1) + 1).double() / 2


def _pearson(first: Tensor, second: Tensor) -> Tensor:
    return torch.corrcoef(torch.stack([first.flatten().double(), second.flatten().double()]))[0, 1]


def _judge_correlation(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    correlation = answer["correlation"]
    expect_shape("correlation", correlation, ())
    expect_between("correlation", correlation, -1, 1, why="a correlation cannot leave -1..1", slack=1e-4)
    expected = _pearson(_count_ranks(case.first), _count_ranks(case.second))
    expect_close(
        "correlation", correlation, expected, why="the correlation of the ranks, equal values sharing one"
    )


def _order(values: Tensor) -> Tensor:
    return values.flatten().argsort(stable=True)


def _count_smaller(values: Tensor) -> Tensor:
    return (values.flatten()[:, None] > values.flatten()).sum(dim=1)


def _shortcut(first: Tensor, second: Tensor) -> Tensor:
    n = first.numel()
    apart = (_count_ranks(first) - _count_ranks(second)).square().sum()
    return 1 - 6 * apart / (n * (n**2 - 1))


EXERCISE = Exercise(
    id="05.5",
    title="Rank correlation of two maps",
    points=2,
    minutes=12,
    hints=(
        "Three steps: flatten both maps, put ranks in place of values, take the ordinary correlation of the ranks.",
        "A rank by counting: values[:, None] > values is (n, n), and its sum over dim=1 says how many are smaller.",
        "Equal values share the mean of their ranks: smaller + (1 + equal) / 2, where equal is "
        "(values[:, None] == values).sum(dim=1).",
        "torch.corrcoef(torch.stack([ranks_of_first, ranks_of_second]))[0, 1]",
    ),
    cases=_map_pairs,
    answer=lambda f, case: {"correlation": f(case.first, case.second)},
    judge=_judge_correlation,
    mistakes=(
        Mistake(
            "order, not ranks",
            "argsort says which value comes first, second, third: places, not ranks. "
            "argsort of argsort would be ranks; equal values then still need to share theirs.",
            lambda a, b: _pearson(_order(a), _order(b)),
        ),
        Mistake(
            "values, not ranks",
            "you correlate the values themselves (Pearson), so a few bright pixels decide. "
            "Put ranks in their place first.",
            _pearson,
        ),
        Mistake(
            "equal values ranked apart",
            "equal values got different ranks, in the order in which they stand. In a map that is half zero this "
            "invents an order among the zeros: let equal values share the mean of their ranks.",
            lambda a, b: _pearson(_order(_order(a)), _order(_order(b))),
        ),
        Mistake(
            "the first map ranked only",
            "you put ranks in place of the first map's values, but not of the second's. Rank both.",
            lambda a, b: _pearson(_count_ranks(a), b),
        ),
        Mistake(
            "the second map ranked only",
            "you put ranks in place of the second map's values, but not of the first's. Rank both.",
            lambda a, b: _pearson(a, _count_ranks(b)),
        ),
        Mistake(
            "equal values take the lowest rank",
            "equal values all get the lowest of their ranks, since you count only what is smaller. They share the "
            "mean: add half of how many are equal.",
            lambda a, b: _pearson(_count_smaller(a), _count_smaller(b)),
        ),
        Mistake(
            "equal values take the highest rank",
            "equal values all get the highest of their ranks, since all that are equal are counted in full. They "
            "share the mean: add half of how many are equal.",
            lambda a, b: _pearson(_count_smaller(-a), _count_smaller(-b)),
        ),
        Mistake(
            "equal values leave no gap",
            "you number the different values 1, 2, 3, … and so leave no gap after equal ones. "
            "Five values 3, 0, 0, 5, 0 have the ranks 4, 2, 2, 5, 2.",
            lambda a, b: _pearson(a.unique(return_inverse=True)[1], b.unique(return_inverse=True)[1]),
        ),
        Mistake(
            "ranked row by row",
            "you ranked each row by itself. Flatten the maps first: a rank counts among all pixels.",
            lambda a, b: _pearson(a.argsort(dim=1).argsort(dim=1), b.argsort(dim=1).argsort(dim=1)),
        ),
        Mistake(
            "the whole matrix",
            "you return corrcoef's matrix, 2 × 2. The correlation of the two is beside its diagonal: [0, 1].",
            lambda a, b: torch.corrcoef(torch.stack([_count_ranks(a), _count_ranks(b)])),
        ),
        Mistake(
            "a rank with itself",
            "you return how a map correlates with itself, which is 1 always. "
            "In corrcoef's matrix that is the diagonal; take [0, 1].",
            lambda a, b: _pearson(_count_ranks(a), _count_ranks(a)),
        ),
        Mistake(
            "covariance",
            "this is the covariance of the ranks. Divide it by both standard deviations, or take torch.corrcoef.",
            lambda a, b: torch.cov(torch.stack([_count_ranks(a), _count_ranks(b)]))[0, 1],
        ),
        Mistake(
            "mean not taken off",
            "you multiply the ranks without subtracting their mean, as a cosine does. A correlation subtracts it.",
            lambda a, b: torch.cosine_similarity(_count_ranks(a), _count_ranks(b), dim=0),
        ),
        Mistake(
            "sign of the correlation lost",
            "maps in reverse order correlate with -1, and you give 1. Leave out the abs() or the square.",
            lambda a, b: _pearson(_count_ranks(a), _count_ranks(b)).abs(),
        ),
        Mistake(
            "signs dropped",
            "you took absolute values first, so strongly negative and strongly positive rank alike. "
            "Rank the values as they come; whether a map has signs is the caller's business.",
            lambda a, b: _pearson(_count_ranks(a.abs()), _count_ranks(b.abs())),
        ),
        Mistake(
            "the formula without ties",
            "1 - 6 Σd² / (n(n² - 1)) holds only where no two values are equal. "
            "The correlation of the ranks holds always.",
            _shortcut,
        ),
    ),
)
