"""Which pixels a unit sees: for chains of layers, as one works it out on paper, and for any network."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import Any

import torch
from torch import nn

from labkit.arguments import expect_size, expect_whole, expect_wholes, shown
from labkit.errors import LabError
from labkit.hooks import find_layer
from labkit.kernel import in_usual_numbers
from labkit.receptive import Box, ReceptiveField, receptive_field
from labkit.running import run

Layer = tuple[int, int, int, int]  # kernel, stride, padding, dilation, along one side


def chain_field(layers: Iterable[Sequence[int]]) -> tuple[int, int, int]:
    """What units see behind a chain of convolutions and pools without branches, along one side, in pixels.

    layers:  from the image upwards, each (kernel, stride, padding, dilation)
    Returns: size, how many pixels one unit sees; stride, from one unit's first pixel to the next one's;
             start, the first pixel of unit 0, negative where it lies in the padding
    Source:  Araujo et al. 2019, Computing Receptive Fields of Convolutional Neural Networks, distill.pub
    """
    size, jump, start = 1, 1, 0
    for layer in layers if isinstance(layers, Iterable) else [layers]:
        facts = expect_wholes("each layer", layer, 0)
        if len(facts) != 4 or 0 in (facts[0], facts[1], facts[3]):
            raise LabError(
                f"expected (kernel, stride, padding, dilation), got {shown(layer)}; try (3, 1, 1, 1)"
            )
        kernel, stride, padding, dilation = facts
        size += dilation * (kernel - 1) * jump
        start -= padding * jump
        jump *= stride
    return size, jump, start


def unit_box(row: int, column: int, field: tuple[int, int, int], image_size: tuple[int, int]) -> Box:
    """The pixels that a unit sees: its field, less what lies outside the image.

    field: size, stride and start, as from chain_field;  image_size: (H, W)
    """
    image_size = expect_size("image_size", image_size)
    expect_whole("row", row, 0)
    expect_whole("column", column, 0)
    if len(expect_wholes("field", field)) != 3:
        raise LabError(f"expected a field (size, stride, start), got {shown(field)}; try chain_field(layers)")
    size, stride, start = field
    (top, bottom), (left, right) = (
        (max(start + place * stride, 0), min(start + place * stride + size, side))
        for place, side in zip((row, column), image_size, strict=True)
    )
    return top, left, bottom, right


@in_usual_numbers
def field_size(net: nn.Module, layer: str, image_size: tuple[int, int]) -> float | tuple[float, float]:
    """How many pixels a unit of a layer sees each way, along the widest path; as `receptive_field` has it."""
    return receptive_field(net, layer, image_size).size


def box_of(field: ReceptiveField, row: int, column: int, image_size: tuple[int, int]) -> Box:
    """The pixels that a unit sees in an image of that height and width."""
    return field.box(row, column)


@in_usual_numbers
def layers_below(net: nn.Module, layer: str, image_size: tuple[int, int]) -> list[Layer]:
    """The convolutions and poolings that run until a layer is done, in this order, as `chain_field` takes them.

    Of a network in branches that is no chain, unless all branches but one are of 1 × 1, as in SqueezeNet.
    """
    found: list[Layer] = []

    def keep(module: Any, _inputs: object, _output: object) -> None:
        facts = (module.kernel_size, module.stride, module.padding, getattr(module, "dilation", 1))
        kernel, stride, padding, dilation = (fact if isinstance(fact, int) else fact[0] for fact in facts)
        found.append((kernel, stride, padding, dilation))

    def stop(*_: object) -> None:
        raise _LayerDoneError

    windows = [
        module for module in net.modules() if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d)
    ]
    with ExitStack() as hooks, suppress(_LayerDoneError), torch.no_grad():
        for module in windows:
            hooks.callback(module.register_forward_hook(keep).remove)
        hooks.callback(find_layer(net, layer).register_forward_hook(stop).remove)
        run(net, torch.zeros(1, 3, *image_size))
    return found


class _LayerDoneError(Exception):
    """What lies above a layer need not run."""
