"""The photos that an explorer offers: a bank's, and the student's own beside them."""

from collections.abc import Callable
from typing import Any

import ipywidgets
from torch import Tensor

from labkit.errors import LabError
from labkit.images import Photos, expect_images
from labkit.images.files import from_bytes
from labkit.show.controls import chooser
from labkit.show.widgets import Explorer

ACCEPTED = "image/*,.heic,.heif"
LIMIT = "An image file. Where JupyterLab was not started by labkit lab, its server may drop files of 10 MB and more."


class PhotoChoice:
    """A dropdown of a bank's photos, and a button that adds one of the student's own to it, cut to their size.

        choice["cat"]  # (1, 3, size, size) in 0..1

    dropdown: of names;  upload: the button
    say:      is told why a file is no photo, in a sentence
    """

    def __init__(self, bank: Photos, first: str = "", *, say: Callable[[str], None] = print):
        self.bank, self.say = bank, say
        self._own: dict[str, Tensor] = {}
        self.dropdown = chooser("photo", bank.names, first)
        self.upload = ipywidgets.FileUpload(
            accept=ACCEPTED,
            description="Your own photo",
            tooltip=LIMIT,
            layout=ipywidgets.Layout(width="auto"),
        )
        self.upload.observe(self._uploaded, names="value")

    def __getitem__(self, name: str) -> Tensor:
        """The photo of that name, (1, 3, size, size). Raises: LabError that offers names near to it"""
        return self._own[name] if name in self._own else self.bank[name]

    def add(self, name: str, data: bytes) -> None:
        """Offer a photo, from what its file holds, and choose it; what is no photo is told, and nothing changes."""
        try:
            photo = from_bytes(data, name=name, size=self.bank.images.shape[-1])
        except LabError as error:
            self.say(str(error))
            return
        known, number, label = self.dropdown.options, 1, name
        while label in known:
            number += 1
            label = f"{name} ({number})"
        self._own[label] = photo
        self.dropdown.options = (*known, label)
        self.dropdown.value = label

    def _uploaded(self, change: Any) -> None:
        files = change["new"]
        self.upload.value = ()  # so that the same file can be chosen again
        for file in files:
            self.add(file["name"], bytes(file["content"]))


def photo_explorer(draw: Callable[..., Any], photos: PhotoChoice, **controls: Any) -> Explorer:
    """An explorer whose first control chooses the photo, beside a button for one's own.

    draw:     as for Explorer, with photo=its name among the values;  controls: the others
    """
    found = Explorer(draw, {"photo": photos.dropdown, **controls}, more=[photos.upload])
    photos.say = found.say
    return found


def expect_photo(image: Tensor) -> Tensor:
    """Require one photo, (1, 3, H, W) in 0..1, and hand it back. Raises: LabError"""
    expect_images(image)
    if len(image) != 1:
        raise LabError(f"expected one photo (1, 3, H, W), got {tuple(image.shape)}; try images[i : i + 1]")
    return image
