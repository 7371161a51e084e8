"""Receptive fields that go wrong: the right walk up the layers with one part exchanged."""

from collections.abc import Callable, Iterable

Layers = tuple[tuple[int, ...], ...]  # of each layer kernel, stride, padding, dilation
Field = tuple[int, int, int]  # size, stride, start


def chain(
    *,
    first: int = 1,
    order: Callable[[Layers], Iterable[tuple[int, ...]]] = iter,
    spanned: Callable[[int, int], int] = lambda kernel, dilation: dilation * (kernel - 1),
    step: Callable[[int, int], int] = lambda stride, own: stride,
    padded: Callable[[int, int, int, int], int] = lambda padding, stride, own, dilation: -padding * stride,
    next_stride: Callable[[int, int], int] = lambda stride, own: stride * own,
    last: Callable[[int, int, int], Field] = lambda size, stride, start: (size, stride, start),
    until: int | None = None,
) -> Callable[[Layers], Field]:
    """A wrong answer: the right walk with one part exchanged.

    step: (stride so far, the layer's own) -> pixels in one step of the layer's kernel
    """

    def wrong(layers: Layers) -> Field:
        size, stride, start = first, 1, 0
        for kernel, own, padding, dilation in [*order(layers)][:until]:
            size += spanned(kernel, dilation) * step(stride, own)
            start += padded(padding, stride, own, dilation)
            stride = next_stride(stride, own)
        return last(size, stride, start)

    return wrong


def down_on_the_way_up(layers: Layers) -> Field:
    """A wrong answer: the formula for the way from the top layer down to the image."""
    size, stride, start = 1, 1, 0
    for kernel, step, padding, dilation in layers:
        size, start, stride = (
            (size - 1) * step + dilation * (kernel - 1) + 1,
            start - padding * stride,
            stride * step,
        )
    return size, stride, start


def written_over(layers: Layers) -> Field:
    """A wrong answer: the loop's own stride takes the place of the one that is carried."""
    size, stride, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size, start = size + dilation * (kernel - 1) * stride, start - padding * stride
    return size, stride, start
