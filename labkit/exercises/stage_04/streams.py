"""Wrong ways to keep the best of a stream: the right loop with one part exchanged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

Best = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Carried:
    """The loop over the batches with one part exchanged.

    count:   (batch) -> by how much the numbers go on;  first: the number of the first image
    merged:  join a batch with what was kept;  begin: value and number that k places are filled with at first
    measure: what is to be large;  most: (k, how many there are) -> how many are taken
    whose:   (joined numbers, the order that topk gives) -> numbers
    until:   how many batches count;  last: (values, images) -> what is returned
    """

    count: Callable[[Tensor], int] = len
    first: int = 0
    merged: bool = True
    begin: tuple[float, int] | None = None
    measure: Callable[[Tensor], Tensor] = lambda values: values
    most: Callable[[int, int], int] = min
    whose: Callable[[Tensor, Tensor], Tensor] = lambda numbers, order: numbers.gather(1, order)
    until: int | None = None
    last: Callable[[Tensor, Tensor], Best] = lambda values, images: (values, images)

    def __call__(self, batches: Iterator[Tensor], k: int) -> Best:
        values = numbers = torch.empty(0)
        seen, rounds = self.first, 0
        for batch in batches:
            new = batch.T.clone()
            places = torch.arange(new.shape[1]).expand_as(new) + seen
            if not rounds:
                values, numbers = _nothing(new, k, self.begin)
            both = torch.cat([values, new], dim=1) if self.merged else new
            names = torch.cat([numbers, places], dim=1) if self.merged else places
            order = self.measure(both).topk(self.most(k, both.shape[1]), dim=1).indices
            values, numbers = both.gather(1, order), self.whose(names, order)
            seen, rounds = seen + self.count(batch), rounds + 1
            if rounds == self.until:
                break
        return self.last(values, numbers)


def _nothing(new: Tensor, k: int, begin: tuple[float, int] | None) -> Best:
    """What is kept before the first batch, (C, 0), or k places filled."""
    C = len(new)
    if begin is None:
        return new[:, :0], torch.empty(C, 0, dtype=torch.int64)
    return torch.full((C, k), begin[0]), torch.full((C, k), begin[1], dtype=torch.int64)


def all_at_once(batches: Iterator[Tensor], k: int) -> Best:
    """Right, but all batches are held at once."""
    every = torch.cat(list(batches)).T
    best = every.topk(min(k, every.shape[1]), dim=1)
    return best.values, best.indices


def best_of_each(batches: Iterator[Tensor], k: int) -> Best:
    """Right, but the best of each batch are kept to the end."""
    values: list[Tensor] = []
    images: list[Tensor] = []
    seen = 0
    for batch in batches:
        best = batch.T.topk(min(k, len(batch)), dim=1)
        values.append(best.values)
        images.append(best.indices + seen)
        seen += len(batch)
    every = torch.cat(values, dim=1)
    chosen = every.topk(min(k, every.shape[1]), dim=1)
    return chosen.values, torch.cat(images, dim=1).gather(1, chosen.indices)


def one_choice(batches: Iterator[Tensor], k: int) -> Best:
    """The images whose best channel is best, for all channels."""
    every = torch.cat(list(batches)).T
    images = every.amax(dim=0).topk(min(k, every.shape[1])).indices
    return every[:, images], images.expand(len(every), -1)
