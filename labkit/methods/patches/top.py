"""The k patches that each channel answers to most, over any number of images."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from labkit.arguments import expect_tensor, expect_whole, expect_wholes
from labkit.batches import batches
from labkit.errors import LabError
from labkit.hooks import find_layer, recording
from labkit.images import Photos, fit
from labkit.kernel import in_usual_numbers
from labkit.methods.patches import fields
from labkit.methods.patches.chosen import Patch, TopPatches, together
from labkit.models import Classifier, expect_classifier
from labkit.receptive import ReceptiveField, receptive_field

Images = Tensor | Photos | Dataset[Any] | Iterable[Any]


def whole_and_quarters(images: Tensor) -> Tensor:
    """Each photo five times, at half its side: whole, then its four quarters, as one reads.

    images: (N, 3, 2·s, 2·s);  Returns: (5·N, 3, s, s), photo after photo
    """
    expect_tensor("images", images, "N 3 side side", of="floats of 32 or 64 bits")
    side = images.shape[2]
    halves = [half for rows in images.chunk(2, dim=2) for half in rows.chunk(2, dim=3)]
    return torch.stack([fit(images, side // 2), *halves], dim=1).flatten(0, 1)


def peaks(maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where each map is largest: values, rows, columns. Of equals the first, in reading order.

    maps: (N, C, H, W);  Returns: three of (N, C)
    """
    expect_tensor("maps", maps, "N C H W", of="numbers")
    values, places = maps.flatten(2).max(dim=2)
    return values, places // maps.shape[3], places % maps.shape[3]


@in_usual_numbers
def top_patches(
    model: Classifier, images: Images, layer: str, channels: Iterable[int], *, k: int = 9, batch_size: int = 8
) -> TopPatches:
    """The k patches that each channel answers to most, one of an image; of equals the earlier image's.

    Holds a batch, and k patches per channel of at most 12 bytes per pixel of the receptive field; long runs
    show a progress bar.

    images:   (N, 3, H, W) in 0..1, or a bank of photos, or a Dataset of (3, H, W) or (image, label), or any
              iterable of batches (n, 3, H, W) or (batch, labels). All of one size
    layer:    a name in model.net.named_modules() whose output is a map
    channels: which, such as [3, 17] or range(40)
    Returns:  k patches per channel, fewer where there are fewer images
    Raises:   LabError for an unknown layer or one without a map, a channel out of range, no images at all,
              images outside 0..1 or of different sizes
    Source:   Girshick et al. 2014, arXiv:1311.2524, section 3.1; Springenberg et al. 2015, arXiv:1412.6806
    """
    expect_classifier(model)
    find_layer(model.net, layer)  # before the first batch is fetched
    best = _Best(model, layer, expect_asked(channels, k), k)
    for batch in batches(images, batch_size):
        best.merge(batch)
    if best.count == 0:
        raise LabError("expected at least one image, got none; is the folder or the dataset empty?")
    return together(best.channels, best.patches)


def layer_peaks(
    model: Classifier, images: Tensor, layer: str, channels: list[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Where the maps of some channels are largest: values, rows, columns, each (N, len(channels)), on the CPU."""
    with torch.no_grad(), recording(model.net, layer) as seen:
        model(images)
    values, rows, columns = peaks(_of_channels(seen.maps(layer), channels, layer))
    return values.cpu(), rows.cpu(), columns.cpu()


class _Best:
    """The best patches of each channel so far, and how many images they were chosen from.

    patches: for each channel at most k, best first;  slots: (channels, k, 3, h, w), where their crops are kept
    """

    def __init__(self, model: Classifier, layer: str, channels: list[int], k: int):
        self.model, self.layer, self.channels, self.k = model, layer, channels, k
        self.patches: list[list[Patch]] = [[] for _ in channels]
        self.count = 0

    def merge(self, batch: Tensor) -> None:
        """Let in what is good enough of another batch (n, 3, H, W)."""
        batch = batch.detach()
        if self.count == 0:
            self._make_room(batch)
        facts = (fact.T for fact in layer_peaks(self.model, batch, self.layer, self.channels))
        for kept, room, *found in zip(self.patches, self.slots, *facts, strict=True):
            _merge(kept, room, batch, self.count, found, self.field)
        self.count += len(batch)

    def _make_room(self, batch: Tensor) -> None:
        """For crops of the largest size that they can have in such images."""
        self.field = receptive_field(self.model.net, self.layer, (batch.shape[2], batch.shape[3]))
        frame = (self.field.boxes[..., 2:] - self.field.boxes[..., :2]).amax(dim=(0, 1)).tolist()
        self.slots = torch.empty(len(self.channels), self.k, 3, *frame, dtype=batch.dtype)


def expect_asked(channels: Iterable[int], k: int) -> list[int]:
    """The channels as a list. Raises: LabError where there are none, or k is below 1"""
    expect_whole("k", k, 1)
    return expect_wholes("channels", channels)


def _of_channels(maps: Tensor, channels: list[int], layer: str) -> Tensor:
    """(N, C, H, W) -> (N, len(channels), H, W), a copy."""
    C = maps.shape[1]
    if wrong := [channel for channel in channels if channel not in range(C)]:
        raise LabError(f"no channel {wrong[0]} in {layer!r}: expected channels in 0..{C - 1}")
    return maps[:, channels]


def _merge(
    kept: list[Patch], slots: Tensor, batch: Tensor, count: int, found: list[Tensor], field: ReceptiveField
) -> None:
    """Let a new batch's peaks into one channel's best, largest first; count: how many images came before.

    slots: (k, 3, h, w), where crops are written, over those that drop out. Copies of their own would be
           scattered through memory, and keep the pages of large batches between them from going back
    """
    values, rows, columns = (facts.tolist() for facts in found)
    size = (batch.shape[2], batch.shape[3])
    for i in sorted(range(len(values)), key=values.__getitem__, reverse=True):
        if len(kept) == len(slots) and not values[i] > kept[-1].value:
            break
        slot = kept.pop().slot if len(kept) == len(slots) else len(kept)
        top, left, bottom, right = box = fields.box_of(field, rows[i], columns[i], size)
        crop = slots[slot, :, : bottom - top, : right - left]
        crop.copy_(batch[i, :, top:bottom, left:right])
        kept.append(Patch(values[i], count + i, rows[i], columns[i], box, crop, slot))
        kept.sort(key=lambda patch: patch.value, reverse=True)  # stable: of equals the earlier stays in front
