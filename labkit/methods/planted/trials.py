"""Each method's trials: whether it points at the watermark (1), at the decoy (0), or at neither (0.5).

A network that was taught the watermark should bring 1, its twin that was taught the decoy 0, and one that was taught
nothing 0.5 on average, for the two marks are each other's mirror image.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.arguments import expect_tensor, expect_whole
from labkit.kernel import in_usual_numbers
from labkit.methods import activations, evidence, filters, neighbors, patches
from labkit.methods.planted import scores
from labkit.methods.planted.crops import MARKS, Planted
from labkit.methods.planted.marks import SIDE, decoy, watermark
from labkit.methods.planted.teaching import LAYER
from labkit.models import Classifier
from labkit.receptive import receptive_field


@in_usual_numbers
def map_trials(maps: Tensor, crops: Planted) -> Tensor:
    """Maps of crops with both marks: in which of the two has each more of its mass? (N, H, W) -> (N,)"""
    watermark, decoy = (scores.mass_inside(maps, crops.masks(name)) for name in MARKS)
    return scores.towards(watermark, decoy)


@in_usual_numbers
def image_trials(images: Tensor) -> Tensor:
    """Images that a method made, or what it changed: which mark do they look like? (N, 3, H, W) -> (N,)"""
    expect_tensor("images", images, "N 3 H W", of="floats of 32 or 64 bits", finite=True)
    return scores.towards(*(scores.resemblance(images, mark.to(images)) for mark in (watermark(), decoy())))


@in_usual_numbers
def filter_trials(net: nn.Module) -> Tensor:
    """Which mark, or its negative, each filter of the first layer looks like; a part of a mark will do. (K,)"""
    weights = filters.first_convolution(net)  # (K, 3, h, w)
    sheets = torch.stack([watermark(), decoy()]).to(weights)
    sheets = F.pad(sheets, [side // 3 for side in (weights.shape[3],) * 2 + (weights.shape[2],) * 2])
    found = [scores.resemblance(sheets, weight, either_sign=True) for weight in weights]
    return scores.towards(*torch.stack(found, dim=1))


@in_usual_numbers
def neighbor_trials(vectors: Tensor, crops: Planted, *, k: int = 5) -> Tensor:
    """Do more of each crop's k nearest agree with it about the watermark, or about the decoy? (N, D) -> (N,)"""
    expect_tensor("vectors", vectors, "N D", of="floats of 32 or 64 bits", finite=True, N=len(crops.images))
    itself = torch.arange(len(vectors), device=vectors.device)
    near, _ = neighbors.nearest(vectors, vectors, k, leave_out=itself)
    labels = [crops.labels(name) for name in MARKS]
    return scores.towards(*(neighbors.precision_at_k(near, each, each) for each in labels))


@in_usual_numbers
def channel_trials(model: Classifier, labelled: Planted, taught: str, crops: Planted) -> Tensor:
    """Where the channel that tells the classes apart best is largest, in crops with both marks: (N,)

    labelled: crops on which the channel is chosen, by what was taught: "watermark" or "decoy"
    crops:    others, with both marks
    """
    chosen = evidence.selectivity(
        activations.record(model, labelled.images, LAYER), labelled.labels(taught) == 1
    )
    maps = activations.record(model, crops.images, LAYER)[:, chosen.argmax(), None]  # (N, 1, h, w)
    _, rows, columns = patches.peaks(maps)
    boxes = _boxes(model, crops)[rows[:, 0].cpu(), columns[:, 0].cpu()]
    return scores.towards(*(_holds(boxes, crops, name, torch.arange(len(boxes))).float() for name in MARKS))


@in_usual_numbers
def patch_trials(model: Classifier, crops: Planted, *, k: int = 9) -> Tensor:
    """Which mark lies in the k best patches of each channel of the last layer: (channels · k,)"""
    k = expect_whole("k", k, 1)
    channels = range(activations.record(model, crops.images[:1], LAYER).shape[1])
    top = patches.top_patches(model, crops.images, LAYER, channels, k=k, batch_size=64)
    boxes, numbers = top.boxes.flatten(0, 1), top.images.flatten()
    return scores.towards(*(_holds(boxes, crops, name, numbers).float() for name in MARKS))


def _boxes(model: Classifier, crops: Planted) -> Tensor:
    """What each unit of the last layer sees: (h, w, 4), top, left, bottom, right."""
    return receptive_field(model.net, LAYER, crops.images.shape[-1]).boxes


def _holds(boxes: Tensor, crops: Planted, mark: str, numbers: Tensor) -> Tensor:
    """Whether boxes hold the middle of a mark that is there. boxes: (n, 4);  numbers: (n,) of the crops;  (n,) bool"""
    middles = crops.places[mark].cpu()[numbers] + SIDE // 2
    inside = (middles >= boxes[:, :2]) & (middles < boxes[:, 2:])
    return inside.all(dim=1) & crops.has[mark].cpu()[numbers]
