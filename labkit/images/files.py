"""A photo of any common kind, read from a file."""

import io
import os
import warnings
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from labkit.arguments import expect_whole, shown
from labkit.errors import LabError, nearest
from labkit.images.tensors import fit
from labkit.running import reason

_LARGE = 24_000_000  # pixels


def load(path: str | os.PathLike[str], *, size: int | None = None) -> Tensor:
    """Read a photo of any common kind: grey, RGBA (laid on white), 16 bits, turned by EXIF.

    HEIC too, where pillow-heif is installed: pip install 'cnn-labkit[heic]'

    size:    shorter side in pixels, then the middle is cropped square; None keeps the photo as it is
    Returns: (1, 3, H, W) in 0..1
    Raises:  LabError if there is no such file, or no photo in it
    """
    path = as_path(path)
    size = None if size is None else expect_whole("size", size, 1)
    if not os.path.isfile(path):
        raise LabError(f"no photo at {shown_path(path)}: {_no_file(path)}")
    return _read(path, path, size)


def from_bytes(data: bytes, *, name: str = "photo", size: int | None = None) -> Tensor:
    """Read a photo from what its file holds, such as an upload; name: of the file. All else as for `load`."""
    return _read(io.BytesIO(data), Path(name), None if size is None else expect_whole("size", size, 1))


def _read(source: Path | io.BytesIO, path: Path, size: int | None) -> Tensor:
    try:
        _learn_heic(path)
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(source) as file,
        ):  # of damage that does no harm
            pixels = rgb(ImageOps.exif_transpose(_reduced(file, size)))
    except Exception as error:  # a damaged file can make any
        raise LabError(
            f"cannot read {shown_path(path)} as a photo ({reason(error)}); {_mend(path, error)}"
        ) from error
    image = torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0).contiguous()
    return image if size is None else fit(image, size)


def _mend(path: Path, error: Exception) -> str:
    """What to try with a file that is no photo for us."""
    if isinstance(error, Image.DecompressionBombError | MemoryError):
        return "it is very large; try a copy of at most 10,000 pixels a side"
    kind = ", or pip install pillow-heif, since this is HEIC, as phones save it" if is_heic(path) else ""
    return f"try to save it anew as PNG or JPEG{kind}"


def _reduced(file: Image.Image, size: int | None) -> Image.Image:
    """A very large photo that is to be small, made smaller before its pixels become floats of four bytes each."""
    times = min(file.size) // (4 * size) if size and file.width * file.height > _LARGE else 1
    return file.reduce(times) if times > 1 and file.mode in ("RGB", "L", "RGBA", "CMYK") else file


def as_path(path: str | os.PathLike[str]) -> Path:
    """A path of the user's, "~" being their own folder. Raises: LabError for what is none"""
    if not isinstance(path, str | os.PathLike):
        raise LabError(f"expected the path of a file or folder, got {shown(path)}; try 'photo.jpg'")
    try:
        return Path(path).expanduser()
    except (RuntimeError, TypeError) as error:  # ~ of somebody who is not here, a path of bytes
        raise LabError(f"expected a path, got {shown(path)} ({reason(error)}); try the whole path") from error


def shown_path(path: Path) -> str:
    """A path for a message, in one line: of a very long one its end."""
    text = " ".join(str(path).replace("\0", "�").splitlines())
    return text if len(text) <= 200 else f"…{text[-200:]}"


def _no_file(path: Path) -> str:
    """What is there in a file's place, and what is beside it."""
    if os.path.isdir(path):
        return "that is a folder"
    kind = "a pipe, or a link to nowhere" if os.path.lexists(path) else "no such file"
    beside: list[str] = []
    with suppress(OSError, ValueError):
        beside = os.listdir(path.parent)
    return f"{kind}; beside it are {nearest(path.name, beside)}" if beside else kind


def is_heic(path: Path) -> bool:
    """Whether a file is called as phones call their photos."""
    return path.suffix.lower() in (".heic", ".heif")


def _learn_heic(path: Path) -> None:
    """Let Pillow read HEIC too, where pillow-heif is installed."""
    if is_heic(path) and find_spec("pillow_heif"):
        import_module("pillow_heif").register_heif_opener()


def rgb(file: Image.Image) -> np.ndarray:
    """(H, W, 3) float32 in 0..1 from a PIL image of any mode."""
    if file.mode.startswith(("I", "F")):  # one channel of 16 or 32 bits
        values = np.nan_to_num(np.asarray(file, dtype=np.float32), posinf=0.0, neginf=0.0)
        top = 1.0 if values.max() <= 1 else 255.0 if file.mode == "F" and values.max() <= 255 else 65535.0
        return np.repeat((values / top).clip(0, 1)[..., None], 3, axis=2)
    if file.has_transparency_data:
        rgba = file.convert("RGBA")
        file = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(file.convert("RGB"), dtype=np.float32) / 255
