"""Figures of stage 07: a dream while it grows, dreams side by side, and the objective over its steps."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from html import escape

import numpy as np
import torch
from matplotlib.ticker import PercentFormatter
from torch import Tensor

from labkit.errors import LabError
from labkit.methods.dream import DreamFrame
from labkit.show.palette import FAINT, HUES, INK
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.place import Place
from labkit.show.plots import WIDTH, draw, to_pixels


class Snapshot(PhotoPicture):
    """One image, pixel for pixel and without a word around it: quick to make, for what changes with each step.

    image: (1, 3, H, W) or (3, H, W) in 0..1, shown `width` inches wide whatever its pixels
    """

    def __init__(self, image: Tensor, *, width: float = 5.0, alt: str = ""):
        H, W = image.shape[-2:]
        super().__init__(width, width * H / W, alt=alt)
        self.image = image

    def pixels(self) -> np.ndarray:
        return (to_pixels(self.image) * 255).round().to(torch.uint8).numpy()


def where(frame: DreamFrame) -> str:
    """How far a dream has come, in words: "octave 2 of 4, step 7 of 12"."""
    return f"octave {frame.octave} of {frame.octaves}, step {frame.step} of {frame.steps}"


class Scores:
    """The objective of each step, octave by octave: one list of numbers an octave, of the batch's first image."""

    def __init__(self) -> None:
        self.octaves: list[list[float]] = []

    def add(self, frame: DreamFrame) -> None:
        if frame.octave > len(self.octaves):
            self.octaves.append([])
        self.octaves[-1].append(frame.scores[0].item())


def growing(
    frames: Iterable[DreamFrame], draw_end: Callable[[Tensor, Scores], Picture], *, every: int = 3
) -> tuple[Tensor, Scores]:
    """Show a dream while it grows, under a progress bar; in its place, at the end, stays draw_end's picture.

    every:   how many steps from picture to picture
    Returns: the dream, and the objective of its steps
    """
    place, scores, frame = Place(), Scores(), None
    for number, frame in enumerate(frames):
        scores.add(frame)
        if number % every == 0:
            place.show(_live(frame))
    if frame is None:
        raise LabError("expected at least one frame, got none; a generator that has run is empty")
    place.show(draw_end(frame.images, scores)._repr_mimebundle_())
    return frame.images, scores


def _live(frame: DreamFrame) -> dict[str, str]:
    """A progress bar and the picture below it, each octave's as large as the last one's."""
    text = where(frame)
    bar = f"<progress value='{frame.share:.3f}' max='1' aria-label='{escape(text)}' style='width:320px'></progress>"
    snapshot = Snapshot(frame.images, alt=f"the dream at {text}")
    return {"text/html": snapshot.html(before=f"<div>{bar} {escape(text)}</div>"), "text/plain": text}


def photo_sheet(
    pictures: Mapping[str, Tensor],
    *,
    columns: int = 3,
    width: float = WIDTH,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Photos in rows, each with its line above, as large as the page allows.

    pictures: line -> (1, 3, H, W) or (3, H, W) in 0..1, all of one shape
    width:    of the whole, in inches
    """
    if not pictures:
        raise LabError("expected at least one picture for the sheet, got none")
    rows = -(-len(pictures) // columns)
    H, W = next(iter(pictures.values())).shape[-2:]
    high = (width / columns * H / W + 0.3) * rows
    figure = PhotoPicture(width, high, title=title, caption=caption, alt=alt)
    grid = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, (line, image) in zip(grid, pictures.items(), strict=False):
        draw(axes, image, title=line, smooth=True)
    for axes in grid[len(pictures) :]:
        axes.set_visible(False)
    return figure


def score_curves(
    dreams: Mapping[str, Scores], *, label: str, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """The objective over the steps, a line a dream, with a gap and a thin rule where an octave ends."""
    figure = Picture(WIDTH, 3.6, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    for (name, scores), hue in zip(dreams.items(), HUES, strict=False):
        begin = 0
        for octave in scores.octaves:
            steps = range(begin + 1, begin + len(octave) + 1)
            axes.plot(steps, octave, color=hue, linewidth=2.4, label=name if begin == 0 else None)
            begin += len(octave)
    first = next(iter(dreams.values()))
    ends = torch.tensor([0, *(len(octave) for octave in first.octaves)]).cumsum(0).tolist()
    for number, (begin, end) in enumerate(itertools.pairwise(ends), start=1):
        axes.text((begin + end) / 2 + 0.5, 1.01, f"octave {number}", ha="center", fontsize=10, color=INK,
                  transform=axes.get_xaxis_transform())  # fmt: skip
        axes.axvline(end + 0.5, color=FAINT, linewidth=0.8)
    axes.set_ylim(bottom=0)
    axes.set_xlim(0.5, ends[-1] + 0.5)
    axes.set_xlabel("step")
    axes.set_ylabel(label)
    axes.legend(loc="upper left")
    return figure


def across_the_border(
    off: Mapping[str, Tensor], *, border: int, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """How far a tiled gradient is off in each column of pixels, a line a margin, with a rule where two tiles meet.

    off: name -> (W,), shares of the mean gradient
    """
    figure = Picture(WIDTH, 3.4, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    for (name, line), hue in zip(off.items(), HUES, strict=False):
        axes.plot(line, color=hue, linewidth=2, label=name)
    axes.axvline(border - 0.5, color=INK, linewidth=1, linestyle="--")
    axes.text(border + 4, axes.get_ylim()[1], "border of the tiles", color=INK, va="top")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlim(0, len(next(iter(off.values()))) - 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("column of pixels")
    axes.set_ylabel("difference, of the mean gradient")
    axes.legend(loc="upper right")
    return figure
