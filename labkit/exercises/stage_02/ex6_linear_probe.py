"""02.6 One step of a linear probe's training, with L2 and L1."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.exercises.stage_02.probe_steps import (
    cross_entropy,
    decay_afterwards,
    nearest_with_l1,
    shrunk_first,
    sigmoids,
    slope_by_nudging,
    softmax_twice,
    squared_error,
    step_with,
)


def _probe_cases(generator: torch.Generator) -> Cases:
    def case(
        N: int, D: int, C: int, *, rate: float, l1: float, l2: float, size: float = 0.7
    ) -> SimpleNamespace:
        features = torch.randn(N, D, generator=generator)
        weights = size * torch.randn(D, C, generator=generator)
        labels = torch.randint(C, (N,), generator=generator)
        return SimpleNamespace(weights=weights, features=features, labels=labels, rate=rate, l1=l1, l2=l2)

    return {
        "no penalty": case(5, 4, 3, rate=0.3, l1=0.0, l2=0.0),
        "L2 alone": case(7, 6, 4, rate=0.25, l1=0.0, l2=0.6),
        "L1 alone": case(6, 5, 4, rate=0.4, l1=0.9, l2=0.0),
        "L1 and L2": case(8, 3, 5, rate=0.35, l1=0.8, l2=1.5),
        "from weights of 0": case(6, 7, 3, rate=0.5, l1=0.1, l2=0.3, size=0.0),
        "one example, as many features as categories": case(1, 4, 4, rate=0.2, l1=0.5, l2=0.4),
    }


def _judge_step(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    stepped, pull = answer["weights"], case.rate * case.l1
    down = case.weights.double() - case.rate * slope_by_nudging(case)
    expect_close(
        "weights",
        stepped,
        nearest_with_l1(down, pull),
        why="a step down the slope of mean loss + l2/2 · Σ weight² (measured by nudging each weight), then each weight "
        "moved by rate · l1 towards 0, and not beyond",
        atol=1e-5,
        rtol=1e-5,
    )
    if nearly := int(((stepped != 0) & (down.abs() < pull - 1e-4)).sum()):
        raise CheckFailed(
            f"weights: {nearly} are nearly 0, expected exactly 0: L1 takes features out, and one wants to count them"
        )


EXERCISE = Exercise(
    id="02.6",
    title="One step of a linear probe",
    points=2,
    minutes=15,
    core=True,
    hints=(
        "Two halves. First a plain step down the slope of what is smooth: loss and L2. Then L1, which has a corner at "
        "0, by itself: it moves the weights that came out of the first half.",
        "The slope of l2/2 · Σ weight² is l2 · weight. The slope of the mean cross-entropy is features.T @ (softmax of "
        "the logits - one-hot labels) / N, or what autograd says of F.cross_entropy(features @ weights, labels).",
        "L1: sizes become smaller by rate · l1, and those that would pass 0 stop there; signs stay.",
        "down.sign() * (down.abs() - rate * l1).clamp(min=0), where down = weights - rate * (slope + l2 * weights)",
    ),
    cases=_probe_cases,
    answer=lambda f, case: {
        "weights": f(case.weights, case.features, case.labels, case.rate, case.l1, case.l2)
    },
    judge=_judge_step,
    mistakes=(
        Mistake(
            "L1 left out",
            "L1 is missing: after the step down, every weight moves by rate · l1 towards 0.",
            step_with(pull=lambda *_: 0),
        ),
        Mistake(
            "L2 left out",
            "L2 is missing: the slope of l2/2 · Σ weight² is l2 · weight, and it belongs to the step down.",
            step_with(penalty=lambda w, l2: 0),
        ),
        Mistake(
            "L1 by its slope",
            "you step down the slope of |weight|, which is the sign of the weight that came in. Such a step jumps over "
            "0 and never leaves a weight at exactly 0. Shrink the weights *after* the step down, and stop at 0.",
            step_with(shrink=lambda down, weights, pull: down - pull * weights.sign()),
        ),
        Mistake(
            "beyond 0",
            "your L1 moves small weights past 0, to the other sign. Those that are nearer to 0 than rate · l1 stop at "
            "0: clamp(min=0) on the sizes.",
            step_with(shrink=lambda down, weights, pull: down - pull * down.sign()),
        ),
        Mistake(
            "cut, not shrunk",
            "you set small weights to 0 and leave the large ones as they are. L1 makes *every* weight smaller by rate ·"
            " l1.",
            step_with(shrink=lambda down, weights, pull: down * (down.abs() > pull)),
        ),
        Mistake(
            "signs lost",
            "every weight has come out positive. Shrink the sizes and put the signs back: down.sign() * …",
            step_with(shrink=lambda down, weights, pull: (down.abs() - pull).clamp(min=0)),
        ),
        Mistake(
            "only positive weights",
            "weights below 0 have all become 0. L1 pulls them up to 0 just as it pulls the others down: work on the "
            "sizes, down.abs(), and put the signs back.",
            step_with(shrink=lambda down, weights, pull: (down - pull).clamp(min=0)),
        ),
        Mistake(
            "shrunk by l1",
            "you shrink by l1. It is a step like the other one: by rate · l1.",
            step_with(pull=lambda rate, l1, l2: l1),
        ),
        Mistake(
            "l1 and l2 exchanged",
            "you exchanged l1 and l2: l2 decays the weights in the step down, l1 shrinks them afterwards.",
            lambda w, f, y, rate, l1, l2: step_with()(w, f, y, rate, l2, l1),
        ),
        Mistake(
            "decay twice as strong",
            "your weights decay twice as fast. The penalty is l2/2 · Σ weight², with the ½, so its slope is l2 · "
            "weight.",
            step_with(penalty=lambda w, l2: l2 * w.square().sum()),
        ),
        Mistake(
            "length, not squares",
            "your L2 is the length of the weights, the root of the sum. It is l2/2 times the sum of squares itself.",
            step_with(penalty=lambda w, l2: l2 * w.norm() if w.any() else 0),
        ),
        Mistake(
            "mean of the squares",
            "your L2 takes the mean of the squared weights. It is their sum: each weight decays by rate · l2 · weight, "
            "however many there are.",
            step_with(penalty=lambda w, l2: l2 / 2 * w.square().mean()),
        ),
        Mistake(
            "decay after everything",
            "you decay the weights that come out at the end. L2 is part of the slope, taken at the weights that came "
            "in.",
            decay_afterwards,
        ),
        Mistake(
            "shrunk first",
            "you shrink first and then step. The step down comes first, from the weights that came in; L1 moves what "
            "comes out of it.",
            shrunk_first,
        ),
        Mistake(
            "sum over the examples",
            "your loss is the sum over the examples. It is their mean: divide by N, so that the rate does not depend on"
            " how many there are.",
            step_with(loss=lambda w, f, y: cross_entropy(w, f, y, "sum")),
        ),
        Mistake(
            "uphill",
            "you step up the loss. Its slope is subtracted.",
            step_with(move=lambda weights, slope, rate: weights + rate * slope),
        ),
        Mistake(
            "no rate",
            "you step by the whole slope. The step is rate · slope.",
            step_with(move=lambda weights, slope, rate: weights - slope),
        ),
        Mistake(
            "softmax twice",
            "you take the softmax of the logits before cross_entropy, which takes it again. Give it the logits.",
            step_with(loss=softmax_twice),
        ),
        Mistake(
            "squared error",
            "your loss is the squared distance from the one-hot labels. It is the cross-entropy of the softmax.",
            step_with(loss=squared_error),
        ),
        Mistake(
            "sigmoids",
            "you judge each category by itself, with a sigmoid. A view shows one photo: softmax over the categories, "
            "dim=1.",
            step_with(loss=sigmoids),
        ),
    ),
)
