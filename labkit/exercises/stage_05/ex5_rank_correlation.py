"""05.5 How alike two maps are, by the order of their values."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape


def _map_pairs(generator: torch.Generator) -> Cases:
    first, second = (torch.randn(7, 9, generator=generator) for _ in range(2))
    mixed = first + second
    sparse, other = (torch.randn(8, 8, generator=generator).clamp(min=0) for _ in range(2))
    return {
        "alike, in part": SimpleNamespace(first=first, second=mixed),
        "the same order on another scale": SimpleNamespace(first=first, second=first.mul(2).exp()),
        "in reverse": SimpleNamespace(first=second, second=-second.pow(3)),
        "zero at every other pixel": SimpleNamespace(first=sparse, second=sparse + other),
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
        "Equal values share the mean of their ranks: add half of (values[:, None] == values).sum(dim=1).",
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
