"""Figures of stage 05: maps of pixels as pictures, and what a neuron sees."""

from collections.abc import Mapping
from typing import Unpack

import torch
from torch import Tensor

from labkit.arguments import expect_tensor
from labkit.methods.sanity import rank_correlation
from labkit.receptive import Box
from labkit.show.drawing import outline
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.picture import Picture, Texts
from labkit.show.plots import grid


@in_usual_look
def signed(gradients: Tensor) -> Tensor:
    """Gradients as pictures: 0 is grey; the largest sizes, but for a few, have no more room in their colour.

    A map comes in colours, as in the papers, unless one of them leans one way all over it: the whole picture would
    have that colour, and nothing else would be seen. It comes in grey: each pixel's largest size, with its sign.

    gradients: (N, 3, H, W);  Returns: (N, 3, H, W) in 0..1
    """
    expect_tensor("gradients", gradients, "N C H W")
    spread, mean = torch.std_mean(
        gradients, dim=(2, 3), keepdim=True, correction=min(1, gradients[0, 0].numel() - 1)
    )  # (N, 3, 1, 1)
    leans = (mean.abs() > spread / 2).any(dim=1, keepdim=True)
    grey = gradients.gather(1, gradients.abs().argmax(dim=1, keepdim=True)).expand_as(gradients)
    return 0.5 + _stretched(grey.where(leans, gradients)) / 2


@in_usual_look
def sizes(maps: Tensor) -> Tensor:
    """Maps of sizes as grey pictures: 0 is black; the largest, but for a few, are white.

    maps: (N, H, W);  Returns: (N, H, W) in 0..1
    """
    expect_tensor("maps", maps, "N H W")
    return _stretched(maps[:, None])[:, 0]


def _stretched(maps: Tensor, *, clip: float = 0.99) -> Tensor:
    """(N, C, H, W) -> each image's values over its largest but for a few, in -1..1."""
    flat = maps.abs().flatten(1)
    few = flat.kthvalue(max(1, int(clip * flat.shape[1])), dim=1).values
    top = few.where(few > 0, flat.amax(dim=1)).clamp(min=torch.finfo(maps.dtype).tiny).view(-1, 1, 1, 1)
    return (maps / top).clamp(-1, 1)


@in_usual_look
def by_switches(maps: Mapping[str, Tensor], *, autograd: Tensor, **texts: Unpack[Texts]) -> Picture:
    """Maps of one target, each by other switches of the max poolings; the caption goes on with how alike they are.

    maps:     what it is -> (1, 3, H, W); the first should be what autograd gives, the last is another photo's own
    autograd: (1, 3, H, W)
    """
    first, *_, last = maps
    off = (maps[first] - autograd).abs().max() / autograd.abs().max()
    alike = {name: rank_correlation(one, maps[last])[0] for name, one in maps.items() if name != last}
    told = (
        f"Grey is 0, every map has its own scale. Largest difference of the first from autograd's: {off:.0e} of the "
        "largest value. Rank correlation with the last map: "
        + ", ".join(f"{name.replace(',', ' by')} {value:z.2f}" for name, value in alike.items())
        + "."
    )
    texts = {**texts, "caption": f"{texts.get('caption', '')} {told}".strip()}
    return grid(
        signed(torch.cat(list(maps.values()))), above=[name.replace(", ", "\n") for name in maps], **texts
    )


@in_usual_look
def box_on_photo(image: Tensor, gradient: Tensor, box: Box, **texts: Unpack[Texts]) -> Picture:
    """A photo and a neuron's gradient, the box that the neuron sees drawn on both.

    image, gradient: (1, 3, H, W)
    """
    shown = {"photo": image, "gradient": signed(gradient)}
    figure = grid(shown.values(), above=shown, side=WIDTH, **texts)
    for axes in figure.axes:
        outline(axes, box)
    return figure
