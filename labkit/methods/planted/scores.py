"""How well a map, or an image that a method made, agrees with the truth."""

import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_alike, expect_tensor
from labkit.errors import LabError
from labkit.kernel import in_usual_numbers


@in_usual_numbers
def mass_inside(maps: Tensor, masks: Tensor) -> Tensor:
    """The share of each map's mass, the sum of its sizes, that lies inside its mask.

    A map that is 0 everywhere says as much as a flat one, and gets what that gets: the mask's share of the area.

    maps:    (N, H, W), of any sign;  masks: (N, H, W) bool
    Returns: (N,) in 0..1; divided by the mask's share of the area it says how many times chance that is
    """
    _expect_pairs(maps, masks)
    return _shares(maps, masks)


def _shares(maps: Tensor, masks: Tensor) -> Tensor:
    sizes = maps.abs()
    nothing = sizes.amax(dim=(1, 2), keepdim=True) == 0
    sizes = sizes.masked_fill(nothing, 1)
    sizes = sizes / sizes.amax(dim=(1, 2), keepdim=True)  # so that faint ones do not vanish
    return (sizes * masks).sum(dim=(1, 2)) / sizes.sum(dim=(1, 2))


@in_usual_numbers
def pointing_game(maps: Tensor, masks: Tensor) -> Tensor:
    """Whether each map's largest size lies inside its mask; of several that are equal, which share of them does.

    maps:    (N, H, W), of any sign;  masks: (N, H, W) bool
    Returns: (N,) in 0..1, mostly 0 or 1
    Source:  Zhang et al. 2016, arXiv:1608.00507
    """
    _expect_pairs(maps, masks)
    return _hits(maps, masks)


def _hits(maps: Tensor, masks: Tensor) -> Tensor:
    sizes = maps.abs()
    largest = sizes == sizes.amax(dim=(1, 2), keepdim=True)
    return (largest & masks).sum(dim=(1, 2)) / largest.sum(dim=(1, 2))


@in_usual_numbers
def resemblance(images: Tensor, pattern: Tensor, *, either_sign: bool = False) -> Tensor:
    """How much the place of each image that suits a pattern best looks like it: their correlation, colours averaged.

    images:  (N, C, H, W);  pattern: (C, h, w), no larger
    either_sign: whether the pattern's negative counts as much
    Returns: (N,), 1 where the pattern is there as it is; a place without any contrast has 0
    """
    sizes = expect_tensor("images", images, "N C H W", of="floats of 32 or 64 bits", finite=True)
    small = expect_tensor("pattern", pattern, "C h w", of=images.dtype, C=sizes["C"], finite=True)
    if small["h"] > sizes["H"] or small["w"] > sizes["W"]:
        raise LabError(
            f"expected a pattern no larger than the images, got {small['h']} × {small['w']} and "
            f"{sizes['H']} × {sizes['W']}; try a part of it"
        )
    windows = F.unfold(images.mean(dim=1, keepdim=True), (small["h"], small["w"]))  # (N, h·w, places)
    windows, wanted = _without_mean(windows, 1), _without_mean(pattern.mean(dim=0).flatten(), 0)
    likeness = (F.normalize(windows, dim=1) * F.normalize(wanted, dim=0)[:, None]).sum(dim=1)
    return (likeness.abs() if either_sign else likeness).amax(dim=1)


def _without_mean(values: Tensor, dim: int) -> Tensor:
    return values - values.mean(dim=dim, keepdim=True)


@in_usual_numbers
def towards(watermark: Tensor, decoy: Tensor) -> Tensor:
    """Which of two has more: 1 where the watermark has, 0 where the decoy has, 0.5 where neither.

    watermark, decoy: alike in shape;  Returns: the same shape, float32
    """
    expect_alike("watermark", watermark, "decoy", decoy, "…", of="numbers")
    return (watermark > decoy).float() + 0.5 * (watermark == decoy)


def _expect_pairs(maps: Tensor, masks: Tensor) -> None:
    sizes = expect_tensor("maps", maps, "N H W", of="floats of 32 or 64 bits", finite=True)
    expect_tensor(
        "masks",
        masks,
        "N H W",
        of="bools",
        mend="a mask for each map",
        N=sizes["N"],
        H=sizes["H"],
        W=sizes["W"],
    )
