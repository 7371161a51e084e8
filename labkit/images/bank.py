"""Banks of photos of one size: the embedded one, and a folder of the student's own."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from labkit.arguments import expect_whole
from labkit.errors import LabError, nearest
from labkit.images.files import as_path, is_heic, load, shown_path
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


def photos(*, size: int = 224) -> Photos:
    """The embedded bank: 20 labelled ImageNet photos and 10 more, all from installed packages.

    Returns: Photos with images (30, 3, size, size)
    Raises:  LabError if a package that holds them is missing
    """
    bank = _bank(expect_whole("size", size, 1))
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
    return Photos(images, torch.tensor(labels, device="cpu"), names, credits_)


def _package(name: str, *folders: str) -> Path:
    """A folder of a package that holds photos."""
    if (package := package_folder(name)) is None:
        raise LabError(f"the embedded photos need the package {name}, which is missing; try labkit doctor")
    return package.joinpath(*folders)


def folder(path: str | os.PathLike[str], *, size: int = 224) -> Photos:
    """All photos of a folder, sub-folders included but hidden ones; what cannot be read is left out and named.

    Returns: Photos, labels -1, each named by its path within the folder
    Raises:  LabError if the folder is not there or holds no photo that can be read
    """
    root = as_path(path)
    size = expect_whole("size", size, 1)
    if not os.path.isdir(root):
        raise LabError(f"no folder {shown_path(root)}; give the folder that holds your photos")
    kinds = Image.registered_extensions()
    files = [
        file
        for file in sorted(root.rglob("*"))
        if (file.suffix.lower() in kinds or is_heic(file)) and os.path.isfile(file)
        if not any(part.startswith(".") for part in file.relative_to(root).parts)
    ]
    images, names, skipped = [], [], []
    for file in files:
        try:
            images.append(load(file, size=size))
            names.append(str(file.relative_to(root)))
        except LabError as error:
            skipped.append(str(error))
    if not images:
        told = f"no photo to read in {shown_path(root)}: {len(files)} image files, {len(skipped)} unreadable"
        raise LabError(f"{told}; try JPEG or PNG")
    labels = torch.full((len(images),), -1, device="cpu")
    return Photos(torch.cat(images), labels, tuple(names), (str(root),) * len(images), tuple(skipped))
