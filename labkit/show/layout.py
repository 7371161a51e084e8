"""Where the images of a grid and the words around them stand, and how large they are."""

from collections.abc import Iterable, Sequence
from itertools import chain, repeat

from torch import Tensor

from labkit.show.drawing import draw
from labkit.show.look import in_usual_look
from labkit.show.picture import PhotoPicture, Picture, Texts

WIDTH = 9.0  # inches, as wide as a notebook's cell
LINE = 0.19  # inches, the height of a line of text below an image
_TOP = {"anchor": "N"}  # of images of several heights the upper edges, and the words above them, are in line


@in_usual_look
def laid_out(
    shown: Sequence[Tensor | str],
    rows: Sequence[str],
    columns: int,
    over: Sequence[str],
    under: Sequence[str],
    *,
    side: float,
    exact: bool,
    texts: Texts,
) -> Picture:
    """A grid's images and words in their places. rows: their names, if they have any"""
    margin = _margin(rows)
    side = min((WIDTH - margin) / columns, side)
    size = _font_size(over, side)
    height = _height(shown, columns, side, over, under, size)
    figure = (Picture if exact else PhotoPicture)(side * columns + margin, height, **texts)
    figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.02, wspace=0, hspace=0)
    frames = figure.subplots(-(-len(shown) // columns), columns, squeeze=False, subplot_kw=_TOP).flatten()
    for axes, image, title, line in zip(frames, shown, _padded(over), _padded(under), strict=False):
        draw(axes, image, title=title, exact=exact)
        axes.title.set_fontsize(size)
        axes.set_xlabel(line, labelpad=3)
    for axes, name in zip(frames[::columns], rows, strict=False):
        axes.set_ylabel(name, **({"rotation": 0, "ha": "right", "va": "center"} if margin > 0.3 else {}))
    for axes in frames[len(shown) :]:
        axes.set_visible(False)
    return figure


def _padded(words: Sequence[str]) -> Iterable[str]:
    return chain(words, repeat(""))


def _margin(rows: Iterable[str]) -> float:
    """Inches for the rows' names; they are turned where they are long."""
    longest = max((len(line) for name in rows for line in name.split("\n")), default=0)
    return 0.3 if longest > 10 else 0.3 + 0.075 * longest if longest else 0


def _font_size(above: Sequence[str], side: float) -> float:
    """Points, so that words above an image are no wider than it is, and small above a small one."""
    longest = max((1, *(len(line) for words in above for line in words.split("\n"))))
    return max(8, min(12, 6 + 3 * side, 120 * side / longest))


def _height(
    images: Sequence[Tensor | str],
    columns: int,
    side: float,
    above: Sequence[str],
    below: Sequence[str],
    size: float,
) -> float:
    """Inches for all rows and the words around them."""
    over, under = (max((1 + line.count("\n") for line in lines), default=0) for lines in (above, below))
    tallest = max(1.0 if isinstance(image, str) else image.shape[-2] / image.shape[-1] for image in images)
    count = -(-len(images) // columns)
    titled = count if len(above) == len(images) else 1
    return (side * tallest + 0.04 + LINE * under) * count + (size / 60 * over + 0.05) * titled
