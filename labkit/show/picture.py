"""A figure as a part of the page: the picture holds pictures only, title and caption are text around it."""

import base64
import io
from html import escape
from typing import Any, TypedDict, Unpack

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.text import Text
from PIL import Image

from labkit import whose
from labkit.show.look import in_usual_look, usual_look
from labkit.show.palette import FAINT, INK

DPI = 160
PAGE_DPI = 96  # a browser's pixels to the inch
SMALLEST = 0.7  # of its size, below which its words are too small to read: a narrower page scrolls it
QUIET: Any = {  # how axes begin: what is drawn in them is to be seen, not they
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
}


class Texts(TypedDict, total=False):
    """The words that go with a figure.

    title, caption: the text above and below it
    alt:            what it shows, in words and figures, for readers who do not see it; title and caption unless given
    """

    title: str
    caption: str
    alt: str


def with_alt(told: str, texts: Texts) -> Texts:
    """The texts, with an alt text that also tells what only the figure shows, unless they have one of their own."""
    told = f"{texts.get('title', '')}. {told}. {texts.get('caption', '')}"
    return {**texts, "alt": texts.get("alt") or told}


class Picture(Figure):
    """A figure that brings its texts along, as text that follows the page's theme.

    width, height: in inches, of the picture alone, which has no ground of its own
    """

    encoding: dict[str, Any] = {"lossless": True, "quality": 60}  # charts: few colours, sharp edges  # noqa: RUF012

    def __init__(self, width: float, height: float, **texts: Unpack[Texts]):
        with usual_look():
            super().__init__(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="none")
        FigureCanvasAgg(self)
        self.title, self.caption = (
            texts.get("title", ""),
            f"{texts.get('caption', '')} {whose.told()}".strip(),
        )
        parts = (part.rstrip(".") for part in (self.title, self.caption) if part)
        self.alt = texts.get("alt") or ". ".join(parts)

    def add_subplot(self, *args: Any, **options: Any) -> Axes:
        with usual_look(), rc_context(QUIET):
            axes: Axes = super().add_subplot(*args, **options)
            return axes

    @in_usual_look
    def pixels(self) -> np.ndarray:
        """(H, W, 4) uint8: red, green, blue, and how opaque."""
        for text in self.findobj(Text):
            if text.get_color() == "black":  # nobody chose it; legends and annotations begin so
                text.set_color(INK)
        for legend in self.findobj(Legend):
            legend.set_frame_on(False)
        layout = self.get_layout_engine()
        if self.axes and isinstance(layout, ConstrainedLayoutEngine):
            self.draw_without_rendering()  # titles find their places, so that the layout knows how much room they need
            layout.execute(self)
            self.set_layout_engine(
                "none"
            )  # asked again it would move things again, and the picture with them
        self.canvas.draw()
        return np.asarray(self.canvas.buffer_rgba())  # type: ignore[attr-defined]

    def webp(self) -> bytes:
        out = io.BytesIO()
        Image.fromarray(self.pixels()).save(out, format="webp", **self.encoding)
        return out.getvalue()

    def html(self, *, before: str = "") -> str:
        """The figure as markup, whole in itself.

        before: markup in front of the title
        """
        width, height = (round(inches * PAGE_DPI) for inches in self.get_size_inches())
        data = base64.b64encode(self.webp()).decode()
        title = (
            f"<div style='font-weight:600;margin-bottom:6px'>{_unbroken(self.title)}</div>"
            if self.title
            else ""
        )
        caption = (
            f"<figcaption style='margin-top:6px;line-height:1.45'>{_unbroken(self.caption)}</figcaption>"
            if self.caption
            else ""
        )
        least = round(SMALLEST * width)
        return (
            f"<figure class='labkit-figure' style='margin:8px 0 16px;max-width:{width}px'>{before}{title}"
            f"<div tabindex='0' style='overflow-x:auto'><img alt='{escape(self.alt)}' width='{width}' height='{height}'"
            f" style='max-width:100%;min-width:{least}px;height:auto' src='data:image/webp;base64,{data}'></div>"
            f"{caption}</figure>"
        )

    def bundle(self, *, before: str = "") -> dict[str, str]:
        """MIME type -> data, as a notebook shows it. before: as for `html`"""
        return {"text/html": self.html(before=before), "text/plain": self.alt}

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        return self.bundle()


def _unbroken(text: str) -> str:
    """Text as markup, with sizes such as 7 × 7 kept on one line."""
    return escape(text).replace(" × ", "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}")


class PhotoPicture(Picture):
    """A figure that is mostly photos, stored as photos are."""

    encoding = {"quality": 80}  # noqa: RUF012
