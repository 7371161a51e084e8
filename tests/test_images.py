import numpy as np
import pytest
import torch
from PIL import Image

from labkit import images
from labkit.errors import LabError
from labkit.images import bank as image_bank
from labkit.images import downloaded


def test_the_bank_has_thirty_photos_twenty_with_labels():
    bank = images.photos()
    assert bank.images.shape == (30, 3, 224, 224)
    assert bank.images.dtype == torch.float32
    assert 0 <= bank.images.min() <= bank.images.max() <= 1
    assert (bank.labels >= 0).sum() == 20
    assert bank.labels.dtype == torch.int64
    assert len(set(bank.names)) == len(bank.credits) == len(bank) == 30
    assert all(bank.credits)


def test_the_bank_is_the_callers_to_change():
    images.photos(size=32).images.zero_()
    assert images.photos(size=32).images.sum() > 0


def test_a_photo_is_found_by_name_and_near_names_are_offered():
    bank = images.photos(size=32)
    assert torch.equal(bank["dalmatian"], bank.images[16:17])
    with pytest.raises(LabError, match=r"no photo 'dalmatain'.*'dalmatian'"):
        bank["dalmatain"]


def test_the_bank_needs_no_import_of_foolbox_scikit_image_or_scikit_learn(monkeypatch):
    import sys

    for name in ("foolbox", "skimage", "sklearn"):
        monkeypatch.setitem(sys.modules, name, None)  # find_spec raises, an import would fail
        monkeypatch.delitem(sys.modules, name)
    image_bank._bank.cache_clear()
    assert len(images.photos(size=16)) == 30
    assert not {"foolbox", "skimage", "sklearn"} & set(sys.modules)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("labkit.packages.find_spec", lambda _name: None)
    with pytest.raises(LabError, match=r"need the package foolbox.*labkit doctor"):
        image_bank._bank.__wrapped__(16)


GREY = np.linspace(0, 255, 48).reshape(6, 8)


@pytest.mark.parametrize(
    ("name", "photo"),
    [
        ("grey.png", Image.fromarray(GREY.astype(np.uint8))),
        ("deep.png", Image.fromarray((GREY * 257).astype(np.uint16))),
        ("deep.tif", Image.fromarray((GREY * 257).astype(np.uint16))),
        ("float.tif", Image.fromarray((GREY / 255).astype(np.float32))),
        ("palette.png", Image.fromarray(GREY.astype(np.uint8)).convert("P")),
        ("opaque.png", Image.fromarray(GREY.astype(np.uint8)).convert("RGBA")),
        ("two.png", Image.fromarray(GREY.astype(np.uint8)).convert("LA")),
        ("odd name (1) é.PNG", Image.fromarray(GREY.astype(np.uint8)).convert("RGB")),
    ],
)
def test_photos_of_every_kind_come_out_as_the_same_colour_image(tmp_path, name, photo):
    photo.save(tmp_path / name)
    image = images.load(tmp_path / name)
    assert image.shape == (1, 3, 6, 8)
    expected = torch.tensor(GREY / 255, dtype=torch.float32).expand(1, 3, 6, 8)
    torch.testing.assert_close(image, expected, atol=1 / 255, rtol=0)


def test_a_cmyk_jpeg_is_converted(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "print.jpg")
    red = images.load(tmp_path / "print.jpg")[0, :, 4, 4]
    assert red[0] > 0.9
    assert red[1:].max() < 0.1


def test_what_is_transparent_becomes_white(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (images.load(tmp_path / "clear.png") == 1).all()


def test_a_photo_taken_sideways_is_turned_upright(tmp_path):
    photo = Image.new("RGB", (8, 4))
    exif = photo.getexif()
    exif[0x0112] = 6  # turn a quarter clockwise
    photo.save(tmp_path / "sideways.jpg", exif=exif)
    assert images.load(tmp_path / "sideways.jpg").shape == (1, 3, 8, 4)


@pytest.mark.parametrize(("height", "width"), [(100, 60), (60, 100), (8, 300), (224, 224)])
def test_fit_gives_the_middle_square(height, width):
    picture = torch.zeros(1, 3, height, width)
    picture[..., height // 2 - 2 : height // 2 + 2, width // 2 - 2 : width // 2 + 2] = 1
    fitted = images.fit(picture, 32)
    assert fitted.shape == (1, 3, 32, 32)
    weights = fitted[0, 0] / fitted[0, 0].sum()
    centre = (weights.sum(1) * torch.arange(32)).sum(), (weights.sum(0) * torch.arange(32)).sum()
    assert all(abs(c - 15.5) < 1 for c in centre)


def test_files_that_are_no_photos_are_named_in_one_sentence(tmp_path):
    (tmp_path / "cat.jpg").write_text("meow")
    whole = tmp_path / "whole.png"
    Image.effect_noise((64, 64), 50).save(whole)
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:300])
    for name in ("cat.jpg", "cut.png"):
        with pytest.raises(LabError, match=rf"cannot read .*{name} as a photo"):
            images.load(tmp_path / name)
    with pytest.raises(LabError, match=r"no such file; beside it are \['cat\.jpg'"):
        images.load(tmp_path / "cat.jpeg")
    with pytest.raises(LabError, match="that is a folder"):
        images.load(tmp_path)


