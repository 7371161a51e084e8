"""04.4 The best k of any number of images, one batch at a time."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape, expect_whole
from labkit.checks.values import several
from labkit.exercises.stage_04.memory import Stream, watched
from labkit.exercises.stage_04.streams import Carried, all_at_once, best_of_each, one_choice


def _streams(generator: torch.Generator) -> Cases:
    def case(*sizes: int, k: int, channels: int = 3, below: float = 0.0) -> SimpleNamespace:
        batches = [torch.randn(size, channels, generator=generator) - below for size in sizes]
        return SimpleNamespace(batches=batches, k=k)

    return {
        "eight batches, the last one short": case(5, 5, 5, 5, 5, 5, 5, 3, k=4),
        "batches smaller than k": case(2, 2, 2, 2, 2, 2, 2, k=6, channels=5),
        "all values below zero": case(4, 4, 4, 4, 4, k=3, below=9),
        "fewer images than k": case(3, 2, k=9),
        "a long stream": case(*[500] * 20, k=100),
    }


def _answer_stream(function: Any, case: SimpleNamespace) -> dict[str, Any]:
    stream = Stream(case.batches)
    found = watched(stream, function, case.k)
    return several(("values", "images"), found) | {"hoards": stream.most > 3, "grows": stream.grows}


def _judge_stream(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    every = torch.cat(case.batches).T  # (C, N)
    C, N = every.shape
    k = min(case.k, N)
    for name in ("values", "images"):
        expect_shape(name, answer[name], (C, k))
    values, numbers = answer["values"], answer["images"]
    _judge_kinds(values, numbers, every)
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
    _judge_memory(answer)


def _judge_kinds(values: Tensor, numbers: Tensor, every: Tensor) -> None:
    if (values == values.round()).all() and not (numbers == numbers.round()).all():
        raise CheckFailed(
            "values: expected what the images answered, got whole numbers", mistake="results exchanged"
        )
    if (values == 0).any() and torch.isin(values[values != 0].float(), every).all():
        raise CheckFailed(
            f"values: {int((values == 0).sum())} of {values.numel()} are 0, which no image answered",
            mistake="started with zeros",
        )


def _judge_memory(answer: dict[str, Tensor]) -> None:
    if answer["hoards"]:
        raise CheckFailed(
            "the values are right, but more than 3 batches were held at once, expected 1",
            mistake="keeps every batch",
        )
    if answer["grows"]:
        raise CheckFailed(
            "the values are right, but the longer the stream, the more memory is used; expected always the same",
            mistake="keeps something of every batch",
        )


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
            Carried(count=lambda batch: 0),
        ),
        Mistake(
            "places for numbers",
            "topk's second result says where in the joined row a value stood, not whose it is. Gather the image "
            "numbers at those places.",
            Carried(whose=lambda numbers, order: order),
        ),
        Mistake(
            "last batch only",
            "you take each batch's best and forget the earlier ones. Join the batch with what you kept, then topk.",
            Carried(merged=False),
        ),
        Mistake(
            "keeps every batch",
            "you collect all batches and choose at the end. With 13,000 photos that is what fills the memory: "
            "choose after every batch, and let it go.",
            all_at_once,
        ),
        Mistake(
            "started with zeros",
            "your state begins as zeros, and they beat every negative answer. Begin with empty tensors, (C, 0), "
            "or with -inf.",
            Carried(begin=(0.0, 0)),
        ),
        Mistake(
            "smallest kept",
            "you keep the smallest answers. Maximally activating: the largest, best first.",
            Carried(measure=torch.neg),
        ),
        Mistake(
            "keeps something of every batch",
            "you keep something of every batch, in a list or in a tensor that grows. After each batch only the best k "
            "of "
            "each channel may remain: join, topk, and let the rest go.",
            best_of_each,
        ),
        Mistake(
            "largest in absolute value",
            "you keep the largest absolute values. A strong negative answer is no answer: take the values as they are.",
            Carried(measure=torch.abs),
        ),
        Mistake(
            "first batch only",
            "only the first batch counts: the return stands inside the loop.",
            Carried(until=1),
        ),
        Mistake(
            "counted from 1",
            "your images are numbered from 1. They are numbered 0, 1, 2, …",
            Carried(first=1),
        ),
        Mistake(
            "one for each batch",
            "you count batches. The numbers go on by as many images as a batch has: seen += len(batch).",
            Carried(count=lambda batch: 1),
        ),
        Mistake(
            "channels counted",
            "you count shape[1], the channels. A batch is (n, C), so it holds shape[0] images: seen += len(batch).",
            Carried(count=lambda batch: batch.shape[1]),
        ),
        Mistake(
            "batches of one size",
            "you count as many images for every batch as the first one had. n may differ: seen += len(batch).",
            Carried(count=lambda batch: 5),
        ),
        Mistake(
            "k columns in any event",
            "with fewer images than k you fill up with images that do not exist. Give fewer columns.",
            Carried(begin=(-torch.inf, -1)),
        ),
        Mistake(
            "more than there are",
            "topk cannot take more than there are: a batch, or what you have so far, may hold fewer than k. "
            "min(k, number of columns).",
            Carried(most=lambda k, there: k),
        ),
        Mistake(
            "results exchanged",
            "you return images, values. The order is values, images.",
            Carried(last=lambda values, images: (images, values)),
        ),
        Mistake(
            "images sorted",
            "you sorted the images by their numbers, so they no longer belong to their values. Best first, both.",
            Carried(last=lambda values, images: (values, images.sort(dim=1).values)),
        ),
        Mistake(
            "one choice for all channels",
            "you chose the same images for all channels. Each channel has its own best: topk along dim=1 of (C, n).",
            one_choice,
        ),
    ),
)
