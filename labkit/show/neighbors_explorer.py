"""The explorer of stage 02: a photo, perhaps the student's own, and what lies nearest to it in every space."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from labkit.arguments import expect_whole
from labkit.images import Photos
from labkit.methods.neighbors import nearest
from labkit.show.controls import wide_slider
from labkit.show.drawing import in_three_figures
from labkit.show.look import in_usual_look
from labkit.show.own_photos import PhotoChoice, expect_photo, photo_explorer
from labkit.show.picture import Picture
from labkit.show.plots import grid
from labkit.show.widgets import Explorer

# How images (N, 3, H, W) are described there, as (N, D), and the gallery's own descriptions (M, D).
Space = tuple[Callable[[Tensor], Tensor], Tensor]
ROW = 5
EACH = "Above each neighbour what it shows, and its L2 distance, which compares within a row only."


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
    page = expect_whole("page", page, 1, -(-(len(gallery) - 1) // ROW))
    begin, end = (page - 1) * ROW, min(page * ROW, len(gallery) - 1)
    itself = names.index(name) if name in names else None  # the photo, in front of its views
    found = {space: _neighbors(expect_photo(image), one, end, itself) for space, one in spaces.items()}
    rows = {space: [image[0], *gallery[chosen[begin:]]] for space, (chosen, _) in found.items()}
    shown = {space: [names[index] for index in chosen[begin:]] for space, (chosen, _) in found.items()}
    far = [one for _, values in found.values() for one in ("", *map(in_three_figures, values[begin:]))]
    what = [name for row in shown.values() for name in ("", *row)]
    right = ", ".join(f"{there.count(name)} by {space}" for space, there in shown.items())
    return grid(
        rows,
        above=[f"{one}\n{value}".strip() for one, value in zip(what, far, strict=True)],
        title=f"Nearest to {name}: places {begin + 1} to {end}",
        caption=(f"Neighbours that show the same: {right}. " if itself is not None else "") + EACH,
    )


def _neighbors(image: Tensor, space: Space, k: int, itself: int | None) -> tuple[list[int], list[float]]:
    """Rows of the gallery, nearest first, and how far each is."""
    describe, vectors = space
    out = None if itself is None else torch.tensor([itself])
    near, far = nearest(describe(image), vectors, k=k, leave_out=out)
    return near[0].tolist(), far[0].tolist()


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
    pages = min(10, -(-(len(gallery) - 1) // ROW))
    photos, slider = PhotoChoice(bank, photo), wide_slider("page", 1, pages, first=1)

    def show(photo: str, page: int) -> Picture:
        return nearest_to(photos[photo], spaces, gallery, names, name=photo, page=page)

    return photo_explorer(show, photos, page=slider)
