"""What a function holds while it goes through a stream: tensors, and what Python and numpy have allocated."""

import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

_LONG = 10  # batches from which on it is told whether memory grows


class Stream(TorchFunctionMode):
    """Hands out copies of batches, and looks at what is held whenever the next one is asked for.

    most:  how many batches were held at once
    grows: whether the memory grows with the stream; told of long streams only
    """

    def __init__(self, batches: list[Tensor]):
        super().__init__()
        self._batches, self._tensors = batches, weakref.WeakValueDictionary[int, Tensor]()
        self._in_tensors: list[int] = []  # bytes, each time that the next batch is asked for
        self._elsewhere: list[int] = []
        self.most = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for part in result if isinstance(result, tuple | list) else (result,):
            if isinstance(part, Tensor):
                self._tensors[id(part)] = part
        return result

    def __iter__(self) -> Iterator[Tensor]:
        handed: list[weakref.ref[Tensor]] = []
        for number in range(len(self._batches)):
            batch = self._batches[number].clone()
            self._tensors[id(batch)] = batch
            handed.append(weakref.ref(batch))
            yield batch
            del batch
            self.most = max(self.most, sum(held() is not None for held in handed))
            self._in_tensors.append(self._bytes())
            self._elsewhere.append(tracemalloc.get_traced_memory()[0])

    def _bytes(self) -> int:
        storages = [tensor.untyped_storage() for tensor in self._tensors.values()]
        return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())

    @property
    def grows(self) -> bool:
        if len(self._in_tensors) < _LONG:
            return False
        half = len(self._in_tensors) // 2
        handed = sum(batch.nbytes for batch in self._batches[half:])
        tensors, elsewhere = (
            min(held[-3:]) - max(held[:half]) for held in (self._in_tensors, self._elsewhere)
        )
        return tensors > 0.3 * handed or elsewhere > 0.6 * handed  # this class itself allocates a little


def watched(stream: Stream, function: Callable[..., Any], *args: Any) -> Any:
    """What a function returns for a stream, which looks at the memory meanwhile."""
    started = not tracemalloc.is_tracing()
    if started:
        tracemalloc.start()
    try:
        with stream:
            return function(iter(stream), *args)
    finally:
        if started:
            tracemalloc.stop()
