"""Evidence for and against a claim about one channel: what it tells apart, what luck can do, faces it never met."""

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_tensor, expect_whole, seeded
from labkit.errors import LabError
from labkit.kernel import in_usual_numbers
from labkit.methods.activations import expect_maps


@in_usual_numbers
def told_apart(wanted: Tensor, others: Tensor) -> Tensor:
    """The share of pairs (wanted, other) in which the wanted one is higher; a draw counts half.

    wanted: (n, …);  others: (m, …), of the same shape behind;  Returns: (…) in 0..1, 0.5 where nothing is told
    Source: Mann & Whitney 1947, also known as the area under the ROC curve
    """
    expect_tensor("wanted", wanted, "n …", of="numbers")
    expect_tensor("others", others, "m …", of="numbers")
    if wanted.shape[1:] != others.shape[1:]:
        got = f"{tuple(wanted.shape)} and {tuple(others.shape)}"
        raise LabError(
            f"expected wanted and others alike but for their number, got {got}; try those of one layer"
        )
    a, b = wanted[:, None], others[None]
    return ((a > b).float() + 0.5 * (a == b)).mean(dim=(0, 1))


@in_usual_numbers
def selectivity(maps: Tensor, wanted: Tensor) -> Tensor:
    """How well each channel's peak tells the wanted images from the others: 1 always, 0.5 not at all.

    maps:    (N, C, h, w);  wanted: (N,) bool
    Returns: (C,) in 0..1
    Raises:  LabError unless there are images of both kinds
    """
    expect_maps(maps)
    expect_tensor(
        "wanted",
        wanted,
        "N",
        of="bools",
        N=len(maps),
        mend="torch.tensor([name == 'cat' for name in bank.names])",
    )
    if wanted.shape != (len(maps),) or wanted.dtype != torch.bool or wanted.all() or not wanted.any():
        raise LabError(
            f"expected a bool for each of {len(maps)} images, True and False both occurring, "
            f"got {tuple(wanted.shape)} {wanted.dtype}, {int(wanted.sum())} of them True; "
            "try torch.tensor([name == 'cat' for name in bank.names])"
        )
    peaks = maps.amax(dim=(2, 3))  # (N, C)
    return told_apart(peaks[wanted], peaks[~wanted])


@in_usual_numbers
def best_by_chance(maps: Tensor, *, count: int, draws: int = 100, seed: int = 0) -> Tensor:
    """How selective the best of all channels is for `count` images drawn at random: what luck can do.

    maps: (N, C, h, w);  Returns: (draws,)
    Raises: LabError unless count leaves images of both kinds
    """
    expect_maps(maps)
    expect_whole("draws", draws, 1)
    N = len(maps)
    expect_whole("count", count)
    if not 0 < count < N:
        raise LabError(f"expected a count of 1 to {N - 1} of {N} images, got {count}")
    peaks = maps.amax(dim=(2, 3))  # (N, C)
    wins = (peaks[:, None] > peaks[None]).float() + 0.5 * (peaks[:, None] == peaks[None])  # (N, N, C)
    generator = seeded(seed)
    drawn = torch.stack([torch.randperm(N, generator=generator) < count for _ in range(draws)])
    drawn = drawn.to(wins)  # (draws, N)
    # of all pairs that the drawn ones win, those among themselves are half of count², whoever they are
    won = drawn @ wins.sum(dim=1) - count**2 / 2  # (draws, C)
    return (won / (count * (N - count))).amax(dim=1)


@in_usual_numbers
def face_tests(*, count: int = 100, size: int = 112, side: int = 64) -> dict[str, Tensor]:
    """Small grey faces, and three controls: no faces, the same faces shuffled, the same faces upside down.

    count:   of each kind, 1 to 100
    size:    of the images, grey all around;  side: of the face in its middle, at most size
    Returns: name -> (count, 3, size, size) in 0..1
    Raises:  LabError if there are not so many, or they do not fit
    Source:  Labeled Faces in the Wild, Huang et al. 2007; 25 × 25 pixels in scikit-image
    """
    from skimage import data  # here, not above: it takes its time

    for name, number in {"count": count, "size": size, "side": side}.items():
        expect_whole(name, number)
    if not (0 < side <= size and 0 < count <= 100):
        raise LabError(f"expected 1 to 100 faces with sides of 1 to {size} pixels, got {count} of {side}")
    crops = torch.from_numpy(data.lfw_subset()).float()  # (200, 25, 25), faces first
    faces, others = crops[:count], crops[100 : 100 + count]
    kinds = {
        "faces": faces,
        "no faces": others,
        "shuffled": shuffle_blocks(faces),
        "upside down": faces.flip(1),
    }
    return {name: _frame(kind, size, side) for name, kind in kinds.items()}


@in_usual_numbers
def shuffle_blocks(images: Tensor, *, block: int = 5, seed: int = 0) -> Tensor:
    """Cut each image into blocks and lay them anew, all images alike: the same pixels, another picture.

    images: (N, H, W), sides a multiple of block;  Returns: (N, H, W)
    """
    expect_tensor("images", images, "N H W", of="numbers")
    expect_whole("block", block, 1)
    N, H, W = images.shape
    if H % block or W % block:
        raise LabError(f"expected sides that are multiples of {block}, got {H} × {W}; try another block")
    rows, columns = H // block, W // block
    blocks = (
        images.view(N, rows, block, columns, block).transpose(2, 3).reshape(N, rows * columns, block, block)
    )
    order = torch.randperm(rows * columns, generator=seeded(seed))
    return blocks[:, order].view(N, rows, columns, block, block).transpose(2, 3).reshape(N, H, W)


def _frame(crops: Tensor, size: int, side: int) -> Tensor:
    """(N, h, w) -> (N, 3, size, size), enlarged to side × side in the middle of grey."""
    images = crops.new_full((len(crops), 1, size, size), 0.5)
    start = (size - side) // 2
    images[..., start : start + side, start : start + side] = F.interpolate(
        crops[:, None], size=(side, side), mode="bicubic"
    ).clamp(0, 1)
    return images.expand(-1, 3, -1, -1).contiguous()
