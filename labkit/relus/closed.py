"""A way through closed ReLUs, for climbs that begin where nothing fires.

Behind a ReLU that is closed all over an image the gradient is exactly 0, and an ascent stays where it is. There
what would open the ReLU is passed in place of the gradient, until something fires.

Source: Olah et al. 2017, "Feature Visualization", whose library lucid redirects ReLUs so; the code is ours
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from labkit.errors import LabError
from labkit.relus.calls import as_relu
from labkit.relus.masks import run_and_mark
from labkit.relus.rules import ReluCalls, let_through


def past_closed_relus(
    look: Callable[[], tuple[Tensor, Tensor]], closed: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Each image's gradient; for images in which ReLUs block it, what would open them.

    look:    -> gradient (N, …), scores (N,); called once, and once more where an image is blocked
    closed:  (N,) bool, the images that no gradient has come through to; torch.tensor(True) at first. In these,
             terms of a score that go through no ReLU, such as a penalty, do not hide that the others are blocked
    Returns: gradient, scores, and `closed` as it is now: less what came through, or had no ReLU to open
    """
    with LowestRelus() if closed.any() else nullcontext() as lowest:
        gradient, scores = look()
    blocked = ~_any_of_each(gradient)
    if lowest is not None:
        blocked = blocked | (closed & lowest.blocked(gradient))
    if not blocked.any():
        return gradient, scores, blocked
    rule = Opening()
    with ReluCalls(rule):
        opening, _ = look()
    chosen = torch.where(blocked.view(-1, *(1,) * (gradient.ndim - 1)), opening, gradient)
    anywhere = torch.full_like(blocked, any(flag.any() for flag in rule.flags))
    return chosen, scores, closed & blocked & _of_each_image(rule.flags, otherwise=anywhere)


def expect_open(closed: Tensor, steps: int) -> None:
    """Require that each image's climb got through its ReLUs.

    closed: (N,) bool, where none of so many steps did
    Raises: LabError that names the images
    """
    if closed.any():
        which = ", ".join(map(str, closed.nonzero()[:, 0].tolist()))
        where = "" if len(closed) == 1 else f" in {which} of the images 0 to {len(closed) - 1}"
        raise LabError(
            f"the climb has not moved{where}: nothing that was asked for fires, though each of {steps} steps pushed "
            "at the closed ReLUs; try another seed, size or start, more steps, or another channel"
        )


class Opening:
    """A backward rule: where the whole of an image's gradient is blocked at a ReLU, what would open it passes.

    That is what pushes up from below 0, and, in a ReLU6, down from its top. All else is the exact gradient.
    `flags` holds, for each ReLU, in which images it let something past.
    """

    asks_for_top = True

    def __init__(self) -> None:
        self.flags: list[Tensor] = []

    def __call__(self, grad: Tensor, kept: Tensor, is_at_top: Tensor) -> Tensor:
        exact = let_through(grad, kept)
        opening = torch.where(is_at_top, grad.clamp(max=0), grad.clamp(min=0))
        passes = ~_any_of_each(exact) & _any_of_each(opening)
        self.flags.append(passes)
        return torch.where(passes.view(grad.shape[:1] + (1,) * (grad.ndim - 1)), opening, exact)


class LowestRelus(TorchFunctionMode):
    """Watches the ReLUs that lie nearest to the images, and changes nothing.

    What comes through none of them has not come through a ReLU at all, whatever else the score is made of.
    """

    def __init__(self) -> None:
        super().__init__()
        self.nodes: set[Any] = set()  # autograd's, of all ReLU calls
        self.flags: list[Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        relu = as_relu(func, args, kwargs)
        output = run_and_mark(func, args, kwargs)
        if relu is not None:
            self._watch((relu.x if relu.in_place else output).grad_fn)
        return output

    def _watch(self, node: Any) -> None:
        if node is not None:
            if not self._is_above_another(node):
                node.register_hook(self._flag)
            self.nodes.add(node)

    def _flag(self, below: Sequence[Tensor | None], _above: object) -> None:
        self.flags += [_any_of_each(gradient) for gradient in below if gradient is not None][:1]

    def __exit__(self, *raised: Any) -> None:
        self.nodes.clear()  # they would keep the graph, and the images in it, for as long as this object lives
        super().__exit__(*raised)  # type: ignore[no-untyped-call]  # PyTorch's

    def _is_above_another(self, node: Any) -> bool:
        nodes, seen = [node], {None}
        while nodes:
            below = {node for node, _ in nodes.pop().next_functions} - seen
            if below & self.nodes:
                return True
            nodes += below
            seen |= below
        return False

    def blocked(self, gradient: Tensor) -> Tensor:
        """(N,) bool: the images in whose gradient (N, …) nothing came through ReLUs."""
        return ~_of_each_image(self.flags, otherwise=_any_of_each(gradient))


def _any_of_each(values: Tensor) -> Tensor:
    """Whether anything is not 0 in each of the first dimension's entries. The 1-norm is the fastest way to see it."""
    over = tuple(range(1, values.ndim))
    return (torch.linalg.vector_norm(values, ord=1, dim=over) if over else values) != 0


def _of_each_image(flags: list[Tensor], *, otherwise: Tensor) -> Tensor:
    """(N,): in which images any flag is up; another answer where there are no flags, or not one for each image."""
    fit = flags and all(flag.shape == otherwise.shape for flag in flags)
    return torch.stack(flags).any(dim=0) if fit else otherwise
