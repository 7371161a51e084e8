"""Any number of images, batch by batch: tensors, banks of photos, datasets, data loaders."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset
from tqdm.auto import tqdm

from labkit.arguments import expect_whole
from labkit.errors import LabError
from labkit.images import Photos, expect_images

LONG = 1_000  # from so many images on a progress bar is worth its line


def batches(images: Tensor | Photos | Dataset[Any] | Iterable[Any], size: int) -> Iterator[Tensor]:
    """Images as batches (n, 3, H, W), under a progress bar where they are many, or nobody knows how many.

    images: (N, 3, H, W) in 0..1, or a bank of photos, or a Dataset of (3, H, W) or (image, label), or any
            iterable of batches (n, 3, H, W) or (batch, labels). All of one size
    size:   images a batch, where they do not come in batches
    Raises: LabError for images outside 0..1, of another shape or of different sizes
    """
    size = expect_whole("size", size, 1)
    images = images.images if isinstance(images, Photos) else images
    if not isinstance(images, Iterable | Dataset) or isinstance(images, Tensor):
        expect_images(images)
    total = len(images) if isinstance(images, Tensor | Dataset) and hasattr(images, "__len__") else None
    parts: Any = images.split(size) if isinstance(images, Tensor) else images
    parts = _of_dataset(images, size) if isinstance(images, Dataset) else parts
    few, first = total is not None and total < LONG, None
    with tqdm(total=total, unit=" images", disable=few, delay=0 if total else 3) as bar:
        for part in parts:
            batch = part[0] if isinstance(part, tuple | list) else part
            expect_images(batch)
            first = first or tuple(batch.shape[2:])
            _expect_one_size([first, tuple(batch.shape[2:])])
            yield batch
            bar.update(len(batch))


def _of_dataset(dataset: Any, size: int) -> Iterator[Tensor]:
    """A dataset's images in batches, its labels left out."""
    numbered = not isinstance(dataset, IterableDataset)
    items = (dataset[i] for i in range(len(dataset))) if numbered else iter(dataset)
    while chunk := list(islice(items, size)):
        images = [item[0] if isinstance(item, tuple | list) else item for item in chunk]
        if kinds := {type(image).__name__ for image in images if not isinstance(image, Tensor)}:
            raise LabError(f"expected a dataset of tensors (3, H, W), got {min(kinds)}; give it a transform")
        _expect_one_size([tuple(image.shape) for image in images])
        yield torch.stack(images)


def _expect_one_size(sizes: list[tuple[int, ...]]) -> None:
    if len(set(sizes)) > 1:
        raise LabError(
            f"expected images of one size, got {sorted(set(sizes))}; try images.fit(images, 224) first"
        )
