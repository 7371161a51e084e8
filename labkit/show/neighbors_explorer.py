"""The explorer of stage 02: a photo, perhaps the student's own, and what lies nearest to it in every space."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from labkit.arguments import expect_whole
from labkit.images import Photos
from labkit.methods.neighbors import nearest
from labkit.show.controls import wide_slider
from labkit.show.look import in_usual_look
from labkit.show.own_photos import PhotoChoice, expect_photo
from labkit.show.picture import Picture
from labkit.show.plots import grid
from labkit.show.widgets import Explorer

Space = tuple[
    Callable[[Tensor], Tensor], Tensor
]  # describes images (N, 3, H, W) as (N, D); the gallery's (M, D)
ROW = 5


@in_usual_look
def nearest_to(
    image: Tensor,
    spaces: Mapping[str, Space],
    gallery: Tensor,
    names: list[str],
    *,
    name: str = "the photo",
    page: int = 1,
) -> Picture:
    """An image's neighbours in a gallery, a row for each space; page 2 shows the sixth to the tenth.

    image:  (1, 3, H, W) in 0..1;  gallery: (M, 3, h, w), what the rows show;  names: of what each shows
    spaces: name -> how images are described there, and the gallery's own descriptions
    Raises: LabError for a page behind the gallery's end
    """
    expect_photo(image)
    page = expect_whole("page", page, 1, -(-(len(gallery) - 1) // ROW))
    begin, rows, above, right = (page - 1) * ROW, {}, [], {}
    itself = torch.tensor([names.index(name)]) if name in names else None  # the photo, in front of its views
    for space, (describe, vectors) in spaces.items():
        near, far = nearest(describe(image), vectors, k=min(page * ROW, len(gallery) - 1), leave_out=itself)
        chosen = near[0, begin:].tolist()
        rows[space] = [image[0], *gallery[chosen]]
        shown = [names[index] for index in chosen]
        above += [
            "",
            *(f"{what}\n{value:.3g}" for what, value in zip(shown, far[0, begin:].tolist(), strict=True)),
        ]
        right[space] = shown.count(name)
    counted = ", ".join(f"{count} by {space}" for space, count in right.items()) if name in names else ""
    return grid(
        rows,
        above=above,
        title=f"Nearest to {name}: places {begin + 1} to {begin + len(chosen)}",
        caption=(f"That show the same: {counted}. " if counted else "")
        + "Above each neighbour what it shows, and its L2 distance, which compares within a row only.",
    )


@in_usual_look
def explore(
    spaces: Mapping[str, Space], gallery: Tensor, names: list[str], bank: Photos, *, photo: str = ""
) -> Explorer:
    """Photo × page: the nearest in every space, and on the next pages those behind them.

    spaces, gallery, names: as for `nearest_to`
    bank:   the photos to choose from, beside your own, of the size that the gallery was described in
    photo:  shown first; the bank's first unless named
    Raises: LabError for an unknown photo
    """
    photos, slider = PhotoChoice(bank, photo), wide_slider("page", 1, min(10, -(-(len(gallery) - 1) // ROW)))
    slider.min = 1

    def show(photo: str, page: int) -> Picture:
        return nearest_to(photos[photo], spaces, gallery, names, name=photo, page=page)

    found = Explorer(show, {"photo": photos.dropdown, "page": slider}, more=[photos.upload])
    photos.say = found.say
    return found
