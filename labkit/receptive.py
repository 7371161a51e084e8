"""Which input pixels a unit of a layer can see.

The network runs once without arithmetic, on torch's meta device. Each operation hands on what every position
sees: a window sees the hull of its positions, a sum or concatenation the hull of both sides, padding nothing.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from labkit.arguments import expect_size, is_index, shown
from labkit.errors import LabError
from labkit.hooks import recording
from labkit.kernel import in_usual_numbers
from labkit.running import REFUSALS, expect_network, reason

WINDOWS = {"convolution", "max_pool2d_with_indices", "avg_pool2d", "avg_pool3d", "constant_pad_nd"}
MEANS = {"mean", "sum", "amax", "amin"}
_USUAL = (28, 32, 48, 64, 96, 128, 160, 192, 224, 256, 299, 384, 512)  # sides of images, in pixels
BY_DIM = {"cat", "stack", "slice", "select", "split", "squeeze", "unsqueeze", "transpose", "_softmax"}
LAYOUT = {"view", "expand", "clone", "detach", "copy", "_to_copy"}
UNTAGGED = {"native_batch_norm", "_prelu_kernel", "rsub", "hardswish"}  # pointwise, if not by torch's tag

Box = tuple[int, int, int, int]  # top, left, bottom, right; bottom and right are the first pixels outside


@dataclass(frozen=True, eq=False)
class ReceptiveField:
    """What the units of one layer see: size and stride in pixels, as (rows, columns) where those differ."""

    size: float | tuple[float, float]  # where no border cuts it off; inf behind a global pooling
    stride: float | tuple[float, float]  # from one unit's field to the next one's
    boxes: Tensor  # (h, w, 4) int64, each unit's box

    def box(self, row: int, column: int) -> Box:
        """Top, left, bottom, right: the smallest image[:, top:bottom, left:right] around all the unit sees.

        A unit that sees only padding has the empty box (0, 0, 0, 0). Raises: LabError for an unknown unit
        """
        h, w, _ = self.boxes.shape
        if not is_index(row, h) or not is_index(column, w):
            raise LabError(
                f"no unit ({shown(row)}, {shown(column)}): expected a row in 0..{h - 1}, a column in 0..{w - 1}"
            )
        top, left, bottom, right = self.boxes[int(row), int(column)].tolist()
        return top, left, bottom, right


@in_usual_numbers
def receptive_field(net: nn.Module, layer: str, input_size: int | tuple[int, int]) -> ReceptiveField:
    """The pixels that each unit of a layer sees, borders included. Batch statistics do not count.

    input_size: side of a square image, or (H, W)
    Raises: LabError for a layer that is unknown, does not run or puts out no map; for an image the network
            cannot take; for an operation on the way that moves positions in a way not known here
    Source: Araujo et al. 2019, Computing Receptive Fields of Convolutional Neural Networks, distill.pub
    """
    expect_network(net)
    is_pair, name = isinstance(input_size, tuple | list), type(net).__name__
    size = expect_size("input_size", input_size if is_pair else (input_size, input_size))
    with recording(net, layer) as seen:
        following = _followed(net, size)
    if layer not in seen:
        raise LabError(f"layer {layer!r} does not run when {name} looks at an image; try another one")
    field, shape = following.fields.get(seen[layer], "nothing in the image"), tuple(seen[layer].shape)
    if len(shape) != 4:
        raise LabError(f"{layer!r} puts out {shape}, not a map: it sees the whole picture; try a convolution")
    if isinstance(field, str):
        raise LabError(f"cannot follow {layer!r} to the image: it hangs on {field}; try an earlier layer")
    return field.as_found(shape[2:])


def _followed(net: nn.Module, size: tuple[int, int]) -> "_Following":
    """What each tensor sees of an image of that size. Raises: LabError that names a size that fits"""
    try:
        return _walk(net, size)
    except REFUSALS as error:
        fitting = [side for side in _USUAL if _takes(net, side)]
        near = min(fitting, key=lambda side: abs(side - min(size)), default=None)
        mend = f"try {near} × {near}" if near else f"none of {_USUAL[0]} to {_USUAL[-1]} pixels fits either"
        why, got = reason(error), f"(1, 3, {size[0]}, {size[1]})"
        raise LabError(f"{type(net).__name__} cannot take an image {got}: {why}; {mend}") from error


def _walk(net: nn.Module, size: tuple[int, int]) -> "_Following":
    dtype = next((weight.dtype for weight in net.parameters()), None)
    with torch.inference_mode(False), torch.no_grad():
        image = torch.empty(1, 3, *size, dtype=dtype, device="meta")
        with (following := _Following(image)):
            net(image)
    return following


def _takes(net: nn.Module, side: int) -> bool:
    """Whether a network can take square images of that side."""
    try:
        _walk(net, (side, side))
    except REFUSALS:
        return False
    return True


class _Field(NamedTuple):
    """A box is (-top, -left, bottom, right): a hull of boxes is their maximum, the box of nothing -inf."""

    seen: Tensor  # (4, h, w), each position's box; (4, 1, 1) where all see the same
    first: Tensor  # (4,), position (0, 0)'s box if the image had no borders
    jump: Tensor  # (2,), pixels down to the next row's box, right to the next column's

    def as_found(self, shape: tuple[int, ...]) -> ReceptiveField:
        """In whole numbers where they are whole, for a map of that height and width."""
        boxes = self.seen.expand(4, *shape) * torch.tensor([-1, -1, 1, 1]).view(4, 1, 1)
        boxes = boxes.where(boxes.isfinite(), 0).long().permute(1, 2, 0)
        pairs = [(self.first[:2] + self.first[2:]).tolist(), self.jump.tolist()]
        pairs = [[int(n) if n.is_integer() else n for n in pair] for pair in pairs]
        size, stride = (a if a == b else (a, b) for a, b in pairs)
        return ReceptiveField(size, stride, boxes)

    def windows(self, shape: torch.Size, *sliding: list[int]) -> "_Field":
        """What windows see, in a map of that shape. sliding: kernel, stride, padding before, dilation."""
        kernel, stride, before, dilation = torch.tensor([(list(sides) * 2)[-2:] for sides in sliding])
        reach = dilation * (kernel - 1)
        after = (torch.tensor(shape) - 1) * stride + reach + 1 - torch.tensor(self.seen.shape[1:]) - before
        padding = torch.stack([before, after], 1).flip(0).flatten()  # left, right, top, bottom
        padded = F.pad(self.seen, padding.tolist(), value=-torch.inf)
        seen = F.max_pool2d(padded, kernel.tolist(), stride.tolist(), 0, dilation.tolist())
        first = self.first + torch.cat([before, reach - before]) * self.jump.repeat(2)
        return _Field(seen, first, self.jump * stride)

    def bins(self, *shape: int) -> "_Field":
        """What the bins of adaptive pooling see. A single bin grows with the image, so its size is inf."""
        sides = list(zip(self.seen.shape[1:], shape, strict=True))
        wide = [
            max(-(-(i + 1) * n // m) - i * n // m for i in range(m)) - 1 if m > 1 else torch.inf
            for n, m in sides
        ]
        first = self.first + torch.tensor([0, 0, *wide]) * self.jump.repeat(2)
        jump = self.jump * torch.tensor([n / m if m > 1 else 1 for n, m in sides])  # a single bin has no next
        return _Field(F.adaptive_max_pool2d(self.seen, shape), first, jump)


class _Following(TorchDispatchMode):
    """Runs every operation on meta tensors, and keeps what each tensor that comes of the image sees."""

    def __init__(self, image: Tensor):
        super().__init__()  # type: ignore[no-untyped-call]  # PyTorch's
        row, column = torch.meshgrid(*(torch.arange(n, device="cpu") for n in image.shape[2:]), indexing="ij")
        seen = torch.stack([-row, -column, row + 1, column + 1]).float()
        start = _Field(seen, torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.ones(2))
        self.fields: dict[Tensor, _Field | str] = {image: start}  # an operation's name where track was lost

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        args, kwargs = tree_map_only(Tensor, lambda tensor: tensor.to("meta"), (args, dict(kwargs or {})))
        out = func(*args, **kwargs | ({"device": "meta"} if "device" in kwargs else {}))
        given = {a.name: a.default_value for a in func._schema.arguments}
        given |= dict(zip(given, args, strict=False)) | kwargs
        name = func._schema.name.removeprefix("aten::").removeprefix("_unsafe_").rstrip("_")
        inputs = {t: self.fields[t] for t in tree_leaves(given) if isinstance(t, Tensor) and t in self.fields}
        if inputs and not name.startswith("new_") and not name.endswith("_like"):
            given["stays"] = torch.Tag.pointwise in func.tags or name in LAYOUT | UNTAGGED
            for tensor in [t for t in tree_leaves(out) if isinstance(t, Tensor)]:
                self.fields[tensor] = _follow(name, given, inputs, tensor)
            if func._schema.is_mutable and args[0]._is_view():
                self.fields[args[0]._base] = f"{name}_ on a part of it"
        return out


def _follow(
    name: str, given: dict[str, Any], inputs: dict[Tensor, _Field | str], out: Tensor
) -> _Field | str:
    """What the output of an operation sees; the operation's name if it moves positions in an unknown way."""
    fields = [field for field in inputs.values() if isinstance(field, _Field)]
    maps = {field.seen.shape for field in fields if field.seen[0].numel() > 1}
    if len(fields) < len(inputs) or len(maps) > 1:
        return next((field for field in inputs.values() if isinstance(field, str)), name)
    field = _Field(*(reduce(torch.maximum, parts) for parts in zip(*fields, strict=True)))
    x, shape = next(iter(inputs)), out.shape[-2:]
    if (name in WINDOWS or "adaptive" in name) and out.ndim > 3 and not given.get("transposed"):
        field = field._replace(seen=field.seen.expand(4, *x.shape[-2:]))
        if "adaptive" in name:
            return field.bins(*shape)
        kernel = given["weight"].shape if "weight" in given else given.get("kernel_size", [1])
        stride, dilation = given.get("stride") or kernel, given.get("dilation", [1])
        before = given["padding"] if "padding" in given else [*given["pad"], 0, 0][2::-2]  # top, left
        return field.windows(shape, kernel, stride, before, dilation)
    n, keys = max(x.ndim, out.ndim, 1), ("dim", "dim0", "dim1")
    dims = {d % n for key in keys for d in tree_leaves(given.get(key)) if d is not None} or set(range(n))
    spatial = dims & {n - 2, n - 1}
    flattened = name == "view" and out.ndim == 2 and out.shape[1] % field.seen[0].numel() == 0
    instances = name == "native_batch_norm" and given["training"] and given["running_mean"] is None
    if flattened or instances or name == "native_group_norm" or (name in MEANS and len(spatial) == 2):
        return field.bins(1, 1)
    stays = given["stays"] or (name in BY_DIM | MEANS and not spatial)
    return field if not maps or (stays and field.seen.shape[1:] == shape) else name
