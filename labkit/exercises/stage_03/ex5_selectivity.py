"""03.5 How well each channel tells two kinds of photo apart."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape


def _selective_cases(generator: torch.Generator) -> Cases:
    def case(
        N: int, C: int, wanted: int, *, off: float = 0.0, square: bool = True, least: float = 0.0
    ) -> SimpleNamespace:
        loudness = torch.rand(C, 1, 1, generator=generator) * 5 + 0.2
        maps = (torch.randn(N, C, 4, 4 if square else 5, generator=generator) - off) * loudness
        maps = maps.clamp(min=least)
        order = torch.randperm(N, generator=generator)
        return SimpleNamespace(maps=maps, wanted=order < wanted)

    silent = case(6, 5, 2)
    silent.maps[:, 2] = 0
    return {
        "loud and faint channels": case(9, 12, 4),
        "maps that fire seldom": case(12, 8, 3, off=2.5, square=False),
        "a channel that never fires": silent,
        "a layer without a ReLU, peaks below zero": case(10, 7, 3, off=2.0, least=-torch.inf),
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


def _select(
    *,
    peak: Callable[[Tensor], Tensor] = lambda maps: maps.amax((2, 3)),
    others: Callable[[Tensor, Tensor], Tensor] = lambda values, wanted: values[~wanted],
    won: Callable[[Tensor, Tensor], Tensor] = lambda a, b: (a > b).float() + 0.5 * (a == b),
    share: Callable[[Tensor], Tensor] = lambda won: won.mean((0, 1)),
) -> Callable[[Tensor, Tensor], Tensor]:
    """A wrong answer: the right count with one part exchanged. share: won (wanted, others, C) -> what is returned"""

    def wrong(maps: Tensor, wanted: Tensor) -> Tensor:
        values = peak(maps)
        return share(won(values[wanted][:, None], others(values, wanted)[None]))

    return wrong


def _by_means(compare: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """A wrong answer: means of the peaks are compared, not pairs."""

    def wrong(maps: Tensor, wanted: Tensor) -> Tensor:
        values = maps.amax((2, 3))
        return compare(values[wanted].mean(0), values[~wanted].mean(0))

    return wrong


EXERCISE = Exercise(
    id="03.5",
    title="Which channel tells two kinds of photo apart",
    points=2,
    minutes=15,
    hints=(
        "peaks = maps.amax(dim=(2, 3)) is (N, C). peaks[wanted] are the wanted photos' rows, peaks[~wanted] the rest.",
        "All pairs at once: peaks[wanted][:, None] is (wanted, 1, C), peaks[~wanted][None] is (1, others, C).",
        "((a > b).float() + 0.5 * (a == b).float()).mean(dim=(0, 1)) leaves one share per channel.",
    ),
    cases=_selective_cases,
    answer=lambda f, case: {"selectivity": f(case.maps, case.wanted)},
    judge=_judge_selective,
    mistakes=(
        Mistake(
            "difference of means",
            "you subtracted mean peaks. The loudest channel wins that, whatever it tells apart, and one huge peak "
            "outweighs all others. Count pairs.",
            _by_means(lambda ours, theirs: ours - theirs),
        ),
        Mistake(
            "mean in place of the peak",
            "you compared each map's mean. An eye fills a few cells of the map, and the mean drowns it: take the peak.",
            _select(peak=lambda maps: maps.mean((2, 3))),
        ),
        Mistake(
            "a draw is lost",
            "you count a draw as no win. Where a channel is silent for both photos nothing is told apart, which "
            "is half a win, so that a channel that never fires gets 0.5.",
            _select(won=lambda a, b: (a > b).float()),
        ),
        Mistake(
            "a draw is won",
            "you count a draw as a win, with >=. Then a channel that never fires is perfect: 1.0. A draw is half.",
            _select(won=lambda a, b: (a >= b).float()),
        ),
        Mistake(
            "the other way round",
            "you count the pairs in which the other photo has the higher peak.",
            _select(won=lambda a, b: (a < b).float() + 0.5 * (a == b)),
        ),
        Mistake(
            "absolute values",
            "you took absolute values first. Below zero a channel does not fire: the peak is the largest value as it "
            "is.",
            _select(peak=lambda maps: maps.abs().amax((2, 3))),
        ),
        Mistake(
            "below zero cut",
            "you cut values below zero, and two peaks below zero became a draw. The peak is the largest value as it "
            "is.",
            _select(peak=lambda maps: maps.clamp(min=0).amax((2, 3))),
        ),
        Mistake(
            "smallest value",
            "you compared each map's smallest value. Its peak is the largest: amax.",
            _select(peak=lambda maps: maps.amin((2, 3))),
        ),
        Mistake(
            "place of the peak",
            "you compared where the peaks are. Compare how high they are: amax, not argmax.",
            _select(peak=lambda maps: maps.flatten(2).argmax(2)),
        ),
        Mistake(
            "pairs counted",
            "you return how many pairs are won. Divide by how many pairs there are: wanted × others.",
            _select(share=lambda won: won.sum((0, 1))),
        ),
        Mistake(
            "divided by the wanted alone",
            "you divide by the number of wanted photos. There are wanted × others pairs.",
            _select(share=lambda won: won.sum((0, 1)) / len(won)),
        ),
        Mistake(
            "against all photos",
            "you compare the wanted photos with all of them, also with each other. Compare with the others: ~wanted.",
            _select(others=lambda values, wanted: values),
        ),
        Mistake(
            "one number for all channels",
            "you averaged over the channels too. One share for each channel: dim=(0, 1).",
            _select(share=torch.mean),
        ),
        Mistake(
            "which mean is larger",
            "you ask whose mean peak is larger, a yes or no. Count the pairs that are won.",
            _by_means(lambda ours, theirs: (ours > theirs).float()),
        ),
        Mistake(
            "best against best",
            "you compare only the highest of the wanted peaks with the highest of the others. Count all pairs.",
            lambda maps, wanted: (maps[wanted].amax((0, 2, 3)) > maps[~wanted].amax((0, 2, 3))).float(),
        ),
        Mistake(
            "against the best of the others",
            "you compare with the best of the other photos alone. Compare with each of them.",
            _select(others=lambda values, wanted: values[~wanted].amax(0, keepdim=True)),
        ),
        Mistake(
            "against the others' mean",
            "you compare with the mean of the other photos' peaks. Compare with each of them.",
            _select(others=lambda values, wanted: values[~wanted].mean(0, keepdim=True)),
        ),
        Mistake(
            "whichever way round",
            "a channel that always has the lower peak gets 1 from you. It gets 0: the share is not turned round.",
            _select(share=lambda won: (half := won.mean((0, 1))).maximum(1 - half)),
        ),
        Mistake(
            "-1 to 1",
            "your scores run from -1 to 1. The task asks for a share: a win counts 1, a draw a half, a loss 0.",
            _select(share=lambda won: 2 * won.mean((0, 1)) - 1),
        ),
    ),
)
