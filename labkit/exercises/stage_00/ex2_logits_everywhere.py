"""00.2 Pooling with a sliding window turns a classifier's one answer into one at every position."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_close
from labkit.exercises.stage_00.windows import cut, one_by_one


def _pooled_cases(generator: torch.Generator) -> Cases:
    def case(N: int, C: int, map_size: tuple[int, int], window: int, K: int = 4) -> SimpleNamespace:
        return SimpleNamespace(
            maps=torch.randn(N, C, *map_size, generator=generator) + 0.5,
            weight=torch.randn(K, C, generator=generator) / C**0.5,
            bias=torch.randn(K, generator=generator),
            window=window,
        )

    return {
        "a map of the trained size": case(2, 6, (7, 7), 7, K=5),
        "a larger map": case(1, 5, (9, 12), 7),
        "a smaller window": case(2, 3, (5, 8), 3),
    }


def _judge_pooled(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    windows = cut(case.maps, (case.window, case.window))
    expected = one_by_one(
        [[window.mean(dim=(2, 3)) @ case.weight.T + case.bias for window in row] for row in windows]
    )
    expect_close(
        "logits",
        answer["logits"],
        expected,
        why="at each position: the window cut out, its mean taken, given to the linear layer",
    )


def _pooled(pool: Callable[[Tensor, int], Tensor]) -> Callable[..., Tensor]:
    """A wrong answer made of a wrong pooling: (maps, window) -> maps."""

    def wrong(maps: Tensor, weight: Tensor, bias: Tensor, window: int) -> Tensor:
        return F.conv2d(pool(maps, window), weight[:, :, None, None], bias)

    return wrong


def _pooled_as_asked(maps: Tensor, weight: Tensor, bias: Tensor, window: int) -> Tensor:
    means = F.avg_pool2d(maps, window, stride=1)
    return F.conv2d(means, weight[:, :, None, None], bias)


EXERCISE = Exercise(
    id="00.2",
    title="Logits at every position",
    points=2,
    minutes=10,
    hints=(
        "Two steps: the mean of every window, then the linear layer at every position.",
        "F.avg_pool2d gives the means, but its stride is the window's size unless you say stride=1.",
        "At one position there is nothing but C numbers: the kernel is 1 × 1, weight[:, :, None, None].",
        "F.conv2d(F.avg_pool2d(maps, window, stride=1), weight[:, :, None, None], bias)",
    ),
    cases=_pooled_cases,
    answer=lambda f, case: {"logits": f(case.maps, case.weight, case.bias, case.window)},
    judge=_judge_pooled,
    alone=each("maps"),
    mistakes=(
        Mistake(
            "windows side by side",
            "your windows lie side by side: F.avg_pool2d steps by the window's size unless you say stride=1.",
            _pooled(lambda maps, window: F.avg_pool2d(maps, window)),
        ),
        Mistake(
            "one mean for the whole map",
            "you took one mean over the whole map, as the network did, so a larger photo still gives one answer. "
            "Take the mean of each window.",
            _pooled(lambda maps, window: maps.mean(dim=(2, 3), keepdim=True)),
        ),
        Mistake(
            "padded",
            "you padded, so windows hang over the border and zeros pull their means down. No padding: "
            "only windows that lie wholly inside.",
            _pooled(lambda maps, window: F.avg_pool2d(maps, window, stride=1, padding=window // 2)),
        ),
        Mistake(
            "the largest in place of the mean",
            "you took the largest value of each window. The network was trained with the mean.",
            _pooled(lambda maps, window: F.max_pool2d(maps, window, stride=1)),
        ),
        Mistake(
            "sum in place of the mean",
            "you summed up each window. The network was trained with the mean: divide by window².",
            _pooled(lambda maps, window: F.avg_pool2d(maps, window, stride=1, divisor_override=1)),
        ),
        Mistake(
            "no window",
            "you gave each single cell to the linear layer, a window of 1. It answers for the mean over "
            "window × window cells.",
            _pooled(lambda maps, window: maps),
        ),
        Mistake(
            "divided by the side",
            "you divide each window's sum by `window`. A window holds window × window cells: that is their number.",
            _pooled(lambda maps, window: F.avg_pool2d(maps, window, stride=1) * window),
        ),
        Mistake(
            "padded, zeros not counted",
            "you padded, so windows hang over the border. No padding: only windows that lie wholly inside, and the map "
            "of logits is smaller than the map.",
            _pooled(lambda maps, window: F.avg_pool2d(maps, window, 1, window // 2, count_include_pad=False)),
        ),
        Mistake(
            "bias forgotten",
            "the bias is missing: one number for each category, the third argument of F.conv2d.",
            lambda maps, weight, bias, window: _pooled_as_asked(maps, weight, 0 * bias, window),
        ),
        Mistake(
            "softmax",
            "you return probabilities. The task asks for the logits, before softmax.",
            lambda *case: _pooled_as_asked(*case).softmax(dim=1),
        ),
        Mistake(
            "categories last",
            "your categories are the last dimension. Logits are (N, K, rows, columns), the categories where the "
            "channels were: permute(0, 3, 1, 2) brings them back.",
            lambda *case: _pooled_as_asked(*case).permute(0, 2, 3, 1),
        ),
        Mistake(
            "a window of 7, always",
            "your window has 7 cells on a side. Take the size from `window`.",
            lambda maps, weight, bias, window: _pooled_as_asked(maps, weight, bias, 7),
        ),
    ),
)
