"""03.5 How well each channel tells two kinds of photo apart."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape


def _selective_cases(generator: torch.Generator) -> Cases:
    def case(N, C, wanted, *, off=0.0, square=True):
        loudness = torch.rand(C, 1, 1, generator=generator) * 5 + 0.2
        maps = ((torch.randn(N, C, 4, 4 if square else 5, generator=generator) - off) * loudness).clamp(min=0)
        order = torch.randperm(N, generator=generator)
        return SimpleNamespace(maps=maps, wanted=order < wanted)

    silent = case(6, 5, 2)
    silent.maps[:, 2] = 0
    return {
        "loud and faint channels": case(9, 12, 4),
        "maps that fire seldom": case(12, 8, 3, off=2.5, square=False),
        "a channel that never fires": silent,
    }


def _judge_selective(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    scores = answer["selectivity"]
    expect_shape("selectivity", scores, (case.maps.shape[1],))
    expect_finite("selectivity", scores)
    expect_between("selectivity", scores, 0, 1, why="it is a share of pairs")
    expected = []
    for channel in case.maps.transpose(0, 1):
        peaks = [image.max().item() for image in channel]
        pairs = [(p, q) for p, a in zip(peaks, case.wanted, strict=True) if a
                 for q, b in zip(peaks, case.wanted, strict=True) if not b]  # fmt: skip
        expected.append(sum((p > q) + 0.5 * (p == q) for p, q in pairs) / len(pairs))
    expect_close(
        "selectivity",
        scores,
        torch.tensor(expected),
        why="the share of pairs (wanted, other) in which the wanted image has the higher peak, a draw counting half",
    )


def _select(maps, wanted, *, peak=lambda m: m.amax((2, 3)), draw=0.5, flip=False):
    values = peak(maps)
    a, b = values[wanted][:, None], values[~wanted][None]
    return ((b > a if flip else a > b).float() + draw * (a == b)).mean((0, 1))


def _by_means(maps, wanted):
    values = maps.amax((2, 3))
    return values[wanted].mean(0) - values[~wanted].mean(0)


EXERCISE = Exercise(
    id="03.5",
    title="Which channel tells two kinds of photo apart",
    points=2,
    minutes=15,
    hints=(
        "peaks = maps.amax(dim=(2, 3)) is (N, C). peaks[wanted] are the wanted photos' rows, peaks[~wanted] the rest.",
        "All pairs at once: peaks[wanted][:, None] is (wanted, 1, C), peaks[~wanted][None] is (1, others, C).",
        "((a > b).float() + 0.5 * (a == b).float()).mean(dim=(0, 1)) leaves one share a channel.",
    ),
    cases=_selective_cases,
    answer=lambda f, case: {"selectivity": f(case.maps, case.wanted)},
    judge=_judge_selective,
    mistakes=(
        Mistake(
            "difference of means",
            "you subtracted mean peaks. The loudest channel wins that, whatever it tells apart, and one huge peak "
            "outweighs all others. Count pairs.",
            _by_means,
        ),
        Mistake(
            "mean in place of the peak",
            "you compared each map's mean. An eye fills a few cells of the map, and the mean drowns it: take the peak.",
            lambda maps, wanted: _select(maps, wanted, peak=lambda m: m.mean((2, 3))),
        ),
        Mistake(
            "a draw is lost",
            "you count a draw as no win. Where a channel is silent for both photos nothing is told apart, which "
            "is half a win, so that a channel that never fires gets 0.5.",
            lambda maps, wanted: _select(maps, wanted, draw=0),
        ),
        Mistake(
            "a draw is won",
            "you count a draw as a win, with >=. Then a channel that never fires is perfect: 1.0. A draw is half.",
            lambda maps, wanted: _select(maps, wanted, draw=1),
        ),
        Mistake(
            "the other way round",
            "you count the pairs in which the other photo has the higher peak.",
            lambda maps, wanted: _select(maps, wanted, flip=True),
        ),
    ),
)
