"""What is seen of a channel in photos: where it fires, its best patches, its neuron's gradient."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from labkit.arguments import expect_whole
from labkit.errors import LabError
from labkit.images import Photos
from labkit.methods import activations, patches
from labkit.show.activations import overlays
from labkit.show.gradients_explorer import neuron_under_three_rules
from labkit.show.look import in_usual_look
from labkit.show.passport.choice import Channel
from labkit.show.patches import patch_rows
from labkit.show.picture import Picture
from labkit.show.plots import grid


def expect_channel(channel: Any) -> Channel:
    """Require a channel that was chosen, and hand it back. Raises: LabError"""
    if not isinstance(channel, Channel):
        raise LabError(f"expected a Channel, got {type(channel).__name__}; try passport.chosen()")
    return channel


def expect_bank(bank: Any) -> Photos:
    """Require a bank of photos, and hand it back. Raises: LabError"""
    if not isinstance(bank, Photos):
        raise LabError(f"expected a bank of photos, got {type(bank).__name__}; try images.photos()")
    return bank


def by_peak(channel: Channel, bank: Photos) -> tuple[list[int], Tensor, Tensor]:
    """The bank's photos by how high the channel goes: their numbers, highest first; all peaks (N,); maps (N, h, w)."""
    expect_channel(channel), expect_bank(bank)
    parts = [activations.record(channel.model, part, channel.layer) for part in bank.images.split(8)]
    maps = torch.cat([part[:, channel.number] for part in parts])
    peaks = maps.amax(dim=(1, 2))
    return peaks.argsort(descending=True, stable=True).tolist(), peaks, maps


@in_usual_look
def at_work(channel: Channel, bank: Photos, *, count: int = 5) -> Picture:
    """The photos in which the channel goes highest, and the one in which it stays lowest, its map over each."""
    expect_whole("count", count, 1)
    order, peaks, maps = by_peak(channel, bank)
    shown = [*order[:count], *order[count:][-1:]]
    return grid(
        overlays(bank.images[shown], maps[shown]),
        above=[f"{bank.names[n]}: {peaks[n]:.3g}" for n in shown],
        title="Where it fires",
        caption=f"{_begin(channel)}, over the {len(shown) - 1} photos of {len(bank)} in which it goes highest and, "
        "last, the one in which it stays lowest; orange where it fires, the number is its largest value. The median of "
        f"all photos is {peaks.median():.3g}.",
    )


@in_usual_look
def best_patches(channel: Channel, images: Iterable[Any] | Tensor | Photos, *, k: int = 9) -> Picture:
    """The patches that the channel answers to most, one of an image; those inside the images, if there are k.

    images: as for patches.top_patches
    """
    expect_channel(channel)
    found = patches.top_patches(channel.model, images, channel.layer, [channel.number], k=3 * k)
    shown, cut = patches.inside(found, k=k), ""
    if not len(shown.channels):  # too few lie inside
        shown = patches.ranked(found, torch.arange(min(k, found.values.shape[1]))[None])
        cut = " Where the border cuts a patch it is grey."
    return patch_rows(
        shown,
        title="Its best patches",
        caption=f"{_begin(channel)}: all that its unit sees where it goes highest, one patch an image, the answer "
        f"above it.{cut} The last of them has {shown.values[0, -1] / shown.values[0, 0]:.0%} of the first one's.",
    )


@in_usual_look
def under_three_rules(channel: Channel, bank: Photos) -> Picture:
    """The neuron that goes highest in any photo of the bank: its patch, and its gradient under three rules."""
    order, *_ = by_peak(channel, bank)
    name = bank.names[order[0]]
    return neuron_under_three_rules(
        channel.model, bank.images[order[0]][None], channel.layer, channel.number, name=name
    )


def _begin(channel: Channel) -> str:
    return channel.place[0].upper() + channel.place[1:]
