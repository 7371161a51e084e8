"""04.4 The best k of any number of images, one batch at a time."""

import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape, expect_whole
from labkit.checks.values import several


def _streams(generator: torch.Generator) -> Cases:
    def case(*sizes, k, below=0.0):
        batches = [torch.randn(size, 3, generator=generator) - below for size in sizes]
        return SimpleNamespace(batches=batches, k=k)

    return {
        "eight batches, the last one short": case(5, 5, 5, 5, 5, 5, 5, 3, k=4),
        "batches smaller than k": case(2, 2, 2, 2, 2, 2, 2, k=6),
        "all values below zero": case(4, 4, 4, 4, 4, k=3, below=9),
        "fewer images than k": case(3, 2, k=9),
    }


class _Watch:
    """Hands out batches, and counts how many of them are still held when the next one is asked for."""

    def __init__(self, batches: list[Tensor]):
        self.batches, self.most = batches, 0

    def __iter__(self) -> Iterator[Tensor]:
        handed: list[weakref.ref[Tensor]] = []
        for number in range(len(self.batches)):
            batch = self.batches[number].clone()
            handed.append(weakref.ref(batch))
            yield batch
            del batch
            self.most = max(self.most, sum(held() is not None for held in handed))


def _answer_stream(function: Any, case: SimpleNamespace) -> dict[str, Any]:
    watch = _Watch(case.batches)
    found = function(iter(watch), case.k)
    return several(("values", "images"), found) | {"held": watch.most}


def _judge_stream(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    every = torch.cat(case.batches).T  # (C, N)
    C, N = every.shape
    k = min(case.k, N)
    for name in ("values", "images"):
        expect_shape(name, answer[name], (C, k))
    values, numbers = answer["values"], answer["images"]
    if (values == 0).any():
        raise CheckFailed(
            f"values: {int((values == 0).sum())} of {values.numel()} are 0, which no image answered",
            mistake="started with zeros",
        )
    expect_whole("images", numbers)
    expect_between("images", numbers, 0, N - 1, why=f"images are numbered 0 to {N - 1} through all batches")
    expect_close(
        "values", values, every.sort(dim=1, descending=True).values[:, :k], why="the k largest, best first"
    )
    theirs = every.gather(1, numbers.long())
    expect_close(
        "what your images answered", theirs, values, why="values and images belong together, pair by pair"
    )
    if any(len(set(row)) < k for row in numbers.tolist()):
        raise CheckFailed(f"images: expected {k} different images a channel, got one of them twice")
    if answer["held"] > 3:
        raise CheckFailed(
            f"the values are right, but {int(answer['held'])} batches were held at once, expected 1",
            mistake="keeps every batch",
        )


def _stream(batches, k, *, counted=True, merged=True, carried=True, largest=True, empty=True):
    values = numbers = torch.empty(0)
    seen = 0
    for batch in batches:
        new = batch.T.clone()
        places = torch.arange(new.shape[1]).expand_as(new) + (seen if counted else 0)
        if seen == 0:
            values, numbers = new[:, :0], places[:, :0]
            if not empty:
                values, numbers = torch.zeros(len(new), k), torch.zeros(len(new), k, dtype=torch.int64)
        both, whose = torch.cat([values, new], dim=1), torch.cat([numbers, places], dim=1)
        if not merged:
            both, whose = new, places
        values, order = both.topk(min(k, both.shape[1]), dim=1, largest=largest)
        numbers = whose.gather(1, order) if carried else order
        seen += new.shape[1]
    return values, numbers


def _all_at_once(batches, k):
    every = torch.cat(list(batches)).T
    return tuple(every.topk(min(k, every.shape[1]), dim=1))


EXERCISE = Exercise(
    id="04.4",
    title="The best k of a stream",
    points=3,
    minutes=18,
    hints=(
        "Carry two small tensors along, (C, at most k) each: the best values so far, and the numbers of their images.",
        "For each batch: join what you have with what is new, along dim=1, and take the topk of it. The same "
        "places, taken from the joined numbers, say whose they are: gather.",
        "New images are numbered from how many you have seen before: torch.arange(seen, seen + len(batch)).",
        "values, order = both.topk(min(k, both.shape[1]), dim=1); images = numbers.gather(1, order)",
    ),
    cases=_streams,
    answer=_answer_stream,
    judge=_judge_stream,
    mistakes=(
        Mistake(
            "numbers start anew",
            "your numbers start at 0 in every batch. Count the images seen before, and add them.",
            lambda batches, k: _stream(batches, k, counted=False),
        ),
        Mistake(
            "places for numbers",
            "topk's second result says where in the joined row a value stood, not whose it is. Gather the image "
            "numbers at those places.",
            lambda batches, k: _stream(batches, k, carried=False),
        ),
        Mistake(
            "last batch only",
            "you take each batch's best and forget the earlier ones. Join the batch with what you kept, then topk.",
            lambda batches, k: _stream(batches, k, merged=False),
        ),
        Mistake(
            "keeps every batch",
            "you collect all batches and choose at the end. With 13,000 photos that is what fills the memory: "
            "choose after every batch, and let it go.",
            _all_at_once,
        ),
        Mistake(
            "started with zeros",
            "your state begins as zeros, and they beat every negative answer. Begin with empty tensors, (C, 0), "
            "or with -inf.",
            lambda batches, k: _stream(batches, k, empty=False),
        ),
        Mistake(
            "smallest kept",
            "you keep the smallest answers. Maximally activating: the largest, best first.",
            lambda batches, k: _stream(batches, k, largest=False),
        ),
    ),
)
