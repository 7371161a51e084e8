"""Figures of stage 06: sheets of images that were made, each with a line of its own."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from labkit.errors import LabError
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import WIDTH, draw

SIDE = 3.0  # inches, the largest side of an image


def sheet(
    images: Tensor | Sequence[Tensor],
    captions: Sequence[str],
    *,
    columns: int = 5,
    side: float = SIDE,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Images row after row, a line above each.

    images: (N, 3, H, W) in 0..1, or as many of (3, H, W)
    side:   of an image, in inches, where the page has room for it
    Raises: LabError where images and captions differ in number
    """
    if len(images) != len(captions) or not len(images):
        raise LabError(
            f"expected a caption for each image, got {len(images)} images, {len(captions)} captions"
        )
    rows, lines = -(-len(images) // columns), max(line.count("\n") + 1 for line in captions)
    side = min(WIDTH / columns, side)
    figure = PhotoPicture(
        side * columns, (side + 0.19 * lines + 0.05) * rows, title=title, caption=caption, alt=alt
    )
    places = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes in places[len(images) :]:
        axes.set_axis_off()
    for axes, image, line in zip(places, images, captions, strict=False):
        draw(axes, image, title=line, smooth=True)
    return figure


def grid(
    rows: Mapping[str, Tensor],
    columns: Sequence[str] = (),
    *,
    notes: Mapping[str, Sequence[str]] | None = None,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Images in rows, each row named at its left, each column above, each image with a note below.

    rows:   name -> images (N, 3, H, W) in 0..1, as many in each row
    notes:  name -> N notes
    Raises: LabError for rows of unequal length, and for another number of column names
    """
    notes = notes or {}
    counts = {len(images) for images in rows.values()} | ({len(columns)} if columns else set())
    if len(counts) != 1:
        raise LabError(
            f"expected rows of one length and a name for each column, got lengths {sorted(counts)}"
        )
    (count,) = counts
    label = 0.3 + 0.075 * max(len(line) for name in rows for line in name.split("\n"))  # inches
    above = 0.19 * max((name.count("\n") + 1 for name in columns), default=0)
    side = min((WIDTH - label) / count, SIDE)
    height = (side + (0.22 if notes else 0.02)) * len(rows) + above
    figure = PhotoPicture(side * count + label, height, title=title, caption=caption, alt=alt)
    places = figure.subplots(len(rows), count, squeeze=False)
    for line, (name, images) in zip(places, rows.items(), strict=True):
        for index, (axes, image) in enumerate(zip(line, images, strict=True)):
            draw(axes, image, smooth=True)
            if name in notes:
                axes.set_xlabel(notes[name][index], labelpad=2)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for axes, name in zip(places[0], columns, strict=False):
        axes.set_title(name)
    return figure
