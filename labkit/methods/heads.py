"""How classifiers end: pooling, flattening, linear layers; found in a forward pass, and replaced in another one."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from labkit.errors import LabError

Sides = tuple[int, int]


def as_convolution(linear: nn.Linear, kernel: Sides, *, dilation: Sides = (1, 1)) -> nn.Conv2d:
    """A linear layer over a flattened map, as the convolution that says the same where it fits in one place.

    kernel:  (h, w) of the map that was flattened
    Returns: a Conv2d with the layer's own weights, (K, C·h·w) seen as (K, C, h, w): shared, not copied
    Raises:  LabError if the layer's inputs do not divide into maps of h × w
    """
    h, w = kernel
    channels, rest = divmod(linear.in_features, h * w)
    if rest:
        raise LabError(f"expected inputs in maps of {h} × {w}, got {linear.in_features}; try another kernel")
    with torch.device("meta"):  # no time and memory for weights that are replaced at once
        convolution = nn.Conv2d(channels, linear.out_features, kernel, dilation=dilation)
    weight, bias = linear.weight.detach().view(-1, channels, h, w), linear.bias
    convolution.weight = nn.Parameter(weight, requires_grad=False)
    convolution.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)
    return convolution


def linear_everywhere(maps: Tensor, layer: nn.Conv2d) -> Tensor:
    """What a linear layer over flattened maps says at every position of larger ones.

    maps:    (N, C, H, W);  layer: the linear layer as `as_convolution` gives it
    Returns: (N, K, H - h + 1, W - w + 1)
    """
    logits: Tensor = layer(maps)
    return logits


def logits_everywhere(maps: Tensor, layer: nn.Conv2d, window: Sides) -> Tensor:
    """The mean of every window of a map, and what a linear layer says of it.

    maps:    (N, C, H, W);  layer: a linear layer over C numbers as a convolution of 1 × 1;  window: (h, w), in cells
    Returns: (N, K, H - h + 1, W - w + 1)
    """
    return linear_everywhere(F.avg_pool2d(maps, window, stride=1), layer)


class Reading(TorchFunctionMode):
    """Watches a forward pass for its head: the map that is pooled, flattened, and the weights after that."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: Sides = (0, 0)  # of the map before pooling
        self.kernel: Sides = (0, 0)  # of the map that is flattened
        self.weights: list[int] = []
        self.pool_call, self.pools, self.pooled, self.before = 0, 0, None, (0, 0)
        self.flattened: Tensor | None = None
        self.linear_follows = False  # whether what is flattened goes into a linear layer as it is

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func is F.adaptive_avg_pool2d:
            self.pools, self.pooled, self.before = self.pools + 1, out, tuple(args[0].shape[2:])
        elif _flattens_a_map(func, args, kwargs):
            self.cells, self.flattened = tuple(args[0].shape[2:]), out
            self.kernel = self.cells
            if args[0] is self.pooled:
                self.pool_call, self.cells = self.pools, self.before
        elif func is F.linear and self.kernel != (0, 0):
            self.linear_follows |= args[0] is self.flattened
            self.weights.append(id(args[1]))
        return out


class Replacing(TorchFunctionMode):
    """Runs a forward pass with the calls of its head replaced by means of windows and by convolutions.

    pool_call: which call of the pooling it is, from 1;  others: as in `Reading` and `Dense`
    """

    def __init__(
        self, convolutions: Iterable[nn.Module], window: Sides, pool_call: int, linear_follows: bool
    ):
        super().__init__()
        self.convolutions, self.window = iter(convolutions), window
        self.pool_call, self.linear_follows = pool_call, linear_follows
        self.pools, self.flat, self.is_first = 0, False, True  # seen so far

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        self.pools += func is F.adaptive_avg_pool2d
        if func is F.adaptive_avg_pool2d and self.pools == self.pool_call:
            return args[0] if self.linear_follows else F.avg_pool2d(args[0], self.window, stride=1)
        if _flattens_a_map(func, args, kwargs):
            self.flat = True
            return args[0].contiguous()  # a large kernel takes it twice as fast as channels_last
        if func is F.linear and self.flat:
            first, self.is_first = self.is_first, False
            layer: Any = next(self.convolutions)
            if first and self.linear_follows:
                return logits_everywhere(args[0], layer, self.window)
            return linear_everywhere(args[0], layer)
        return func(*args, **(kwargs or {}))


def _flattens_a_map(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> bool:
    start = args[1] if len(args) > 1 else (kwargs or {}).get("start_dim", 0)
    return func in (torch.flatten, Tensor.flatten) and args[0].ndim == 4 and start == 1
