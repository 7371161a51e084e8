"""What an exception means: the words of this PyTorch and this Python are recognised, and others left alone."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from labkit.checks.crashes import meaning

A, LEAF = torch.randn(2, 3), torch.randn(2, 3, requires_grad=True)
NET = nn.Conv2d(3, 4, 3)


def backward_twice():
    score = (LEAF * 2).square().sum()
    score.backward()
    score.backward()


def in_place():
    y = LEAF.exp()
    y += 1
    y.sum().backward()


CRASHES = {
    "two tensors meet": lambda: A + torch.randn(4, 5),
    "columns as b has rows": lambda: A @ A,
    "another number of values": lambda: A.view(4, 4),
    "fewer dimensions than you name": lambda: A.sum(dim=3),
    "more dimensions than the tensor has": lambda: A[0, 0, 0],
    "beyond the end": lambda: A[5],
    "tensors of one shape": lambda: torch.stack([A, A[0]]),
    "all others agree": lambda: torch.cat([A, A.T]),
    "autograd has followed nothing": lambda: torch.autograd.grad(A.sum(), A),
    "does not depend on the tensor": lambda: torch.autograd.grad(
        LEAF.sum(), torch.randn(2, requires_grad=True)
    ),
    "only one number can be differentiated": lambda: torch.autograd.grad(LEAF, LEAF),
    "one pass can be differentiated once": backward_twice,
    "is written into": lambda: LEAF.add_(1),
    "detach() it first": lambda: LEAF.numpy(),
    "was written over": in_place,
    "belongs to a tensor that nothing": lambda: (LEAF * 2).requires_grad_(False),
    "one number is wanted": lambda: int(A),
    "want one answer": lambda: bool(A > 0 and A < 1),
    "indices and labels are whole numbers": lambda: A[torch.tensor([0.0])],
    "a convolution takes (N, channels": lambda: NET(torch.randn(1, 5, 9, 9)),
    "a batch is wanted": lambda: NET(torch.randn(9, 9)),
    "smaller than the window": lambda: NET(torch.randn(1, 3, 2, 2)),
    "other arguments than it takes": lambda: (lambda image: image)(1, 2),
    "nonsense is not known here": lambda: nonsense,  # noqa: F821
    "F is torch.nn.functional": lambda: exec("F", {}),
    "say which dimensions roll": lambda: A.roll((1, 1)),
    "as a share of 1": lambda: A.quantile(50),
    "this goes along one dimension": lambda: A.argmax(dim=(0, 1)),
    "labels count from 0": lambda: F.cross_entropy(A, torch.tensor([0, 3])),
    "whole number: // divides": lambda: F.interpolate(A[None, None], size=(1.5, 2.5)),
    "np is not imported": lambda: np,  # noqa: F821
    "max along a dimension gives two things": lambda: A.max(dim=1).max(dim=0),
    "min along a dimension gives two": lambda: A - A.min(dim=1),
    "as long as the dimension": lambda: A[torch.tensor([True, False, True])],
    "only a square matrix": lambda: torch.linalg.eigh(A),
    "have no mean": lambda: (A > 0).mean(),
    "takes (N, C, height, width)": lambda: F.interpolate(A, size=(4, 4), mode="bilinear"),
    "a kernel (K, C, height, width)": lambda: F.conv2d(torch.randn(1, 3, 9, 9), A[None]),
    "before the dot stands a plain str": lambda: "features.2".register_forward_hook(print),
    "something is None": lambda: None.shape,
    "more or fewer names than there are values": lambda: exec("a, b = 1, 2, 3"),
    "// divides to one": lambda: range(3 / 2),
    "can be 0 is divided by": lambda: 1 // 0,
    "print its type": lambda: A.shape[0](),
    "cannot be combined": lambda: [1] - 2,
    "no such method or part": lambda: A.meen(),
    "numbers of two types meet": lambda: A.double() @ A.T,
    "larger than what there is to choose from": lambda: A.topk(9),
    "asked of nothing": lambda: torch.zeros(0).max(),
    "the list is empty": lambda: torch.stack([]),
    "takes one of them": lambda: F.one_hot(A),
}
CRASHES["indices and labels are whole numbers (int64)"] = CRASHES.pop("takes one of them")


@pytest.mark.parametrize("words", CRASHES)
def test_an_exception_is_explained(words):
    with pytest.raises(Exception) as error:  # noqa: PT011 (of many kinds)
        CRASHES[words]()
    told = f"{type(error.value).__name__}: {error.value}\nin line 3 of your cell: a + b"
    assert words in meaning(told), told


@pytest.mark.parametrize("message", ["ValueError: by hand", "KeyError: 'maps'", "ZooError: the lion is out"])
def test_what_explains_itself_is_left_alone(message):
    assert meaning(message) == ""
