"""Figures of stage 08: originals beside what fools the network, lines over epsilon, shares as a table."""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from torch import Tensor

from labkit.errors import LabError
from labkit.methods.adversarial import rms
from labkit.models import Classifier
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import ACCENT, FAINT, INK, WIDTH, draw

WRONG, GRID = "#cf222e", "#d0d7de"


def says(model: Classifier, image: Tensor) -> str:
    """What the network puts first, and how likely that is: "koala 63%"."""
    ((name, probability),) = model.top(image, k=1)
    return f"{name} {_percent(probability)}"


def _percent(probability: float) -> str:
    return (
        f"{probability:.1%}" if probability > 0.99 else f"{probability:.0%}"
    )  # never rounded up to certainty


def difference(original: Tensor, changed: Tensor, *, times: float = 1.0) -> Tensor:
    """What was added, as a picture: 0 is grey. Alike in shape; in 0..1, the rest cut off."""
    return (0.5 + times * (changed - original)).clamp(0, 1)


def as_in_the_lecture(
    model: Classifier,
    originals: Sequence[Tensor],
    changed: Sequence[Tensor],
    *,
    times: float = 10,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """A row an image: original, adversarial, difference, 10 × difference, with predictions and norms.

    originals, changed: as many images (1, 3, H, W) each
    """
    if len(originals) != len(changed):
        raise LabError(
            f"expected as many changed images as originals, got {len(changed)} and {len(originals)}"
        )
    told = "; ".join(
        f"{says(model, a)} becomes {says(model, b)}" for a, b in zip(originals, changed, strict=True)
    )
    alt = alt or f"{title}. {told}. {caption}"
    figure = PhotoPicture(WIDTH, 2.45 * len(originals) + 0.8, title=title, caption=caption, alt=alt)
    grid = figure.subplots(len(originals), 4, squeeze=False)
    for line, before, after in zip(grid, originals, changed, strict=True):
        size, largest = rms(after - before).item(), (after - before).abs().max().item()
        pictures = {
            says(model, before): before,
            says(model, after): after,
            f"r.m.s. {size:.4f}": difference(before, after),
            f"largest {255 * largest:.1f} / 255": difference(before, after, times=times),
        }
        for axes, (words, picture) in zip(line, pictures.items(), strict=True):
            draw(axes, picture[0], smooth=True)
            axes.set_xlabel(words, fontsize=9.5, color=INK)
    for axes, name in zip(
        grid[0], ("original", "adversarial", "difference", f"{times:g} × difference"), strict=True
    ):
        axes.set_title(name, fontsize=10.5, color=INK, weight="bold")
    return figure


def predicted(
    model: Classifier,
    shown: Mapping[str, Tensor],
    *,
    columns: int = 4,
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Images in rows: above each what it is, below it what the network says.

    shown: name -> image (1, 3, H, W)
    """
    words = {name: says(model, image) for name, image in shown.items()}
    alt = alt or f"{title}. " + "; ".join(f"{name}: {said}" for name, said in words.items()) + f". {caption}"
    rows, columns = -(-len(shown) // columns), min(columns, len(shown))
    figure = PhotoPicture(
        WIDTH, rows * (min(WIDTH / columns, 3.0) + 0.4) + 0.8, title=title, caption=caption, alt=alt
    )
    frames = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, (name, image) in zip(frames, shown.items(), strict=False):
        draw(axes, image[0], title=name, smooth=True)
        axes.set_xlabel(words[name], fontsize=9.5, color=INK)
    return figure


def lines(
    values: Mapping[str, Tensor],
    at: Sequence[float] | Tensor,
    *,
    across: str,
    label: str,
    marks: Sequence[str] = (),
    title: str = "",
    caption: str = "",
    alt: str = "",
) -> Picture:
    """Lines over a budget or a distance, each named at its right end or in the legend.

    values: name -> (len(at),);  marks: names drawn as open circles without a line, to lie upon another
    """
    figure = PhotoPicture(WIDTH, 4.2, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    dashes = iter(("-", "-", "--", "-.", ":"))  # lines that run together can still be told apart
    colours = iter((ACCENT, WRONG, "#8250df", FAINT, "#1a7f37"))
    for name, line in values.items():
        if name in marks:
            (points,) = axes.plot(at, line, "o", color=INK, label=name, markersize=11)
            points.set(markerfacecolor="none", markeredgewidth=1.8)
        else:
            axes.plot(at, line, next(dashes), color=next(colours), linewidth=2.2, label=name)
    axes.set_xlabel(across, color=INK)
    axes.set_ylabel(label, color=INK)
    axes.grid(color=GRID, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def share_table(
    shares: Mapping[str, Mapping[str, float]], *, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """Shares as a table, darker where more: a row for each, a column a treatment.

    shares: row -> column -> share in 0..1, the same columns in every row
    """
    columns = list(next(iter(shares.values())))
    values = torch.tensor([[row[column] for column in columns] for row in shares.values()])
    told = "; ".join(
        f"{name}: " + ", ".join(f"{column} {row[column]:.0%}" for column in columns)
        for name, row in shares.items()
    )
    alt = alt or f"{title}. {told}. {caption}"
    figure = PhotoPicture(WIDTH, 0.52 * len(shares) + 1.8, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    axes.imshow(values.numpy(), cmap="Blues", vmin=0, vmax=1.25, aspect="auto")
    for row, line in enumerate(values.tolist()):
        for column, share in enumerate(line):
            colour = "white" if share > 0.7 else INK
            axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour, fontsize=11)
    axes.set_xticks(range(len(columns)), columns, fontsize=9.5)
    axes.set_yticks(range(len(shares)), shares.keys(), fontsize=10)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def probability_bars(axes: Axes, top: Sequence[tuple[str, float]], *, accent: str = "") -> None:
    """The leading categories as bars, likeliest on top; one of them in red."""
    names, probabilities = zip(*top, strict=True)
    colours = [WRONG if name == accent else ACCENT for name in names]
    axes.barh(range(len(names)), probabilities, color=colours, height=0.62)
    for place, (name, probability) in enumerate(top):
        axes.text(0, place - 0.36, f"{name}  {_percent(probability)}", fontsize=9.5, color=INK, va="bottom")
    axes.set_ylim(len(names) - 0.5, -1)
    axes.set_xlim(0, 1)
    axes.set_yticks([])
    axes.set_xticks([0, 0.5, 1])
    axes.spines[["top", "right", "left"]].set_visible(False)
