"""A convolution and the batch norm behind it, folded into one, for as long as their weights stay.

Weights may change in any way at any time. So before each use they are compared with those that were folded.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.fusion import fuse_conv_bn_weights


class Folded(NamedTuple):
    """What comes to the same as both: a convolution with this weight and this bias."""

    weight: Tensor
    bias: Tensor


def pairs_in(modules: Iterable[nn.Module]) -> Iterator["Pair"]:
    """Each batch norm with the convolution before it, in the order of the modules, if their channels fit.

    That is a guess. A wrong one costs a little time and changes no result.
    """
    last: nn.Conv2d | None = None
    for module in modules:
        if isinstance(module, nn.Conv2d):
            last = module
        elif isinstance(module, _NormBase) and last is not None and last.out_channels == module.num_features:
            yield Pair(last, module)
            last = None


class Pair:
    """A convolution and a batch norm, of anybody's making."""

    def __init__(self, conv: nn.Conv2d, norm: _NormBase):
        self.conv, self.norm = conv, norm
        self._copy: _Copy | None = None

    def parts(self) -> tuple[Tensor | None, ...]:
        """The convolution's weight and bias, the norm's mean, variance, weight and bias; None where there is none."""
        own, its, buffers = self.conv._parameters, self.norm._parameters, self.norm._buffers
        mean, variance = buffers.get("running_mean"), buffers.get("running_var")
        return own.get("weight"), own.get("bias"), mean, variance, its.get("weight"), its.get("bias")

    def folded(self) -> Folded | None:
        """Both as one, as they are now; None where that would not be the same, or is not known to be."""
        parts, copy = self.parts(), self._copy  # another thread may put another copy in its place
        if copy is None or not copy.holds(parts, self.norm.eps):
            copy = self._copy = _Copy(parts, self.norm.eps)
        return copy.folded


class _Copy:
    """A pair's parts as they were when they were folded."""

    def __init__(self, parts: tuple[Tensor | None, ...], eps: float):
        self.parts, self.eps = parts, eps
        self.folded: Folded | None = None
        if not _is_foldable(parts):
            return
        with torch.inference_mode(False), torch.no_grad():
            weight, bias, mean, variance, *affine = parts
            fused = fuse_conv_bn_weights(weight, bias, mean, variance, eps, *affine)  # type: ignore[arg-type]
            self.folded = Folded(*(part.detach() for part in fused))
            self.rows = _as_rows(weight)
            self.facts, self.given = _facts(weight), _irregular(self.rows)
            self.small = [part for part in parts[1:] if part is not None]
            self.print = self._print()

    def holds(self, parts: tuple[Tensor | None, ...], eps: float) -> bool:
        """Whether these are the parts, and they hold what they held."""
        if eps != self.eps or any(a is not b for a, b in zip(parts, self.parts, strict=True)):
            return False
        if self.folded is None:
            return not _is_foldable(parts)
        if _facts(parts[0]) != self.facts or any(part is not None and part.requires_grad for part in parts):
            return False
        return torch.equal(self._print(), self.print)

    def _print(self) -> Tensor:
        """What the convolution answers to one irregular input, and the rest as it is.

        Not all edits count up a tensor's version: `weight.data[0] = 0` does not.
        """
        with torch.no_grad():
            return torch.cat([torch.mv(self.rows, self.given), *self.small])  # type: ignore[arg-type]


def _is_foldable(parts: tuple[Tensor | None, ...]) -> bool:
    """Whether all that it takes is there, frozen, of one kind, and in so many bits that rounding is small."""
    if parts[0] is None or parts[2] is None or parts[3] is None:
        return False
    present = [part for part in parts if part is not None]
    return (
        len({(part.dtype, part.device) for part in present}) == 1
        and parts[0].dtype in (torch.float32, torch.float64)
        and all(type(part) in (Tensor, nn.Parameter) and not part.is_meta for part in present)
        and not any(part.requires_grad or part.is_inference() for part in present)
        and _as_rows(parts[0]) is not None
    )


def _facts(weight: Any) -> tuple[int, torch.dtype, int]:
    """What changes with most edits of a tensor, such as those of an optimizer, load_state_dict, .to()."""
    return weight.data_ptr(), weight.dtype, weight._version


def _as_rows(weight: Any) -> Tensor | None:
    """A weight as a matrix, one row for each output channel, that shares its memory; None where it cannot be."""
    for order in ((0, 1, 2, 3), (0, 2, 3, 1)):
        try:
            rows: Tensor = weight.detach().permute(order).view(len(weight), -1)
            return rows
        except RuntimeError:  # this layout does not fit
            continue
    return None


def _irregular(rows: Any) -> Tensor:
    """Numbers in 0..1, one for each column, the same each time."""
    numbers = torch.rand(
        rows.shape[1], generator=torch.Generator().manual_seed(0), dtype=rows.dtype, device="cpu"
    )
    return numbers.to(rows.device)
