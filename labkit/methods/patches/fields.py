"""Which pixels a unit sees, by hand: for chains of layers, as one works it out on paper."""

from collections.abc import Iterable, Sequence

from labkit.receptive import Box


def chain_field(layers: Iterable[Sequence[int]]) -> tuple[int, int, int]:
    """What units see behind a chain of convolutions and pools without branches, along one side, in pixels.

    layers:  from the image upwards, each (kernel, stride, padding, dilation)
    Returns: size, how many pixels one unit sees; stride, from one unit's first pixel to the next one's;
             start, the first pixel of unit 0, negative where it lies in the padding
    Source:  Araujo et al. 2019, Computing Receptive Fields of Convolutional Neural Networks, distill.pub
    """
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size += dilation * (kernel - 1) * jump
        start -= padding * jump
        jump *= stride
    return size, jump, start


def unit_box(row: int, column: int, field: tuple[int, int, int], image_size: tuple[int, int]) -> Box:
    """The pixels that a unit sees: its field, less what lies outside the image.

    field: size, stride and start, as from chain_field;  image_size: (H, W)
    """
    size, stride, start = field
    (top, bottom), (left, right) = (
        (max(start + place * stride, 0), min(start + place * stride + size, side))
        for place, side in zip((row, column), image_size, strict=True)
    )
    return top, left, bottom, right
