"""Five hundred files, most of them damaged: each is a picture or a LabError, and nothing else is let out."""

import os
import random
import re
import struct
import sys
import warnings
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from labkit import images
from labkit.errors import LabError

SIZE = 24
KINDS = ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP")
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F")
SHAPES = ((1, 1), (1, 5000), (5000, 1), (9, 7), (40, 60))


def drawn(mode, shape, rng):
    """A photo of noise in a mode."""
    values = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, shape, dtype=np.uint8)
    if mode in ("I;16", "I", "F"):
        dtype = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        return Image.fromarray(values.astype(dtype) * dtype(100))
    return Image.fromarray(values).convert("RGB" if mode == "CMYK" else mode).convert(mode)


def save(folder, name, rng):
    """A whole photo of any kind, mode and shape, some turned by EXIF, some that move; the file, or None where
    the kind has no such mode."""
    kind, photo = rng.choice(KINDS), drawn(rng.choice(MODES), rng.choice(SHAPES), rng)
    options = {}
    if kind in ("PNG", "JPEG", "WEBP", "TIFF") and rng.random() < 0.3:
        exif = photo.getexif()
        exif[0x0112] = rng.randrange(0, 12)
        options["exif"] = exif
    if kind in ("GIF", "WEBP", "TIFF", "PNG") and rng.random() < 0.3:
        options |= {"save_all": True, "append_images": [photo.transpose(Image.Transpose.ROTATE_180)]}
    path = folder / f"{name}.{kind.lower()}"
    try:
        photo.save(path, format=kind, **options)
    except (OSError, ValueError, KeyError):
        path.unlink(missing_ok=True)
        return None
    return path


