"""One neuron and the photo in which it fires: where that is, what it sees, its gradient under three rules."""

from typing import NamedTuple

import torch
from torch import Tensor

from labkit.arguments import expect_box, expect_number, expect_tensor, expect_whole, shown
from labkit.errors import LabError
from labkit.kernel import in_usual_numbers
from labkit.methods.activations import expect_maps
from labkit.methods.gradients import RULES, input_gradient, neuron, relu_rule
from labkit.models import Classifier
from labkit.receptive import Box
from labkit.relus import expect_reached


class Neuron(NamedTuple):
    """A neuron, and the photo in which it fires, by its number in the batch."""

    photo: int
    channel: int
    row: int
    column: int


def loudest(maps: Tensor, channel: int) -> Neuron:
    """Where a channel fires most. maps: (N, C, h, w)."""
    expect_maps(maps)
    expect_whole("channel", channel, 0, maps.shape[1] - 1)
    photo, row, column = torch.unravel_index(maps[:, channel].argmax(), maps[:, channel].shape)
    return Neuron(int(photo), channel, int(row), int(column))


def standouts(maps: Tensor, *, count: int, margin: int = 0) -> list[Neuron]:
    """The neurons that stand out most from their channel's mean, each of another channel and in another photo.

    maps:   (N, C, h, w)
    margin: rows and columns at the border that are left out, where a neuron sees padding
    """
    expect_tensor("maps", maps, "N C h w")
    expect_whole("count", count, 1)
    expect_whole("margin", margin, 0)
    h, w = maps.shape[2:]
    margin = min(margin, (min(h, w) - 1) // 2)
    inside = maps[..., margin : h - margin, margin : w - margin]
    deviation, mean = torch.std_mean(maps, dim=(0, 2, 3))
    places: dict[int, Neuron] = {}
    for channel in ((inside.amax(dim=(0, 2, 3)) - mean) / deviation.clamp(min=1e-6)).argsort(descending=True):
        photo, _, row, column = loudest(inside, int(channel))
        places.setdefault(photo, Neuron(photo, int(channel), row + margin, column + margin))
    return list(places.values())[:count]


def shrink(box: Box, share: float) -> Box:
    """The middle of a box: that share of its height and of its width."""
    expect_box(box)
    expect_number("share", share, 0, 1)
    top, left, bottom, right = box
    dy, dx = (int((end - start) * (1 - share) / 2) for start, end in ((top, bottom), (left, right)))
    return top + dy, left + dx, bottom - dy, right - dx


def around(image: Tensor, maps: Tensor, place: Neuron, *, side: int) -> Box:
    """A square of the image around a neuron's position, pushed inside where it would stick out.

    image: (…, H, W);  maps: (…, h, w), those of the neuron's layer;  side: in pixels
    """
    expect_tensor("image", image, "… H W", of="numbers")
    expect_tensor("maps", maps, "… h w", of="numbers")
    side = expect_whole("side", side, 1)
    if not isinstance(place, Neuron):
        raise LabError(f"expected a Neuron, got {shown(place)}; try loudest(maps, channel)")
    expect_whole("the neuron's row", place.row, 0, maps.shape[-2] - 1)
    expect_whole("the neuron's column", place.column, 0, maps.shape[-1] - 1)
    starts = []
    for position, cells, pixels in zip(
        (place.row, place.column), maps.shape[-2:], image.shape[-2:], strict=True
    ):
        middle = (position + 0.5) * pixels / cells
        starts.append(max(0, min(round(middle - side / 2), pixels - side)))
    top, left = starts
    return top, left, min(top + side, image.shape[-2]), min(left + side, image.shape[-1])


def crop(images: Tensor, box: Box) -> Tensor:
    """(…, H, W) -> (…, h, w): what lies in the box."""
    expect_tensor("images", images, "… H W", of="numbers")
    expect_box(box)
    top, left, bottom, right = box
    return images[..., top:bottom, left:right]


@in_usual_numbers
def three_rules(
    model: Classifier, image: Tensor, layer: str, *, channel: int, row: int, column: int
) -> dict[str, Tensor]:
    """One neuron's gradient under each rule for the ReLUs.

    image:   (1, 3, H, W) in 0..1
    Returns: rule -> (1, 3, H, W), signed
    Raises:  LabError for an unknown layer, channel, row or column, and for a network without a ReLU
    """
    objective = neuron(model, layer, channel=channel, row=row, column=column)
    gradients = {}
    for rule in RULES:
        with relu_rule(rule) as relus:
            gradients[rule] = input_gradient(objective, image)
        if rule != "gradient":
            expect_reached(relus, rule)
    return gradients
