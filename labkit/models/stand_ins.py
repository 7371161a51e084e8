"""A mode in which convolutions do the work of the batch norms behind them, and only time can tell.

A convolution with folded weights puts out what the batch norm would have made of it. What its module hands on is a
stand-in. The batch norm exchanges that for the output, at no cost; whatever else looks at it gets what the plain
convolution puts out, computed then. So layers, hooks and networks that do something else with it see no difference.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from weakref import ref

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

from labkit.models.pairs import Folded, Pair

# answered by the stand-in as by the plain output
_FACTS: set[Any] = {
    Tensor.dim,
    Tensor.size,
    *(getattr(Tensor, name).__get__ for name in ("ndim", "shape", "dtype", "device")),
}


class StandIns(TorchFunctionMode):
    """Runs folded convolutions in place of pairs of a convolution and a batch norm.

    pairs:    id of a convolution's weight -> the pair
    is_exact: whether all that ran was seen. A network that keeps a convolution's output for later, or hands it to
              what no mode sees, has to run once more, without this
    is_clean: whether nothing but batch norms has looked at a convolution's output
    """

    def __init__(self, pairs: Mapping[int, Pair]):
        super().__init__()
        self.pairs, self.waiting = pairs, dict[int, _StandIn]()
        self._was_seen = self.is_clean = True
        self.calls = 0

    @property
    def is_exact(self) -> bool:
        return self._was_seen and not self.waiting

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if self.waiting and func not in _FACTS:
            if func is F.batch_norm and (output := self._passed(args, kwargs or {})) is not None:
                return output
            args, kwargs = self._truly(args, kwargs or {})
            self.calls += 1
        if func is torch.conv2d and len(args) > 2 and not kwargs and id(args[1]) in self.pairs:
            return self._convolved(self.pairs[id(args[1])], args)
        return func(*args, **(kwargs or {}))

    def _convolved(self, pair: Pair, args: tuple[Any, ...]) -> Tensor:
        folded = pair.folded() if _pays(*args[:2]) and args[2] is pair.parts()[1] else None
        if folded is None:
            return torch.conv2d(*args)
        given = _StandIn(pair, args, _convolution(folded, args), self.calls)
        tensor = given.output.detach()
        key = id(tensor)
        given.tensor = ref(tensor, lambda _: self._forget(key))
        self.waiting[key] = given
        return tensor

    def _forget(self, key: int) -> None:
        given = self.waiting.pop(key)
        self._was_seen &= given.is_passed or given.truth is not None

    def _find(self, tensor: Any) -> "_StandIn | None":
        found = self.waiting.get(id(tensor))
        return found if found is not None and found.tensor() is tensor else None

    def _passed(self, args: tuple[Any, ...], options: dict[str, Any]) -> Tensor | None:
        """What the batch norm of a stand-in puts out; None where this is another, or too late."""
        given = self._find(args[0])
        if given is None or given.truth is not None or given.is_passed:
            return None
        norm = (*args[1:3], options.get("weight"), options.get("bias"))
        alike = all(a is b for a, b in zip(norm, given.pair.parts()[2:], strict=False))
        if not alike or options.get("training") or options.get("eps") != given.pair.norm.eps:
            return None
        return given.passed()

    def _truly(
        self, args: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call with plain outputs in place of stand-ins."""
        flat = (*args, *options.values())
        if not any(id(each) in self.waiting or isinstance(each, list | tuple | dict) for each in flat):
            return args, options
        plain: tuple[tuple[Any, ...], dict[str, Any]] = tree_map_only(Tensor, self._truth, (args, options))
        return plain

    def _truth(self, tensor: Tensor) -> Tensor:
        given = self._find(tensor)
        if given is None:
            return tensor
        self.is_clean = False
        self._was_seen &= given.can_be_plain(self.calls)
        return given.plain() if self._was_seen else tensor


class _StandIn:
    """What stands in for a convolution's output, and how to compute that for as long as no batch norm has passed."""

    def __init__(self, pair: Pair, args: tuple[Any, ...], output: Tensor, calls: int):
        self.pair, self.args, self.output, self.calls = pair, args, output, calls
        self.with_gradients = torch.is_grad_enabled()
        self.version = None if args[0].is_inference() else args[0]._version
        self.truth: Tensor | None = None
        self.is_passed = False
        self.tensor: Callable[[], Tensor | None] = lambda: None

    def passed(self) -> Tensor:
        """The output, at the batch norm; what it came of is let go, for memory that is used again is fast."""
        output = self.output
        self.is_passed = True
        del self.args, self.output
        return output

    def can_be_plain(self, calls: int) -> bool:
        """Whether the convolution's input is still there, unchanged; without versions, whether nothing ran since.

        calls: how many there were by now
        """
        if self.is_passed or self.truth is not None:
            return not self.is_passed
        return calls == self.calls if self.version is None else self.args[0]._version == self.version

    def plain(self) -> Tensor:
        if self.truth is None:
            with torch.set_grad_enabled(self.with_gradients):
                self.truth = torch.conv2d(*self.args)
        return self.truth


def _pays(images: Tensor, weight: Tensor) -> bool:
    """Whether less is saved by comparing a weight than by leaving the batch norm out; and nothing speaks against it.

    Where what the way back needs is kept by other means, such as checkpointing, all is computed once more.
    """
    return weight.numel() < images.numel() and images.ndim == 4 and not _may_be_kept_otherwise()


def _may_be_kept_otherwise() -> bool:
    """Whether hooks take what the way back needs; where PyTorch does not tell (before 2.7), whether they could."""
    topmost = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", None)
    return torch.is_grad_enabled() if topmost is None else topmost(True) is not None


def _convolution(folded: Folded, args: tuple[Any, ...]) -> Tensor:
    """What F.conv2d gives. With one image that copies the bias to all places first, and adding it later is faster.

    With more, oneDNN, which takes a bias along, is asked directly: F.conv2d takes another way for small maps.
    """
    images, _, _, stride, padding, *rest = args if len(args) == 7 else (*args[:3], None, "", None)
    if len(images) == 1:
        return torch.conv2d(images, folded.weight, None, *args[3:]).add_(folded.bias.view(-1, 1, 1))
    if isinstance(padding, tuple) and images.dtype is torch.float32 and len(images) and _has_onednn(images):
        return torch.mkldnn_convolution(images, *folded, padding, stride, *rest)
    return torch.conv2d(images, *folded, *args[3:])


def _has_onednn(images: Tensor) -> bool:
    there = torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled
    return bool(there) and images.device.type == "cpu"
