"""Receptive fields that go wrong: the right walk up the layers with one part exchanged."""


def chain(
    *,
    first=1,
    order=iter,
    spanned=lambda kernel, dilation: dilation * (kernel - 1),
    step=lambda stride, own: stride,
    padded=lambda padding, stride, own, dilation: -padding * stride,
    next_stride=lambda stride, own: stride * own,
    last=lambda size, stride, start: (size, stride, start),
    until=None,
):
    """A wrong answer: the right walk with one part exchanged.

    step: (stride so far, the layer's own) -> pixels in one step of the layer's kernel
    """

    def wrong(layers):
        size, stride, start = first, 1, 0
        for kernel, own, padding, dilation in [*order(layers)][:until]:
            size += spanned(kernel, dilation) * step(stride, own)
            start += padded(padding, stride, own, dilation)
            stride = next_stride(stride, own)
        return last(size, stride, start)

    return wrong


def down_on_the_way_up(layers):
    """A wrong answer: the formula for the way from the top layer down to the image."""
    size, stride, start = 1, 1, 0
    for kernel, step, padding, dilation in layers:
        size, start, stride = (
            (size - 1) * step + dilation * (kernel - 1) + 1,
            start - padding * stride,
            stride * step,
        )
    return size, stride, start


def written_over(layers):
    """A wrong answer: the loop's own stride takes the place of the one that is carried."""
    size, stride, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size, start = size + dilation * (kernel - 1) * stride, start - padding * stride
    return size, stride, start
