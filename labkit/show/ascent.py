"""Figures of stage 06: sheets of images that were made, each with a line of its own, and bars."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from labkit.errors import LabError
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import ACCENT, FAINT, INK, WIDTH, draw

SIDE = 1.75  # inches, the largest side of an image


class MadePicture(PhotoPicture):
    """Images that ascent made are all texture: with fewer colours they look the same, and weigh a third less."""

    colours = 88
    shades = (255, 127)  # the paper, and the grey that an ascent starts from


def sheet(
    images: Tensor | Sequence[Tensor],
    captions: Sequence[str],
    *,
    columns: int = 5,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Images row after row, a line above each.

    images: (N, 3, H, W) in 0..1, or as many of (3, H, W)
    Raises: LabError where images and captions differ in number
    """
    if len(images) != len(captions) or not len(images):
        raise LabError(
            f"expected a caption for each image, got {len(images)} images, {len(captions)} captions"
        )
    rows, lines = -(-len(images) // columns), max(line.count("\n") + 1 for line in captions)
    side = min(WIDTH / columns, SIDE)
    width = max(side * columns, 0.8 * WIDTH)
    height = (side + 0.19 * lines + 0.05) * rows + _around(title, caption, width)
    figure = MadePicture(width, height, title=title, caption=caption, alt=alt)
    grid = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes in grid[len(images) :]:
        axes.set_axis_off()
    for axes, image, line in zip(grid, images, captions, strict=False):
        draw(axes, image, title=line, smooth=True)
    return figure


def _around(title: str, caption: str, width: float) -> float:
    """Inches for the title and the lines of the caption."""
    return 0.3 * bool(title) + 0.18 * -(-len(caption) // int(width * 13)) + 0.15


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

    rows:  name -> images (N, 3, H, W) in 0..1, as many in each row
    notes: name -> N notes
    """
    notes = notes or {}
    if (
        len(
            counts := {len(images) for images in rows.values()}
            | {len(columns) or len(next(iter(rows.values())))}
        )
        > 1
    ):
        raise LabError(
            f"expected rows of one length and a name for each column, got lengths {sorted(counts)}"
        )
    (count,) = counts
    label = 0.3 + 0.075 * max(len(line) for name in rows for line in name.split("\n"))  # inches
    above = 0.17 * max((name.count("\n") + 1 for name in columns), default=0)
    side = min((WIDTH - label) / count, SIDE)
    figure = MadePicture(
        WIDTH,
        (side + (0.22 if notes else 0.02)) * len(rows) + above + _around(title, caption, WIDTH),
        title=title,
        caption=caption,
        alt=alt,
    )
    places = figure.subplots(len(rows), count, squeeze=False)
    for line, (name, images) in zip(places, rows.items(), strict=True):
        for index, (axes, image) in enumerate(zip(line, images, strict=True)):
            draw(axes, image, smooth=True)
            if name in notes:
                axes.set_xlabel(notes[name][index], fontsize=8.5, color=INK, labelpad=2)
        line[0].set_ylabel(name, fontsize=9.5, color=INK, rotation=0, ha="right", va="center")
    for axes, name in zip(places[0], columns, strict=False):
        axes.set_title(name, fontsize=9.5, color=INK)
    return figure


def bars(
    values: Mapping[str, float | None],
    *,
    label: str,
    notes: Sequence[str] = (),
    missing: str = "not reached",
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """A bar a name, with a note at its end. values: name -> length, None where there is none."""
    figure = Picture(WIDTH, 0.3 * len(values) + 1.5, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    top = max((value for value in values.values() if value is not None), default=1.0)
    for line, value in enumerate(values.values()):
        axes.barh(line, value or 0, height=0.66, color=ACCENT)
        note = notes[line] if line < len(notes) else ""
        said = f"{value:g}  {note}" if value is not None else f"{missing}  {note}"
        axes.text((value or 0) + top * 0.01, line, said, va="center", fontsize=9.5, color=INK)
    axes.set_yticks(range(len(values)), values.keys())
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.set_xlim(0, top * 1.3)
    axes.set_xlabel(label, color=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(left=False)
    return figure
