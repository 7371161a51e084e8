"""A larger bank for longer runs, downloaded once."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from labkit.errors import LabError
from labkit.images.files import rgb
from labkit.images.tensors import fit

_IMAGENETTE = (0, 217, 482, 491, 497, 566, 569, 571, 574, 701)  # its ten classes as ImageNet labels


def imagenette(
    *, split: str = "val", size: int = 224, root: str | os.PathLike[str] | None = None
) -> Dataset[Any]:
    """Imagenette, 13,394 photos of ten ImageNet classes at 160 pixels; downloads 99 MB the first time.

    split:   "val" (3,925 photos) or "train" (9,469)
    root:    where it is kept; torch's cache by default
    Returns: a dataset of (image (3, size, size) in 0..1, ImageNet label)
    Raises:  LabError if it is not there and cannot be downloaded
    Source:  Howard, github.com/fastai/imagenette
    """
    from torchvision.datasets import Imagenette

    if split not in ("val", "train"):
        raise LabError(f"expected split 'val' or 'train', got {split!r}")
    home = Path(root) if root is not None else Path(torch.hub.get_dir()) / "labkit"
    kept = home / "imagenette2-160"
    if not kept.is_dir():
        download_imagenette(home, kept, lambda folder: Imagenette(folder, size="160px", download=True))
    photos: Dataset[Any] = Imagenette(
        home,
        split=split,
        size="160px",
        transform=lambda photo: fit(torch.from_numpy(rgb(photo)).permute(2, 0, 1).unsqueeze(0), size)[0],
        target_transform=_IMAGENETTE.__getitem__,
    )
    return photos


def download_imagenette(home: Path, kept: Path, download: Callable[[Path], object]) -> None:
    """Download and unpack beside its place, then move: a cut download never looks whole."""
    from labkit.downloads import explained

    with explained("Imagenette (99 MB)", try_="the embedded photos, images.photos(), work without it"):
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            download(Path(scratch))
            shutil.move(Path(scratch) / kept.name, kept)
