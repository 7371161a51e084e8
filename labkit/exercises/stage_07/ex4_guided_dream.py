"""07.4 A dream that looks for what a second photo has."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_shape


def _guide_cases(generator: torch.Generator) -> Cases:
    def case(channels: int, size: tuple[int, int], guide_size: tuple[int, int]) -> SimpleNamespace:
        maps, guide = (torch.randn(channels, *s, generator=generator) for s in (size, guide_size))
        return SimpleNamespace(maps=maps.requires_grad_(), guide=guide)

    return {
        "a smaller guide": case(6, (4, 5), (3, 2)),
        "a larger guide": case(5, (2, 3), (4, 4)),
        "a guide of one position": case(4, (3, 4), (1, 1)),
    }


def _answer_guide(function: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
    score = function(case.maps, case.guide)
    follows = isinstance(score, Tensor) and score.requires_grad
    gradient = torch.autograd.grad(score.sum(), case.maps)[0] if follows else torch.zeros_like(case.maps)
    return {"score": score, "gradient": gradient}


def _judge_guide(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_shape("score", answer["score"], ())
    score, maps, gradient = 0.0, case.maps.detach(), torch.zeros_like(case.maps)
    wanted = [case.guide[:, i, j] for i in range(case.guide.shape[1]) for j in range(case.guide.shape[2])]
    for row in range(case.maps.shape[1]):
        for column in range(case.maps.shape[2]):
            products = [float(maps[:, row, column] @ features) for features in wanted]
            score += max(products)
            gradient[:, row, column] = wanted[products.index(max(products))]
    expect_close(
        "score",
        answer["score"],
        torch.tensor(score),
        why="for each position of the photo the largest dot product with any of the guide's, all summed",
    )
    expect_close(
        "gradient",
        answer["gradient"],
        gradient,
        why="each position is pulled towards the guide's features that suit it best",
    )


def _products(maps: Tensor, guide: Tensor) -> Tensor:
    return maps.flatten(1).T @ guide.flatten(1)  # (photo's positions, guide's positions)


def _nearest_by_distance(maps: Tensor, guide: Tensor) -> Tensor:
    x, y = maps.flatten(1).T, guide.flatten(1).T
    return (x * y[torch.cdist(x, y).argmin(dim=1)]).sum()


def _reshaped(maps: Tensor, guide: Tensor) -> Tensor:
    C = len(maps)
    return (maps.reshape(-1, C) @ guide.reshape(-1, C).T).amax(dim=1).sum()


EXERCISE = Exercise(
    id="07.4",
    title="A dream with a guide",
    points=2,
    minutes=12,
    hints=(
        "Flatten the positions: maps.flatten(1) is (C, n), guide.flatten(1) is (C, m).",
        "One matrix product gives all n × m dot products: maps.flatten(1).T @ guide.flatten(1).",
        "Each of the photo's positions takes its best partner: the largest along the guide's positions, dim=1.",
        "(maps.flatten(1).T @ guide.flatten(1)).amax(dim=1).sum()",
    ),
    cases=_guide_cases,
    answer=_answer_guide,
    judge=_judge_guide,
    mistakes=(
        Mistake(
            "the guide chooses",
            "you took the largest over the photo's positions: every position of the guide looks for a partner, "
            "and most of the photo gets none. Each of the photo's chooses: dim=1 of (n, m).",
            lambda maps, guide: _products(maps, guide).amax(dim=0).sum(),
        ),
        Mistake(
            "everything with everything",
            "you sum all products, so each position is pulled towards the guide's average, a mash of everything "
            "in it. Take the best partner, the maximum.",
            lambda maps, guide: _products(maps, guide).sum(),
        ),
        Mistake(
            "cosine",
            "you normalised the features first. The plain dot product also asks for loud features, and its "
            "gradient is the guide's features themselves.",
            lambda maps, guide: (
                _products(F.normalize(maps, dim=0), F.normalize(guide, dim=0)).amax(dim=1).sum()
            ),
        ),
        Mistake(
            "nearest by distance",
            "you chose the partner by distance; the one with the largest dot product is asked for, "
            "which may be farther away, and louder.",
            _nearest_by_distance,
        ),
        Mistake(
            "channels and positions mixed",
            "reshape(-1, C) does not move the channels to the end: it cuts the numbers, as they lie in memory, into "
            "rows of C. Use flatten(1), and .T where you need it.",
            _reshaped,
        ),
        Mistake(
            "the mean",
            "you average over the photo's positions. Sum them, so that each is pulled alike in a small map and a "
            "large one.",
            lambda maps, guide: _products(maps, guide).amax(dim=1).mean(),
        ),
        Mistake(
            "the smallest",
            "you took the smallest product, the partner that suits worst. Take the largest: amax(dim=1).",
            lambda maps, guide: _products(maps, guide).amin(dim=1).sum(),
        ),
        Mistake(
            "the largest size",
            "you took absolute values, so a partner that is quite the opposite counts as the best. "
            "Take the largest product with its sign.",
            lambda maps, guide: _products(maps, guide).abs().amax(dim=1).sum(),
        ),
        Mistake(
            "no way back",
            "the score is right, but no gradient leads from it to the photo's maps. Leave out .detach(), .item() and "
            "numpy.",
            lambda maps, guide: _products(maps, guide).amax(dim=1).sum().detach(),
        ),
        Mistake(
            "not summed",
            "you return one number per position. Sum them.",
            lambda maps, guide: _products(maps, guide).amax(dim=1),
        ),
        Mistake(
            "which partner",
            "you add up which partner is the best, and not how well it suits: amax in place of argmax.",
            lambda maps, guide: _products(maps, guide).argmax(dim=1).float().sum(),
        ),
        Mistake(
            "the guide normalised",
            "you normalised the guide's features. The plain dot product is asked for.",
            lambda maps, guide: _products(maps, F.normalize(guide, dim=0)).amax(dim=1).sum(),
        ),
        Mistake(
            "squares",
            "you square the products, so a partner that is quite the opposite counts as well. Take them as they are.",
            lambda maps, guide: _products(maps, guide).square().amax(dim=1).sum(),
        ),
        Mistake(
            "a soft choice",
            "you weigh the partners by softmax. Each position takes the best one alone: amax(dim=1).",
            lambda maps, guide: (_products(maps, guide).softmax(dim=1) * _products(maps, guide)).sum(),
        ),
        Mistake(
            "the guide's average",
            "you compare with the guide's average features. Each position takes its best partner: compare with all.",
            lambda maps, guide: _products(maps, guide).mean(dim=1).sum(),
        ),
        Mistake(
            "the photo with itself",
            "you multiply the photo's maps by themselves. The partners are the guide's positions.",
            lambda maps, guide: _products(maps, maps).amax(dim=1).sum(),
        ),
        Mistake(
            "one winner",
            "you kept the single best pair, so one position of the photo moves and all the others stand still. "
            "Sum the best of every position.",
            lambda maps, guide: _products(maps, guide).amax(),
        ),
    ),
)
