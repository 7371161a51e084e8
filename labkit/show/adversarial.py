"""Figures of stage 08: originals beside what fools the network, shares as a table."""

from collections.abc import Mapping, Sequence
from typing import Unpack

from matplotlib.axes import Axes
from torch import Tensor

from labkit.arguments import expect_alike, expect_number
from labkit.errors import LabError
from labkit.methods.adversarial import rms
from labkit.models import Classifier
from labkit.show.drawing import bare, row_axis
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.palette import BLUE, FAINT, INK, RED
from labkit.show.picture import Picture, Texts, with_alt
from labkit.show.plots import grid


@in_usual_look
def says(model: Classifier, image: Tensor) -> str:
    """What the network puts first, and how likely that is: "koala 63%"."""
    ((name, probability),) = model.top(image, k=1)
    return f"{name} {_percent(probability)}"


def _percent(probability: float) -> str:
    if probability > 0.99:  # never rounded up to certainty
        return f"{probability:.1%}" if probability < 0.9995 else "over 99.9%"
    return f"{probability:.0%}"


@in_usual_look
def difference(original: Tensor, changed: Tensor, *, times: float = 1.0) -> Tensor:
    """What was added, as a picture: 0 is grey. Alike in shape; in 0..1, the rest cut off."""
    expect_alike("original", original, "changed", changed, "… H W")
    expect_number("times", times)
    return (0.5 + times * (changed - original)).clamp(0, 1)


@in_usual_look
def as_in_the_lecture(
    model: Classifier,
    originals: Sequence[Tensor],
    changed: Sequence[Tensor],
    *,
    times: float = 10,
    **texts: Unpack[Texts],
) -> Picture:
    """One row per image: original, adversarial, difference, 10 × difference, with predictions and norms.

    originals, changed: as many images (1, 3, H, W) each
    """
    if len(originals) != len(changed):
        raise LabError(
            f"expected as many changed images as originals, got {len(changed)} and {len(originals)}"
        )
    pictures: list[Tensor] = []
    words: list[str] = []
    for before, after in zip(originals, changed, strict=True):
        pictures += [before, after, difference(before, after), difference(before, after, times=times)]
        words += [says(model, before), says(model, after), *_sizes(after - before)]
    told = "; ".join(f"{a} becomes {b}" for a, b in zip(words[::4], words[1::4], strict=True))
    names = "original", "adversarial", "difference", f"{times:g} × difference"
    return grid(pictures, columns=4, above=names, below=words, **with_alt(told, texts))


def _sizes(change: Tensor) -> tuple[str, str]:
    """A change's norms, in words."""
    return f"r.m.s. {rms(change).item():.4f}", f"largest {255 * change.abs().max().item():.1f} / 255"


@in_usual_look
def predicted(
    models: Classifier | Mapping[str, Classifier],
    shown: Mapping[str, Tensor],
    *,
    columns: int = 4,
    **texts: Unpack[Texts],
) -> Picture:
    """Images in rows: above each what it is, below it what the network says, or each of several by its name.

    shown: name -> image (1, 3, H, W)
    """
    readers = {"": models} if isinstance(models, Classifier) else models
    words = {
        name: "\n".join(
            f"{reader}: {says(model, image)}".removeprefix(": ") for reader, model in readers.items()
        )
        for name, image in shown.items()
    }
    told = "; ".join(f"{name}: {said}" for name, said in words.items()).replace("\n", ", ")
    columns = min(columns, len(shown))
    return grid(shown.values(), above=shown, below=words.values(), columns=columns, **with_alt(told, texts))


@in_usual_look
def share_table(shares: Mapping[str, Mapping[str, float]], **texts: Unpack[Texts]) -> Picture:
    """Shares as a table, each with a bar as long as it is: one row for each, one column per treatment.

    shares: row -> column -> share in 0..1, the same columns in every row
    """
    columns = list(next(iter(shares.values())))
    told = "; ".join(
        f"{name}: " + ", ".join(f"{column} {row[column]:.0%}" for column in columns)
        for name, row in shares.items()
    ).replace("\n", " ")
    figure = Picture(WIDTH, 0.55 * len(shares) + 0.5, **with_alt(told, texts))
    axes = figure.subplots()
    for place, row in enumerate(shares.values()):
        for column, share in enumerate(row[name] for name in columns):
            axes.text(column, place + 0.12, f"{share:.0%}", ha="center", color=INK, fontsize=11)
            axes.barh(place + 0.28, 0.8, left=column - 0.4, height=0.14, color=FAINT)
            axes.barh(place + 0.28, 0.8 * share, left=column - 0.4, height=0.14, color=BLUE)
    bare(axes)
    row_axis(axes, shares)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    return figure


def probability_bars(axes: Axes, top: Sequence[tuple[str, float]], *, accent: str = "") -> None:
    """The leading categories as bars, likeliest on top, each with its name on the left; one of them in red."""
    for place, (name, probability) in enumerate(top):
        axes.barh(place, probability, color=RED if name == accent else BLUE, height=0.62)
        axes.text(-0.03, place, f"{name}  {_percent(probability)}", color=INK, va="center", ha="right")
    axes.set_xlim(-0.9, 1)
    axes.set_ylim(len(top) - 0.5, -0.5)
    axes.set_axis_off()
