"""Figures of stage 07: a dream while it grows, dreams side by side, and the objective over its steps."""

import base64
import io
import itertools
from collections.abc import Callable, Iterable, Mapping
from html import escape

import torch
from PIL import Image
from torch import Tensor

from labkit.errors import LabError
from labkit.methods.dream import Frame
from labkit.show.picture import INK, PhotoPicture, Picture
from labkit.show.plots import ACCENT, WIDTH, draw, to_pixels

HUES = (ACCENT, "#cf5b00", "#8250df", "#8c959f")


def as_png(image: Tensor, *, most: int = 480) -> bytes:
    """An image as a PNG, quickly: (1, 3, H, W) or (3, H, W) in 0..1, scaled down to `most` pixels a side."""
    pixels = (to_pixels(image) * 255).round().to(torch.uint8).numpy()
    picture, out = Image.fromarray(pixels), io.BytesIO()
    picture.thumbnail((most, most))
    picture.save(out, format="png", compress_level=1)
    return out.getvalue()


def where(frame: Frame) -> str:
    """How far a dream has come, in words: "octave 2 of 4, step 7 of 12"."""
    return f"octave {frame.octave} of {frame.octaves}, step {frame.step} of {frame.steps}"


class DreamPicture(PhotoPicture):
    """Dreams in fewer colours: they are full of fine detail, which takes much space and hides banding."""

    colours = 95


class DitheredPicture(PhotoPicture):
    """A figure with smooth skies in it, which 256 plain colours would show as bands."""

    dither = Image.Dither.FLOYDSTEINBERG


class Scores:
    """The objective of each step, octave by octave: one list of numbers an octave, of the batch's first image."""

    def __init__(self) -> None:
        self.octaves: list[list[float]] = []

    def add(self, frame: Frame) -> None:
        if frame.octave > len(self.octaves):
            self.octaves.append([])
        self.octaves[-1].append(frame.score[0].item())


def growing(
    frames: Iterable[Frame], draw_end: Callable[[Tensor, Scores], Picture], *, every: int = 3
) -> tuple[Tensor, Scores]:
    """Show a dream while it grows, under a progress bar; in its place, at the end, stays draw_end's picture.

    every:   how many steps from picture to picture
    Returns: the dream, and the objective of its steps
    """
    show, scores, frame = _place(), Scores(), None
    for number, frame in enumerate(frames):
        scores.add(frame)
        if number % every == 0:
            show(_live(frame), {})
    if frame is None:
        raise LabError("expected at least one frame, got none; a generator that has run is empty")
    picture = draw_end(frame.image, scores)
    show(picture._repr_mimebundle_(), {})
    return frame.image, scores


def _live(frame: Frame) -> dict[str, str]:
    """A progress bar and the picture below it, each octave's as large as the last one's."""
    text, data = escape(where(frame)), base64.b64encode(as_png(frame.image)).decode()
    bar = f"<progress value='{frame.share:.3f}' max='1' aria-label='{text}' style='width:320px'></progress>"
    image = f"<img alt='the dream at {text}' width='480' src='data:image/png;base64,{data}'>"
    return {"text/html": f"{bar} {text}<br>{image}", "text/plain": text}


def _place() -> Callable[[dict, dict], None]:
    """Where in the notebook to show one thing after another; outside of a notebook, nowhere."""
    from IPython import get_ipython
    from IPython.display import display

    if getattr(get_ipython(), "kernel", None) is None:
        return lambda data, metadata: None
    handle = display({"text/plain": ""}, raw=True, display_id=True)
    return lambda data, metadata: handle.update(data, metadata=metadata, raw=True)


def photo_sheet(
    pictures: Mapping[str, Tensor],
    *,
    columns: int = 3,
    width: float = 8.0,
    smooth: bool = False,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Photos in rows, each with its line above, as large as the page allows.

    pictures: line -> (1, 3, H, W) or (3, H, W) in 0..1, all of one shape
    width:    of the whole, in inches
    smooth:   whether smooth skies are to stay smooth; takes half as much space again
    """
    if not pictures:
        raise LabError("expected at least one picture for the sheet, got none")
    rows = -(-len(pictures) // columns)
    H, W = next(iter(pictures.values())).shape[-2:]
    high = (width / columns * H / W + 0.34) * rows
    kind = DitheredPicture if smooth else DreamPicture
    figure = kind(width, high + 0.7, title=title, caption=caption, alt=alt)
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
    figure = PhotoPicture(WIDTH, 3.9, title=title, caption=caption, alt=alt)
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
        axes.text((begin + end) / 2 + 0.5, 1.01, f"octave {number}", ha="center", fontsize=9, color=INK,
                  transform=axes.get_xaxis_transform())  # fmt: skip
        axes.axvline(end + 0.5, color="#d0d7de", linewidth=0.8)
    axes.set_ylim(bottom=0)
    axes.set_xlim(0.5, ends[-1] + 0.5)
    axes.set_xlabel("step", color=INK)
    axes.set_ylabel(label, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    return figure
