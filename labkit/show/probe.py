"""Figures of linear probes: how well they transfer, how many features they keep, how large their weights are."""

from collections.abc import Mapping, Sequence
from typing import Unpack

import torch
from torch import Tensor

from labkit.methods.probe import Probe
from labkit.show.look import in_usual_look
from labkit.show.picture import Picture, Texts
from labkit.show.plots import lines

_ROUND = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)  # places on an axis of logarithms
_LEFT = "{:g} leaves {} and gets {:.2f}"


@in_usual_look
def learning_curves(
    values: Mapping[str, Sequence[float]], per_photo: Sequence[int], *, chance: float, **texts: Unpack[Texts]
) -> Picture:
    """The share of unseen views that are named right, against the number of views to learn from.

    values: name -> share for each of per_photo;  chance: what guessing gets
    """
    first = ", ".join(f"{name} {shares[0]:.2f}" for name, shares in values.items())
    last = ", ".join(f"{name} {shares[-1]:.2f}" for name, shares in values.items())
    texts["caption"] = (
        f"{texts.get('caption', '')} Named right with {per_photo[0]} view per photo: {first}; "
        f"with {per_photo[-1]}: {last}; guessing {chance:.2f}."
    )
    return lines(
        {f"{name}  {shares[-1]:.2f}": (per_photo, shares) for name, shares in values.items()},
        across="views of each photo to learn from (1: no augmentation)",
        up="unseen views named right",
        ticks={count: str(count) for count in per_photo},
        levels={chance: f"guessing  {chance:.2f}"},
        look={"ylim": (0, 1.03)},
        **texts,
    )


@in_usual_look
def survivors(
    probes: Mapping[str, Sequence[Probe]],
    strengths: Sequence[float],
    features: Tensor,
    labels: Tensor,
    **texts: Unpack[Texts],
) -> Picture:
    """The share of unseen views that are named right, against how many features L1 has left.

    probes:   name -> a probe for each strength, the strongest first
    features: (N, D) of the unseen views;  labels: (N,)
    """
    counts = {name: [probe.surviving() for probe in row] for name, row in probes.items()}
    right = {name: [probe.accuracy(features, labels) for probe in row] for name, row in probes.items()}
    told = "; ".join(
        f"{name}: " + ", ".join(map(_LEFT.format, strengths, counts[name], right[name])) for name in probes
    )
    texts["caption"] = (
        f"{texts.get('caption', '')} L1 of each strength, of {features.shape[1]} features. {told}."
    )
    return lines(
        {name: (counts[name], right[name]) for name in probes},
        across="features with a weight that is not 0",
        up="unseen views named right",
        ticks={n: str(n) for n in _ROUND if min(map(min, counts.values())) <= n <= features.shape[1]},
        look={"xscale": "log", "ylim": (0, 1.03)},
        **texts,
    )


@in_usual_look
def weight_sizes(probes: Mapping[str, Probe], **texts: Unpack[Texts]) -> Picture:
    """How large each feature's weights are, largest first: the length of its row."""
    sizes = {name: probe.weights.norm(dim=1).sort(descending=True).values for name, probe in probes.items()}
    told = "; ".join(
        f"{name}: {int((size > 0).sum())} of {len(size)} are not 0, the largest is {size[0]:.2f}"
        for name, size in sizes.items()
    )
    texts["caption"] = f"{texts.get('caption', '')} Length of a feature's weights. {told}."
    return lines(
        {name: (torch.arange(1, len(size) + 1), size) for name, size in sizes.items()},
        across="feature, the largest first",
        up="length of its weights",
        legend=True,
        **texts,
    )
