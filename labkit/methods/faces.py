"""Small grey faces that no search has seen, and pictures to compare them with, for claims about face channels."""

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.errors import LabError


def face_tests(*, size: int = 112, side: int = 64) -> dict[str, Tensor]:
    """A hundred faces, and three controls of a hundred: no faces, the same faces shuffled, and upside down.

    size:    of the images, grey all around;  side: of the face in its middle, at most size
    Returns: name -> (100, 3, size, size) in 0..1
    Raises:  LabError if a face does not fit
    Source:  Labeled Faces in the Wild, Huang et al. 2007; 25 × 25 pixels in scikit-image
    """
    from skimage import data  # here, not above: it takes its time

    if not 0 < side <= size:
        raise LabError(f"expected a side of 1 to {size} pixels, got {side}")
    crops = torch.from_numpy(data.lfw_subset()).float()  # (200, 25, 25), faces first
    faces, others = crops[:100], crops[100:]
    kinds = {
        "faces": faces,
        "no faces": others,
        "shuffled": shuffle_blocks(faces),
        "upside down": faces.flip(1),
    }
    return {name: _frame(kind, size, side) for name, kind in kinds.items()}


def shuffle_blocks(images: Tensor, *, block: int = 5, seed: int = 0) -> Tensor:
    """Cut each image into blocks and lay them anew, all images alike: the same pixels, another picture.

    images: (N, H, W), sides a multiple of block;  Returns: (N, H, W)
    """
    N, H, W = images.shape
    rows, columns = H // block, W // block
    blocks = (
        images.view(N, rows, block, columns, block).transpose(2, 3).reshape(N, rows * columns, block, block)
    )
    order = torch.randperm(rows * columns, generator=torch.Generator().manual_seed(seed))
    return blocks[:, order].view(N, rows, columns, block, block).transpose(2, 3).reshape(N, H, W)


def _frame(crops: Tensor, size: int, side: int) -> Tensor:
    """(N, h, w) -> (N, 3, size, size), enlarged to side × side in the middle of grey."""
    images = crops.new_full((len(crops), 1, size, size), 0.5)
    start = (size - side) // 2
    images[..., start : start + side, start : start + side] = F.interpolate(
        crops[:, None], size=(side, side), mode="bicubic"
    ).clamp(0, 1)
    return images.expand(-1, 3, -1, -1).contiguous()
