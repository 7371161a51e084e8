"""Running a network that somebody else made: where it cannot take the images, a sentence that says so."""

from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from labkit.arguments import shown
from labkit.errors import LabError

_TORCH = str(Path(torch.__file__).parent)
_OURS = str(Path(__file__).parent)
_MODES = ("__torch_function__", "__torch_dispatch__")
REFUSALS = (
    RuntimeError,
    ValueError,
    IndexError,
    AssertionError,
)  # what a forward pass raises for other images


class OnlyLooks(partial[None]):
    """A hook that copies at most, so that it makes no difference to it how the network computes."""


def expect_network(net: Any) -> None:
    """Require a network. Raises: LabError"""
    if not isinstance(net, nn.Module):
        got = net.__name__ if isinstance(net, type) else f"a {type(net).__name__}"
        raise LabError(f"expected a network, got {got}; try models.load(), or any nn.Module")


def run(net: nn.Module, images: Tensor, *, side: int | None = None) -> Any:
    """What a network answers to images.

    side:   of the images that it was made for, in pixels, where that is known
    Raises: LabError where the network cannot take such images: too small, too large, or of other floats than its
            weights. What comes out of somebody's hook, and an error that has another cause, is let pass as it is
    """
    expect_network(net)
    if not isinstance(images, Tensor) or images.is_meta:
        raise LabError(f"expected images as a tensor with values, got {shown(images)}; try images.load")
    try:
        return net(images)
    except torch.OutOfMemoryError:
        raise
    except REFUSALS as error:
        if _of_a_callback(error.__traceback__):
            raise
        raise refusal(net, images, error, side=side) from error


def refusal(net: nn.Module, images: Tensor, error: Exception, *, side: int | None = None) -> LabError:
    """That a network cannot take such images, why, and what it may take."""
    got = f"{tuple(images.shape)} {str(images.dtype).removeprefix('torch.')} on {images.device.type}"
    weights = next((weight for weight in net.parameters() if weight.is_floating_point()), images)
    if weights.dtype != images.dtype or weights.device != images.device:
        mend = f"images.to({weights.device.type!r}, {weights.dtype}), as its weights are"
    elif side is not None and tuple(images.shape[2:]) != (side, side):
        mend = f"images of {side} × {side} pixels"
    else:
        mend = "images of the size that it was trained on"
    return LabError(f"{type(net).__name__} cannot take images {got}: {reason(error)}; try {mend}")


def reason(error: Exception) -> str:
    """What an error says, as a part of a sentence."""
    text = str(error).partition("\n")[0].replace(". ", ", ").replace("; ", ", ").strip(" .;")
    return text[:200] or type(error).__name__


def _of_a_callback(trace: TracebackType | None) -> bool:
    """Whether an error came out of a hook or a mode that somebody has put around the network."""
    below = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        is_torchs, is_ours = (code.co_filename.startswith(place) for place in (_TORCH, _OURS))
        is_hook = below.endswith("module.py") and code.co_name != "forward"
        is_hook = is_hook or below.startswith(_OURS)  # what the lab itself calls inside, such as a stand-in
        if not (is_torchs or is_ours) and (is_hook or code.co_name in _MODES):
            return True
        below = code.co_filename if is_torchs or is_ours else ""
        trace = trace.tb_next
    return False