def test_a_folder_of_photos_leaves_out_and_names_what_it_cannot_read(tmp_path):
    (tmp_path / "trip").mkdir()
    Image.new("L", (50, 40), 128).save(tmp_path / "trip" / "a.JPG", format="JPEG")
    Image.new("RGB", (40, 50)).save(tmp_path / "b.png")
    (tmp_path / "broken.png").write_text("")
    (tmp_path / "notes.txt").write_text("not a photo")
    bank = images.folder(tmp_path, size=32)
    assert bank.images.shape == (2, 3, 32, 32)
    assert {name.replace("\\", "/") for name in bank.names} == {"b.png", "trip/a.JPG"}
    assert len(bank.skipped) == 1
    assert "broken.png" in bank.skipped[0]


def test_heic_is_read_where_its_reader_is_installed_and_named_where_not(tmp_path, monkeypatch):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_bytes("RGB", (8, 6), bytes([200, 100, 50]) * 48).save(
        tmp_path / "phone.HEIC", quality=100
    )
    assert images.load(tmp_path / "phone.HEIC").shape == (1, 3, 6, 8)
    assert images.folder(tmp_path, size=6).names == ("phone.HEIC",)
    monkeypatch.setattr("labkit.images.files.find_spec", lambda _name: None)
    monkeypatch.setattr(Image, "ID", [kind for kind in Image.ID if kind != "HEIF"])
    Image.new("RGB", (8, 8)).save(tmp_path / "other.png")
    (skipped,) = images.folder(tmp_path, size=6).skipped
    assert "phone.HEIC" in skipped
    assert "pip install pillow-heif" in skipped


def test_a_folders_hidden_parts_are_not_walked(tmp_path):
    for place in (".thumbnails/small.png", "holiday/.cache/deep/x.png", "._apple.png", "holiday/beach.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / place)
    hidden = tmp_path / ".mine"
    hidden.mkdir()
    Image.new("RGB", (8, 8)).save(hidden / "asked.png")
    assert images.folder(tmp_path, size=6).names == ("holiday/beach.png",)
    assert images.folder(hidden, size=6).names == ("asked.png",)  # asked for by name


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_black(tmp_path, odd):
    values = np.full((4, 5), 0.5, dtype=np.float32)
    values[1, 2] = odd
    Image.fromarray(values).save(tmp_path / "x.tiff")
    loaded = images.load(tmp_path / "x.tiff")
    assert loaded[0, 0, 1, 2] == 0
    assert loaded[0, 0, 0, 0] == pytest.approx(0.5)


def test_a_folder_without_photos_says_so(tmp_path):
    with pytest.raises(LabError, match="no photo to read"):
        images.folder(tmp_path)
    with pytest.raises(LabError, match="no folder"):
        images.folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("images_", "says"),
    [
        (torch.rand(3, 8, 8), r"\(N, 3, H, W\), got \(3, 8, 8\); try image.unsqueeze"),
        (torch.rand(1, 1, 8, 8), r"got \(1, 1, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "got torch.uint8"),
        (torch.rand(1, 3, 8, 8) * 255, "0..1"),
        (torch.full((1, 3, 8, 8), torch.nan), "0..1"),
        (np.zeros((1, 3, 8, 8)), "got ndarray"),
        (torch.zeros(0, 3, 8, 8), r"got \(0, 3, 8, 8\)"),
    ],
)
def test_what_is_no_batch_of_images_is_refused_with_a_way_out(images_, says):
    with pytest.raises(LabError, match=says):
        images.expect_images(images_)


def imagenette_folder(root):
    """A tiny stand-in for what Imagenette's archive unpacks to."""
    for split in ("train", "val"):
        for wnid in ("n01440764", "n02102040", "n02979186", "n03000684", "n03028079", "n03394916", "n03417042",
                     "n03425413", "n03445777", "n03888257"):  # fmt: skip
            (root / "imagenette2-160" / split / wnid).mkdir(parents=True)
            Image.new("RGB", (20, 16)).save(root / "imagenette2-160" / split / wnid / "1.JPEG")


def test_imagenette_gives_images_and_imagenet_labels(tmp_path):
    imagenette_folder(tmp_path)
    bank = images.imagenette(root=tmp_path, size=12)
    image, label = bank[3]
    assert image.shape == (3, 12, 12)
    assert label == 491  # chain saw
    assert len(bank) == 10


def test_an_interrupted_imagenette_leaves_nothing_that_looks_whole(tmp_path):
    def cut(folder):
        (folder / "imagenette2-160").mkdir()
        raise ConnectionResetError

    with pytest.raises(LabError, match=r"Imagenette \(99 MB\) could not be downloaded"):
        downloaded.download_imagenette(tmp_path, tmp_path / "imagenette2-160", cut)
    assert list(tmp_path.iterdir()) == []
    downloaded.download_imagenette(tmp_path, tmp_path / "imagenette2-160", imagenette_folder)
    assert len(images.imagenette(root=tmp_path)) == 10


def test_an_unknown_split_is_refused():
    with pytest.raises(LabError, match="'val' or 'train', got 'test'"):
        images.imagenette(split="test")
