"""What can be wrong with an argument, by what stands there when it is right."""

import copy

import numpy as np
import torch
from torch import nn

SIZES = {"nobody": (0, 0), "negative": (-1, 4), "one": (1,), "three": (8, 8, 8), "bare": 8, "halves": (7.5, 8),
         "words": ("8", "8"), "none": None, "tiny": (1, 1), "list": [8, 8]}  # fmt: skip
WHOLE = {"zero": 0, "negative": -1, "large": 97, "half": 2.5, "float": 1.0, "yes": True, "none": None, "word": "3",
         "nan": float("nan"), "infinite": float("inf"), "tensor": torch.tensor(1), "several": torch.arange(3),
         "numpy": np.int64(1), "list": [1]}  # fmt: skip
NUMBER = {"zero": 0.0, "negative": -1.0, "nan": float("nan"), "infinite": float("inf"), "minus infinite": -float("inf"),
          "yes": True, "none": None, "word": "0.5", "vast": 1e30, "faint": 1e-30, "whole": 1,
          "tensor": torch.tensor(0.5), "several": torch.rand(3)}  # fmt: skip
WORD = {
    "unknown": "nope",
    "empty": "",
    "none": None,
    "number": 3,
    "list": ["a", "b"],
    "bytes": b"0",
    "tensor": torch.rand(2),
}
SEVERAL = {"none": None, "nobody": [], "bare": 1, "negative": [-1], "far": [99], "halves": [0.5], "yes": [True],
           "words": ["nope"], "nones": [None], "tensor": torch.tensor([0, 1]), "floats": torch.rand(2), "many": [0] * 7,
           "deep": [[0], [1]], "text": "nope"}  # fmt: skip
YES = {"none": None, "word": "yes", "number": 2}
NO_NETWORK = {"none": None, "word": "squeezenet", "class": nn.ReLU, "function": torch.relu}


def _with(tensor, value):
    tensor = tensor.clone()
    if tensor.numel():
        tensor.view(-1)[tensor.numel() // 2] = value
    return tensor


SAME = {  # the same numbers, so that the same answer is right
    "gradient wanted": lambda t: t.clone().requires_grad_() if t.is_floating_point() else t,
    "with gaps": lambda t: torch.stack([t, t], dim=-1)[..., 0],
    "turned in memory": lambda t: t.transpose(0, -1).contiguous().transpose(0, -1) if t.ndim else t,
    "of inference": lambda t: torch.inference_mode()(lambda: t.clone())(),
    "parameter": lambda t: nn.Parameter(t.clone()) if t.is_floating_point() else t,
}
OTHER = {
    **{str(d).removeprefix("torch."): (lambda t, d=d: t.to(d)) for d in (
        torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool,
        torch.complex64)},
    "meta": lambda t: t.to("meta"),
    "nan": lambda t: _with(t, torch.nan) if t.is_floating_point() else t,
    "infinite": lambda t: _with(t, -torch.inf) if t.is_floating_point() else t,
    "negative": lambda t: -t - 1 if t.dtype != torch.bool else ~t,
    "large": lambda t: t * 255,
    "sparse": lambda t: t.to_sparse(),
    "constant": torch.zeros_like,
    "first only": lambda t: t[0] if t.ndim else t,
    "one more": lambda t: t[None],
    "flat": lambda t: t.flatten(),
    "scalar": lambda t: t.flatten()[0],
    "nobody": lambda t: t[:0] if t.ndim else t,
    "no width": lambda t: t[..., :0] if t.ndim else t,
    "one": lambda t: t[:1] if t.ndim else t,
    "one channel": lambda t: t[:, :1] if t.ndim > 1 else t,
    "two channels": lambda t: t[:, :2] if t.ndim > 1 else t,
    "a column": lambda t: t[..., :1] if t.ndim else t,
    "a pixel": lambda t: t[..., :1, :1] if t.ndim > 1 else t,
    "narrow": lambda t: t[..., :-1] if t.ndim else t,
    "turned": lambda t: t.mT if t.ndim > 1 else t,
    "channels last": lambda t: t.movedim(1, -1) if t.ndim > 1 else t,
    "longer": lambda t: torch.cat([t, t]) if t.ndim else t,
    "numpy": lambda t: t.numpy(),
    "list": lambda t: t.tolist(),
    "none": lambda t: None,
    "number": lambda t: 1.0,
    "word": lambda t: "a photo",
    "split": lambda t: list(t.unbind()) if t.ndim else [t],
}  # fmt: skip


def ways(right):
    """name -> what may stand in a right argument's place."""
    if isinstance(right, torch.Tensor):
        return {name: change(right) for name, change in {**SAME, **OTHER}.items() if _can(change, right)}
    if isinstance(right, nn.Module):
        trained = copy.deepcopy(right).train()
        return {
            **NO_NETWORK,
            "in training": trained,
            "bare": getattr(right, "net", right),
            "empty": nn.Sequential().eval(),
        }
    for kind, wrong in (
        (bool, YES),
        (int, WHOLE),
        (float, NUMBER),
        (str, WORD),
        (tuple, SIZES),
        (list, SEVERAL),
    ):
        if isinstance(right, kind):
            return wrong
    return {}


def _can(change, tensor):
    """Whether there is such a change of this tensor."""
    try:
        change(tensor)
    except (RuntimeError, TypeError, ValueError):
        return False
    return True
