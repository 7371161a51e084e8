"""Photos as tensors: the embedded bank, a student's own files, and downloaded banks.

A batch of images is (N, 3, H, W) float32 in 0..1. Normalisation belongs to the networks.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset

from labkit.errors import LabError, nearest
from labkit.packages import package_folder

_SCIKIT_IMAGE = {  # file in scikit-image: (name, credit)
    "astronaut.png": ("astronaut", "NASA, Eileen Collins; public domain"),
    "chelsea.png": ("cat", "Stéfan van der Walt, Chelsea the cat; CC0"),
    "coffee.png": ("coffee", "Rachel Michetti, Pikolo Espresso Bar; CC0"),
    "hubble_deep_field.jpg": ("deep field", "NASA and ESA, Hubble eXtreme Deep Field; public domain"),
    "ihc.png": ("tissue", "Center for Microscopy and Molecular Imaging; no known restrictions"),
    "motorcycle_left.png": ("motorcycle", "Middlebury Stereo 2014, Scharstein et al."),
    "retina.jpg": ("retina", "Mikael Häggström; CC0"),
    "rocket.jpg": ("rocket", "SpaceX, launch of DSCOVR; public domain"),
}
_SCIKIT_LEARN = {
    "china.jpg": ("temple", "danielbuechele on Flickr; CC BY 2.0"),
    "flower.jpg": ("flower", "vultilion on Flickr; CC BY 2.0"),
}
_FOOLBOX = (  # names of foolbox's ImageNet photos 00 to 19; each file's name holds its label
    "bull mastiff", "folding chair", "beaker", "buckeye", "strawberry", "thatched roof", "jeep",
    "blue jeep", "yurt", "bottle cap", "drum", "loafer", "stained glass", "cannon", "spoonbill", "goose",
    "dalmatian", "bald eagle", "leafhopper", "dung beetle",
)  # fmt: skip
_IMAGENETTE = (0, 217, 482, 491, 497, 566, 569, 571, 574, 701)  # its ten classes as ImageNet labels


@dataclass(frozen=True)
class Photos:
    """A bank of photos of one size.

    images:  (N, 3, H, W) in 0..1
    labels:  (N,) int64, the ImageNet class, -1 where unknown
    names:   what each is called, for captions and for looking it up: bank["dalmatian"]
    credits: who made each, under which licence
    skipped: files that were left out, each with the reason
    """

    images: Tensor
    labels: Tensor
    names: tuple[str, ...]
    credits: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> Tensor:
        """The photo of that name, (1, 3, H, W)."""
        if name not in self.names:
            raise LabError(f"no photo {name!r} in the bank; try one of {nearest(name, self.names)}")
        index = self.names.index(name)
        return self.images[index : index + 1]


def expect_images(images: Tensor) -> None:
    """Require a batch (N, 3, H, W) of floats in 0..1.

    Raises: LabError with what was expected, what came, what to try
    """
    if not isinstance(images, Tensor):
        raise LabError(
            f"expected a batch of images as a tensor, got {type(images).__name__}; try images.load"
        )
    if images.ndim != 4 or images.shape[1] != 3 or 0 in images.shape:
        mend = "image.unsqueeze(0)" if images.ndim == 3 else "images.load or images.photos().images"
        raise LabError(f"expected images of shape (N, 3, H, W), got {tuple(images.shape)}; try {mend}")
    if not images.is_floating_point():
        raise LabError(f"expected floats in 0..1, got {images.dtype}; try images.float() / 255")
    low, high = images.amin().item(), images.amax().item()
    if not (low >= 0 and high <= 1):
        raise LabError(
            f"expected values in 0..1, got {low:.3g} to {high:.3g}; "
            "try images.clamp(0, 1), and leave normalisation to the network"
        )


def to_8_bit(images: Tensor) -> Tensor:
    """The images as a file keeps them, 256 shades a colour: each value rounded to the nearest k/255."""
    return (images * 255).round() / 255


def load(path: str | os.PathLike, *, size: int | None = None) -> Tensor:
    """Read a photo of any common kind: grey, RGBA (laid on white), 16 bits, turned by EXIF.

    size:    shorter side in pixels, then the middle is cropped square; None keeps the photo as it is
    Returns: (1, 3, H, W) in 0..1
    Raises:  LabError if there is no such file, or no photo in it
    """
    path = Path(path).expanduser()
    if not path.is_file():
        beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        near = f"; beside it are {nearest(path.name, beside)}" if beside else ""
        raise LabError(f"no photo at {path}: {'that is a folder' if path.is_dir() else 'no such file'}{near}")
    try:
        with Image.open(path) as file:
            pixels = _rgb(ImageOps.exif_transpose(file))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise LabError(
            f"cannot read {path} as a photo ({error}); try to save it anew as PNG or JPEG"
        ) from error
    image = torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0).contiguous()
    return image if size is None else fit(image, size)


def _rgb(file: Image.Image) -> np.ndarray:
    """(H, W, 3) float32 in 0..1 from a PIL image of any mode."""
    if file.mode.startswith(("I", "F")):  # one channel of 16 or 32 bits
        values = np.asarray(file, dtype=np.float32)
        top = 1.0 if values.max() <= 1 else 255.0 if file.mode == "F" and values.max() <= 255 else 65535.0
        return np.repeat((values / top).clip(0, 1)[..., None], 3, axis=2)
    if file.has_transparency_data:
        rgba = file.convert("RGBA")
        file = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(file.convert("RGB"), dtype=np.float32) / 255


def fit(images: Tensor, size: int) -> Tensor:
    """Resize the shorter side to `size` and crop the middle: (N, 3, H, W) -> (N, 3, size, size)."""
    height, width = images.shape[-2:]
    scale = size / min(height, width)
    shape = [max(size, round(height * scale)), max(size, round(width * scale))]
    resized = F.interpolate(images, size=shape, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    return resized[..., top : top + size, left : left + size].contiguous()


def photos(*, size: int = 224) -> Photos:
    """The embedded bank: 20 labelled ImageNet photos and 10 more, all from installed packages.

    Returns: Photos with images (30, 3, size, size)
    Raises:  LabError if a package that holds them is missing
    """
    bank = _bank(size)
    return Photos(bank.images.clone(), bank.labels.clone(), bank.names, bank.credits)


@cache
def _bank(size: int) -> Photos:
    rows: list[tuple[Path, int, str, str]] = []
    for file in sorted(_package("foolbox", "data").glob("imagenet_??_*.jpg")):
        _, number, label = file.stem.split("_")
        rows.append((file, int(label), _FOOLBOX[int(number)], "ImageNet, by way of foolbox"))
    for folder, files in [
        (_package("skimage", "data"), _SCIKIT_IMAGE),
        (_package("sklearn", "datasets", "images"), _SCIKIT_LEARN),
    ]:
        rows += [(folder / file, -1, name, credit) for file, (name, credit) in files.items()]
    paths, labels, names, credits_ = zip(*rows, strict=True)
    images = torch.cat([load(path, size=size) for path in paths])
    return Photos(images, torch.tensor(labels), names, credits_)


def _package(name: str, *folders: str) -> Path:
    """A folder of a package that holds photos."""
    if (package := package_folder(name)) is None:
        raise LabError(f"the embedded photos need the package {name}, which is missing; try labkit doctor")
    return package.joinpath(*folders)


def folder(path: str | os.PathLike, *, size: int = 224) -> Photos:
    """All photos of a folder, sub-folders included; what cannot be read is left out and named.

    Returns: Photos, labels -1, each named by its path within the folder
    Raises:  LabError if the folder is not there or holds no photo that can be read
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise LabError(f"no folder {root}; give the folder that holds your photos")
    kinds = Image.registered_extensions()
    files = [file for file in sorted(root.rglob("*")) if file.suffix.lower() in kinds and file.is_file()]
    images, names, skipped = [], [], []
    for file in files:
        try:
            images.append(load(file, size=size))
            names.append(str(file.relative_to(root)))
        except LabError as error:
            skipped.append(str(error))
    if not images:
        raise LabError(
            f"no photo to read in {root}: {len(files)} image files, {len(skipped)} unreadable; try JPEG or PNG"
        )
    labels = torch.full((len(images),), -1)
    return Photos(torch.cat(images), labels, tuple(names), (str(root),) * len(images), tuple(skipped))


def imagenette(*, split: str = "val", size: int = 224, root: str | os.PathLike | None = None) -> Dataset:
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
        _download_imagenette(home, kept, lambda folder: Imagenette(folder, size="160px", download=True))
    return Imagenette(
        home,
        split=split,
        size="160px",
        transform=lambda photo: fit(torch.from_numpy(_rgb(photo)).permute(2, 0, 1).unsqueeze(0), size)[0],
        target_transform=_IMAGENETTE.__getitem__,
    )


def _download_imagenette(home: Path, kept: Path, download: Callable[[Path], object]) -> None:
    """Download and unpack beside its place, then move: a cut download never looks whole."""
    from labkit.downloads import explained

    with explained("Imagenette (99 MB)", try_="the embedded photos, images.photos(), work without it"):
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            download(Path(scratch))
            shutil.move(Path(scratch) / kept.name, kept)
