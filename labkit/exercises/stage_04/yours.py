"""What the student's functions of stage 04 stand in for: fields and boxes, where maps are largest, crops alone."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from labkit.batches import batches
from labkit.checks.stand_in import StandIn
from labkit.hooks import recording
from labkit.methods import patches
from labkit.methods.patches import TopPatches, alone, chosen, fields, top
from labkit.models import Classifier
from labkit.receptive import Box, ReceptiveField, receptive_field

Function = Callable[..., Any]
IMAGES = 2_000  # of which each one's peaks may be kept until the best are known


def _field_size(theirs: Function, own: Function) -> Function:
    def field_size(net: nn.Module, layer: str, image_size: tuple[int, int]) -> Any:
        """Theirs knows chains: what it says counts where the chain is all of the network."""
        field, chain = receptive_field(net, layer, image_size), fields.layers_below(net, layer, image_size)
        if fields.chain_field(chain)[:2] != (field.size, field.stride):
            return field.size
        return int(theirs(chain)[0])

    return field_size


def _box_of(theirs: Function, own: Function) -> Function:
    def box_of(field: ReceptiveField, row: int, column: int, image_size: tuple[int, int]) -> Box:
        found, box = _whole(field), field.box(row, column)
        if found is None or fields.unit_box(row, column, found, image_size) != box:
            return box  # a unit that sees less than its field: theirs knows the image's borders alone
        first, left, bottom, right = (int(end) for end in theirs(row, column, found, image_size))
        return first, left, bottom, right

    return box_of


def _whole(field: ReceptiveField) -> tuple[int, int, int] | None:
    """Size, stride and start, as the unit in the middle tells; None where it is no whole square, or cut."""
    h, w, _ = field.boxes.shape
    size, stride, (top_, left, bottom, right) = field.size, field.stride, field.box(h // 2, w // 2)
    if not (isinstance(size, int) and isinstance(stride, int) and bottom - top_ == right - left == size):
        return None
    start = top_ - h // 2 * stride
    return (size, stride, start) if start == left - w // 2 * stride else None


def _top_patches(theirs: Function, own: Callable[..., TopPatches]) -> Callable[..., TopPatches]:
    def top_patches(
        model: Classifier,
        images: Any,
        layer: str,
        channels: Iterable[int],
        *,
        k: int = 9,
        batch_size: int = 8,
    ) -> TopPatches:
        """Theirs chooses values; what they were cut out of has to be at hand still, so images are few and a tensor."""
        asked = top.expect_asked(channels, k)
        if not isinstance(images, Tensor) or len(images) > IMAGES:
            return own(model, images, layer, asked, k=k, batch_size=batch_size)
        places: list[tuple[Tensor, Tensor]] = []

        def values_of_batches() -> Iterator[Tensor]:
            for batch in batches(images, batch_size):
                values, rows, columns = top.layer_peaks(model, batch, layer, asked)
                places.append((rows, columns))
                yield values

        values, numbers = theirs(values_of_batches(), k)
        rows, columns = (torch.cat(parts).T.gather(1, numbers.long()) for parts in zip(*places, strict=True))
        field = receptive_field(model.net, layer, (images.shape[2], images.shape[3]))
        return chosen.cut_out(images, field, asked, values, numbers.long(), rows, columns)

    return top_patches


def _answers_to_crops(theirs: Function, own: Function) -> Function:
    def answers_to_crops(
        model: Classifier, layer: str, canvases: Tensor, boxes: Tensor, units: Tensor
    ) -> Tensor:
        def features(images: Tensor) -> Tensor:
            with recording(model.net, layer) as seen:
                model(images)
            return seen.maps(layer)

        with torch.no_grad():
            answers = [
                theirs(features, _on_black(canvas[None], box), tuple(box), tuple(unit)).reshape(())
                for canvas, box, unit in zip(canvases, boxes.tolist(), units.tolist(), strict=True)
            ]
        return torch.stack(answers).to(canvases)

    return answers_to_crops


def _on_black(canvas: Tensor, box: list[int]) -> Tensor:
    """The box with black around it, so that it is theirs that makes the rest grey."""
    first, left, bottom, right = box
    black = torch.zeros_like(canvas)
    black[:, :, first:bottom, left:right] = canvas[:, :, first:bottom, left:right]
    return black


YOURS = (
    StandIn("04.1", "field_of", patches, "field_size", _field_size, results=3),
    StandIn("04.2", "pixels_of", fields, "box_of", _box_of, results=4),
    StandIn("04.3", "peaks", top, "peaks", results=3),
    StandIn("04.4", "best_of_stream", patches, "top_patches", _top_patches, results=2),
    StandIn("04.5", "answer_to_crop", alone, "answers_to_crops", _answers_to_crops),
)
