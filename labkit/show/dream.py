"""Figures of stage 07: a dream while it grows, and the objective over its steps."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Unpack

import numpy as np
import torch
from torch import Tensor

from labkit.errors import LabError
from labkit.methods.dream import DreamFrame
from labkit.show.drawing import to_pixels
from labkit.show.look import in_usual_look
from labkit.show.picture import PhotoPicture, Picture, Texts
from labkit.show.place import Place
from labkit.show.plots import lines


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
    """The objective of each step, octave by octave: one list of numbers for each octave, of the batch's first image."""

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
    place.show(draw_end(frame.images, scores).bundle())
    return frame.images, scores


def _live(frame: DreamFrame) -> dict[str, str]:
    """A progress bar and the picture below it, each octave's as large as the last one's."""
    text = where(frame)
    bar = f"<progress value='{frame.share:.3f}' max='1' aria-label='{escape(text)}' style='width:320px'></progress>"
    snapshot = Snapshot(frame.images, alt=f"the dream at {text}")
    return snapshot.bundle(before=f"<div>{bar} {escape(text)}</div>")


@in_usual_look
def score_curves(dreams: Mapping[str, Scores], *, label: str, **texts: Unpack[Texts]) -> Picture:
    """The objective over the steps, one line per dream, with a gap and a thin rule where an octave ends."""
    curves = {}
    for name, scores in dreams.items():
        steps: list[float] = []
        heights: list[float] = []
        for octave in scores.octaves:
            begin = int(steps[-1]) if steps else 0
            steps += [*range(begin + 1, begin + len(octave) + 1), begin + len(octave)]
            heights += [*octave, float("nan")]
        curves[name] = steps[:-1], heights[:-1]
    octaves = next(iter(dreams.values())).octaves
    ends = list(itertools.accumulate(map(len, octaves), initial=0))
    rules = {end + 0.5: f"octave {number}" for number, end in enumerate(ends[:-1], start=1)}
    look = {"xlim": (0.5, ends[-1] + 0.5), "ylim": (0, None)}
    return lines(curves, across="step", up=label, rules=rules, legend=True, look=look, **texts)
