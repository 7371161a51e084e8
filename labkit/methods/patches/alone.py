"""The proof that a patch is all a unit answered to: show it the patch alone, at its place or beside it."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from labkit.arguments import expect_number, expect_size, expect_tensor, expect_whole, expect_wholes
from labkit.errors import LabError
from labkit.hooks import recording
from labkit.kernel import in_usual_numbers
from labkit.methods.patches.chosen import TopPatches
from labkit.models import Classifier, expect_classifier
from labkit.receptive import receptive_field


def on_canvas(
    crop: Tensor, corner: Sequence[int], image_size: tuple[int, int], *, fill: float = 0.5
) -> Tensor:
    """A crop alone on an empty canvas: (3, h, w) -> (1, 3, H, W). corner: top, left.

    Raises: LabError for a crop that does not fit there
    """
    expect_tensor("crop", crop, "3 h w")
    image_size = expect_size("image_size", image_size)
    expect_number("fill", fill)
    corner = expect_wholes("corner", corner)
    if len(corner) != 2:
        raise LabError(f"expected a corner (top, left), got {corner}; try (0, 0)")
    (top, left), (_, h, w), (H, W) = corner, crop.shape, image_size
    if top not in range(H - h + 1) or left not in range(W - w + 1):
        raise LabError(f"a crop of {h} × {w} does not fit at {(top, left)} on {H} × {W}; try to move it less")
    canvas = crop.new_full((1, 3, *image_size), fill)
    canvas[0, :, top : top + h, left : left + w] = crop
    return canvas


@in_usual_numbers
def moved(
    model: Classifier, layer: str, top: TopPatches, *, image_size: tuple[int, int], units: int
) -> TopPatches:
    """The same patches elsewhere: so many units nearer to the middle, down or up, and right or left.

    Returns: top with other rows, columns and boxes; its values are still those of the old places
    """
    expect_whole("units", units)
    expect_classifier(model)
    field = receptive_field(model.net, layer, image_size)
    stride = torch.tensor(field.stride).expand(2).long()
    places = torch.stack([top.rows, top.columns], dim=2)  # (C, k, 2)
    steps = units * torch.where(places < torch.tensor(field.boxes.shape[:2]) / 2, 1, -1)
    rows, columns = (places + steps).unbind(dim=2)
    return replace(top, rows=rows, columns=columns, boxes=top.boxes + (steps * stride).repeat(1, 1, 2))


@in_usual_numbers
def answers_alone(
    model: Classifier, layer: str, top: TopPatches, *, image_size: tuple[int, int], batch_size: int = 8
) -> Tensor:
    """What the units answer to their patches alone, each on a grey canvas: the proof that all was in them.

    Returns: (C, k), equal to top.values
    """
    batch_size = expect_whole("batch_size", batch_size, 1)
    expect_classifier(model)
    image_size = expect_size("image_size", image_size)
    boxes, crops = top.boxes.flatten(0, 1), [crop for row in top.patches for crop in row]
    channels = top.channels.repeat_interleave(top.values.shape[1])
    units = torch.stack([channels, top.rows.flatten(), top.columns.flatten()], dim=1)
    answers = []
    for some in torch.arange(len(crops)).split(batch_size):
        canvases = torch.cat([on_canvas(crops[i], boxes[i, :2].tolist(), image_size) for i in some.tolist()])
        given = (part.to(model.mean.device) for part in (canvases, boxes[some], units[some]))
        answers.append(answers_to_crops(model, layer, *given))
    return torch.cat(answers).reshape(top.values.shape).to(top.values)


def answers_to_crops(model: Classifier, layer: str, canvases: Tensor, boxes: Tensor, units: Tensor) -> Tensor:
    """What one unit answers to each canvas, which is grey but for a box.

    canvases: (n, 3, H, W);  boxes: (n, 4), top, left, bottom, right;  units: (n, 3), channel, row, column
    Returns:  (n,)
    """
    with torch.no_grad(), recording(model.net, layer) as seen:
        model(canvases)
    channels, rows, columns = units.unbind(dim=1)
    return seen[layer][torch.arange(len(canvases)), channels, rows, columns]
