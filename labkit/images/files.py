"""A photo of any common kind, read from a file."""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from labkit.errors import LabError, nearest
from labkit.images.tensors import fit


def load(path: str | os.PathLike, *, size: int | None = None) -> Tensor:
    """Read a photo of any common kind: grey, RGBA (laid on white), 16 bits, turned by EXIF.

    HEIC too, where pillow-heif is installed: pip install 'cnn-labkit[heic]'

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
        _learn_heic(path)
        with Image.open(path) as file:
            pixels = rgb(ImageOps.exif_transpose(file))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        kind = ", or pip install pillow-heif, since this is HEIC, as phones save it" if is_heic(path) else ""
        raise LabError(
            f"cannot read {path} as a photo ({error}); try to save it anew as PNG or JPEG{kind}"
        ) from error
    image = torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0).contiguous()
    return image if size is None else fit(image, size)


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