def flipped(data, rng):
    changed = bytearray(data)
    for _ in range(rng.choice((1, 3, 30))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def flipped_in_its_head(data, rng):
    return flipped(data[:120], rng) + data[120:]


CHANGES = {
    "as it was": lambda data, rng: data,
    "flipped": flipped,
    "flipped in its head": flipped_in_its_head,
    "cut": lambda data, rng: data[: rng.randrange(len(data))],
    "longer": lambda data, rng: data + rng.randbytes(200),
    "begun late": lambda data, rng: data[rng.randrange(1, 40) :],
    "a piece twice": lambda data, rng: data[: len(data) // 2] * 2 + data[len(data) // 2 :],
    "zeros": lambda data, rng: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
    "text": lambda data, rng: b"<html>not a photo</html>",
    "nothing": lambda data, rng: b"",
}


def written(folder, count, seed=0):
    """So many files, whole or changed, some under another kind's name."""
    rng, paths = random.Random(seed), []
    while len(paths) < count:
        whole = save(folder, f"whole {len(paths)}", rng)
        if whole is None:
            continue
        change = rng.choice(list(CHANGES))
        ending = rng.choice(
            [whole.suffix, whole.suffix, whole.suffix, *(f".{kind.lower()}" for kind in KINDS)]
        )
        path = folder / f"{len(paths):03} {change}{ending}"
        path.write_bytes(CHANGES[change](whole.read_bytes(), rng))
        whole.unlink()
        paths.append(path)
    return paths


def is_a_picture(image, *, size=None):
    H, W = (size, size) if size else image.shape[2:]
    return (
        image.shape == (1, 3, H, W)
        and image.dtype == torch.float32
        and bool(((image >= 0) & (image <= 1)).all())  # NaN is neither
    )


def loaded(path, **options):
    """The photo, or None for a LabError in at most two sentences; a warning is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return images.load(path, **options)
        except LabError as error:
            assert_short(str(error))
            return None


def assert_short(message):
    assert len(re.findall(r"[.!?](?=\s+[A-Z]|$)", message)) <= 2, message
    assert "\n" not in message, message
    assert len(message) < 600, message


def test_five_hundred_files_are_pictures_or_a_sentence(tmp_path, capfd):
    seen = {change: [] for change in CHANGES}
    for path in written(tmp_path, 500):
        image = loaded(path, size=SIZE)
        assert image is None or is_a_picture(image, size=SIZE), path
        seen[path.stem.partition(" ")[2]].append(image is not None)
    assert all(seen["as it was"])
    assert not any(seen["text"] + seen["nothing"])
    assert len(seen["flipped"]) > 20
    assert 0 < sum(seen["cut"] + seen["flipped"]) < len(seen["cut"] + seen["flipped"])
    assert capfd.readouterr().err == ""


def test_a_folder_of_them_is_a_bank_and_names_what_is_left_out(tmp_path, capfd):
    paths = written(tmp_path, 120, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bank = images.folder(tmp_path, size=SIZE)
    assert bank.images.shape == (len(bank), 3, SIZE, SIZE)
    assert ((bank.images >= 0) & (bank.images <= 1)).all()
    assert len(bank) + len(bank.skipped) == len(paths)
    assert bank.skipped
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_mode_and_shape_keeps_its_size(tmp_path, mode, shape):
    photo = drawn(mode, shape, random.Random(0))
    photo.save(tmp_path / "photo.tiff")
    image = loaded(tmp_path / "photo.tiff")
    assert is_a_picture(image)
    assert tuple(image.shape[2:]) == shape


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_turn_of_exif_is_undone(tmp_path, orientation):
    photo = Image.fromarray(np.arange(6 * 9 * 3, dtype=np.uint8).reshape(6, 9, 3))
    exif = photo.getexif()
    exif[0x0112] = orientation
    photo.save(tmp_path / "turned.png", exif=exif)
    assert tuple(loaded(tmp_path / "turned.png").shape[2:]) == ((6, 9) if orientation < 5 else (9, 6))


def test_what_is_no_file_is_said(tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "circle.png").symlink_to(tmp_path / "circle.png")
    odd = [
        tmp_path / name
        for name in ("folder.png", "nowhere.png", "circle.png", "none.png", "a" * 5000, "b\0c")
    ]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        odd.append(tmp_path / "pipe.png")
    odd += ["~nobody-of-that-name/x.png", None, 3, b"photo.png", ["photo.png"], torch.zeros(3)]
    for path in odd:
        assert loaded(path) is None, path
        with pytest.raises(LabError):
            images.folder(path)


def test_a_folder_with_pipes_and_links_in_it_is_walked(tmp_path):
    drawn("RGB", (9, 9), random.Random(0)).save(tmp_path / "photo.png")
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "round").symlink_to(tmp_path, target_is_directory=True)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
    assert "photo.png" in images.folder(tmp_path, size=SIZE).names


@pytest.mark.skipif(
    sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all"
)
def test_what_may_not_be_read_is_said(tmp_path):
    drawn("RGB", (9, 9), random.Random(0)).save(tmp_path / "photo.png")
    (tmp_path / "photo.png").chmod(0)
    assert loaded(tmp_path / "photo.png") is None


@pytest.mark.parametrize("size", [0, -3, 2.5, True, "24", float("nan"), (8, 8)])
def test_what_is_no_size_is_said(tmp_path, size):
    drawn("RGB", (9, 9), random.Random(0)).save(tmp_path / "photo.png")
    assert loaded(tmp_path / "photo.png", size=size) is None
    for call in (lambda: images.folder(tmp_path, size=size), lambda: images.photos(size=size)):
        with pytest.raises(LabError, match="size as a whole number"):
            call()


def test_a_bomb_is_not_unpacked(tmp_path):
    """A small file that says it holds more pixels than fit in memory."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    assert loaded(tmp_path / "bomb.png", size=SIZE) is None


def test_a_strip_is_not_enlarged_as_a_whole():
    """At 224 pixels a strip of 1 × 5000 would be 224 × 1,120,000: three gigabytes."""
    strip = torch.zeros(1, 3, 1, 5000)
    strip[..., 2500:] = 1
    middle = images.fit(strip, 224)
    assert middle.shape == (1, 3, 224, 224)
    assert torch.equal(middle, images.fit(strip[..., 2492:2508], 224))
