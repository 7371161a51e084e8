"""A figure that brings its caption and alt text along, and a lighter one for photos."""

import io
import textwrap

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

DPI = 110
INK = "#24292f"


class Picture(Figure):
    """A figure that brings its caption and alt text along wherever it is shown.

    alt: what the picture shows, in words and figures, for readers who do not see it
    """

    def __init__(self, width: float, height: float, *, title: str = "", caption: str = "", alt: str = ""):
        super().__init__(figsize=(width, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(self)
        self.alt = alt or ". ".join(part for part in (title, caption) if part)
        if title:
            self.suptitle(title, fontsize=12, color=INK, x=0.012, ha="left", weight="bold")
        if caption:
            wrapped = textwrap.fill(caption, width=int(width * 13.4))
            self.supxlabel(wrapped, fontsize=9.5, color=INK, x=0.012, ha="left", linespacing=1.35)

    def png(self) -> bytes:
        out = io.BytesIO()
        self.savefig(out, format="png", metadata={"Software": None, "Description": self.alt})
        return out.getvalue()

    def _repr_mimebundle_(self, **_kwargs) -> tuple[dict, dict]:
        return {"image/png": self.png(), "text/plain": self.alt}, {
            "image/png": {"alt": self.alt},
            "alt": self.alt,
        }


class PhotoPicture(Picture):
    """A figure that is mostly photos: as a PNG of 256 colours it takes a third of the space, and looks the same.

    colours: how many there are, beside the shades;  shades: of grey that stay as they are, such as the paper's
    """

    dither = Image.Dither.NONE
    colours = 255
    shades: tuple[int, ...] = (255,)

    def png(self) -> bytes:
        full = Image.open(io.BytesIO(super().png())).convert("RGB")
        sample = full.resize(
            (full.width // 4, full.height // 4), Image.Resampling.NEAREST
        )  # quicker, as good
        # this method keeps rare, strong colours, such as a small green eye
        palette = sample.quantize(self.colours, method=Image.Quantize.MAXCOVERAGE, kmeans=3)
        numbers = np.array(full.quantize(palette=palette, dither=self.dither))
        for number, shade in enumerate(self.shades, self.colours):
            numbers[(np.asarray(full) == shade).all(axis=2)] = number
        light, out, about = Image.fromarray(numbers), io.BytesIO(), PngInfo()
        shades = [value for shade in self.shades for value in (shade,) * 3]
        light.putpalette([*(palette.getpalette() or [])[: 3 * self.colours], *shades])
        about.add_text("Description", self.alt)
        light.save(out, format="png", optimize=True, pnginfo=about)
        return out.getvalue()
