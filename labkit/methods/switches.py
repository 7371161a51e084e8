"""Max pooling on the way back: by its own switches, by another photo's, or by none.

A max pooling's switches are the places where its maxima were. Autograd hands each gradient to its switch, and adds
where two windows have the same one. That is the unpooling of the deconvnet, which fills in where autograd adds.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from labkit.arguments import expect_tensor, expect_whole
from labkit.checkpoints import recompute_under
from labkit.errors import LabError
from labkit.kernel import in_usual_numbers
from labkit.modes import expect_eval
from labkit.running import expect_network, run


@in_usual_numbers
def switches(model: nn.Module, images: Tensor) -> list[Tensor]:
    """Where each max pooling of a network found its maxima, from the image upwards.

    images:  what the network takes, (N, 3, H, W)
    Returns: for each max pooling (N, C, h, w) int64: a place in the flattened map that it was given
    """
    expect_network(model)
    expect_eval(model)
    pools = _Pools()
    with torch.no_grad(), pools:
        run(model, images)
    return pools.seen


@contextmanager
def unpooling(where: Sequence[Tensor] | None) -> Iterator[None]:
    """Backward through the max poolings of a forward pass inside the with block goes by these switches.

        with unpooling(switches(model, another)):
            gradients.deconvnet(model, photo, "koala")

    The forward pass is what it was: only where gradients go is changed.

    where:  as `switches` gives them, of as many images, or of one for all; None spreads each gradient evenly over its
            window
    Raises: LabError, when the network runs, for another number of poolings, or maps of another size
    Source: Zeiler & Fergus 2014, arXiv:1311.2901, section 2.1
    """
    for one in where or ():
        expect_tensor("each of the switches", one, "N C h w", of=torch.int64)
    with _Pools(replaced=True, where=where):
        yield


class _Pools(TorchFunctionMode):
    """Watches the max poolings of a forward pass, from a first one on, or gives each another way back."""

    def __init__(self, *, replaced: bool = False, where: Sequence[Tensor] | None = None, first: int = 0):
        super().__init__()
        self.replaced, self.where, self.seen = replaced, where, list[Tensor]()
        self.first = first

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func not in (F.max_pool2d, torch.max_pool2d):
            return func(*args, **(kwargs or {}))
        named = {"x" if name == "input" else name: value for name, value in (kwargs or {}).items()}
        x, options = _options(*args, **named)
        pooled, own = F.max_pool2d_with_indices(x, **options)
        self.seen.append(own)
        if not self.replaced:
            return pooled
        number = self.first + len(self.seen) - 1
        recompute_under(self, lambda: _Pools(replaced=True, where=self.where, first=number))
        return _Unpooled.apply(x, self._switches_of(number, x, pooled), options)

    def _switches_of(self, number: int, x: Tensor, pooled: Tensor) -> Tensor | None:
        if self.where is None:
            return None
        if number >= len(self.where) or self.where[number].shape[1:] != pooled.shape[1:]:
            known = [tuple(one.shape) for one in self.where]
            raise LabError(
                f"expected switches for max pooling {number}, {tuple(pooled.shape)}, got those of {known}; "
                "try switches(model, images) with images of the same size"
            )
        for end in (self.where[number].amin(), self.where[number].amax()):
            expect_whole("each switch", end, 0, x.shape[2] * x.shape[3] - 1)
        return self.where[number].expand_as(pooled)


def _options(
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, dict[str, Any]]:
    options = {"kernel_size": kernel_size, "stride": stride or kernel_size, "padding": padding}
    return x, {**options, "dilation": dilation, "ceil_mode": ceil_mode}


class _Unpooled(torch.autograd.Function):
    """Max pooling whose gradients go where they are told to."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, where: Tensor | None, options: dict[str, Any]) -> Tensor:
        ctx.shape, ctx.where, ctx.options = x.shape, where, options
        pooled: Tensor = F.max_pool2d(x, **options)
        return pooled

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        if ctx.where is None:
            return _spread(gradient, ctx.shape, ctx.options), None, None
        below = gradient.new_zeros(ctx.shape).flatten(2)
        below.scatter_add_(2, ctx.where.flatten(2), gradient.flatten(2))
        return below.view(ctx.shape), None, None


def _spread(gradient: Tensor, shape: torch.Size, options: dict[str, Any]) -> Tensor:
    """Each value, in equal parts, over its window: how a mean pooling hands it down."""
    if options["dilation"] not in (1, (1, 1)):
        raise LabError(
            f"expected windows without gaps, got a dilation of {options['dilation']}; try switches"
        )
    options = {name: value for name, value in options.items() if name != "dilation"}
    with torch.enable_grad():
        below = gradient.new_zeros(shape).requires_grad_()
        means = F.avg_pool2d(below, **options, count_include_pad=False)
    spread: Tensor = torch.autograd.grad(means, below, gradient)[0]
    return spread
