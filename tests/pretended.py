"""A second device in pretence: tensors that say they are on it and refuse to meet others; the CPU computes them.

It stands in for a GPU where there is none. What is not tested so: speed, and rounding other than the CPU's.
"""

import os
from collections import Counter

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

aten = torch.ops.aten
NAME = "pretended"
CPU = torch.device("cpu")
COPIES = (aten._to_copy.default, aten.copy_.default)
TAKE_INDICES_FROM_ANYWHERE = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default)
moves = Counter()  # "numbers" from one device to the other, and each "item" that Python waits for


def set_up():
    """Let PyTorch know the device, once and for the whole process, before anything is differentiated in it.

    Raises: ImportError where PyTorch has no devices made in Python (before 2.9)
    """
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME)
    for name, function in {
        "empty.memory_format": _empty,
        "empty_strided": _strided,
        "_copy_from": _copy,
    }.items():
        LIBRARY.impl(name, function, "PrivateUse1")


class There(torch.Tensor):
    """A tensor on the second device; `here` holds its numbers."""

    @staticmethod
    def __new__(cls, here):
        facts = {"strides": here.stride(), "storage_offset": here.storage_offset(), "dtype": here.dtype}
        made = torch.Tensor._make_wrapper_subclass(cls, here.size(), device=torch.device(NAME, 0), **facts)
        made.here = here
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})

    def __repr__(self):
        return f"There({self.here})"

    def tolist(self):
        moves["item"] += 1
        return self.here.tolist()

    def numpy(self):
        raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy. Use Tensor.cpu()")


class OnTwoDevices(TorchDispatchMode):
    """While it lasts, `device="pretended"` can be asked for."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})


def run(func, args, kwargs):
    """What an operation gives, on the device of its tensors, or the one that was asked for."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    is_there = any(isinstance(tensor, There) for tensor in tensors)
    is_here = any(not isinstance(tensor, There) and not tensor.is_meta for tensor in tensors)
    wanted = kwargs.get("device") and torch.device(kwargs["device"])
    _note(func, tensors, is_there, is_here, wanted)
    if wanted is not None and wanted.type == NAME:
        kwargs = kwargs | {"device": CPU}
    answer = func(*tree_map(here, args), **tree_map(here, kwargs))
    if args and isinstance(answer, torch.Tensor) and answer is here(args[0]):
        return args[0]  # in place
    comes_back = func is COPIES[0] and wanted == CPU
    if (is_there and not comes_back) or (wanted is not None and wanted.type == NAME):
        return tree_map(there, answer)
    return answer


def _note(func, tensors, is_there, is_here, wanted):
    """Count what moves, and refuse what a GPU refuses."""
    is_carried = func is COPIES[0] and wanted is not None and wanted.type != (NAME if is_there else "cpu")
    if is_carried or (func is COPIES[1] and is_there and is_here):
        moves["numbers"] += tensors[-1].numel()
    moves["item"] += is_there and func is aten._local_scalar_dense.default
    if is_there and func not in (*COPIES, *TAKE_INDICES_FROM_ANYWHERE):
        for tensor in tensors:
            if tensor.ndim and not isinstance(tensor, There) and not tensor.is_meta:
                found = f"{NAME}:0 and cpu, in {func}"
                raise RuntimeError(f"Expected all tensors to be on the same device, found {found}")


def here(value):
    return value.here if isinstance(value, There) else value


def there(value):
    is_other = isinstance(value, torch.Tensor) and not isinstance(value, There) and not value.is_meta
    return There(value) if is_other else value


LIBRARY = torch.library.Library("aten", "IMPL")


def _empty(size, *, dtype=None, layout=None, device=None, pin_memory=None, memory_format=None):
    return There(
        torch.empty(size, dtype=dtype, device=CPU, memory_format=memory_format or torch.contiguous_format)
    )


def _strided(size, stride, *, dtype=None, layout=None, device=None, pin_memory=None):
    return There(torch.empty_strided(size, stride, dtype=dtype, device=CPU))


def _copy(source, target, non_blocking=False):
    if isinstance(source, There) != isinstance(target, There):
        moves["numbers"] += source.numel()
    here(target).copy_(here(source))
    return target


if PRETENDING := "LABKIT_PRETENDED_DEVICE" in os.environ:
    set_up()
