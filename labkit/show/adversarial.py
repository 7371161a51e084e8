"""Figures of stage 08: originals beside what fools the network, lines over epsilon, shares as a table."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from torch import Tensor

from labkit.errors import LabError
from labkit.methods.adversarial import rms
from labkit.models import Classifier
from labkit.show.palette import BLUE, FAINT, HUES, INK, RED
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import WIDTH, draw


def says(model: Classifier, image: Tensor) -> str:
    """What the network puts first, and how likely that is: "koala 63%"."""
    ((name, probability),) = model.top(image, k=1)
    return f"{name} {_percent(probability)}"


def _percent(probability: float) -> str:
    if probability > 0.99:  # never rounded up to certainty
        return f"{probability:.1%}" if probability < 0.9995 else "over 99.9%"
    return f"{probability:.0%}"


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
    height = (WIDTH / 4 + 0.22) * len(originals) + 0.25
    figure = PhotoPicture(WIDTH, height, title=title, caption=caption, alt=alt)
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
            axes.set_xlabel(words)
    for axes, name in zip(
        grid[0], ("original", "adversarial", "difference", f"{times:g} × difference"), strict=True
    ):
        axes.set_title(name, weight="bold")
    return figure


def predicted(
    models: Classifier | Mapping[str, Classifier],
    shown: Mapping[str, Tensor],
    *,
    columns: int = 4,
    title: str = "",
    caption: str = "",
    alt: str = "",
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
    rows, columns = -(-len(shown) // columns), min(columns, len(shown))
    height = rows * (min(WIDTH / columns, 3.2) + 0.3 + 0.18 * len(readers))
    figure = PhotoPicture(
        WIDTH, height, title=title, caption=caption, alt=alt or f"{title}. {told}. {caption}"
    )
    frames = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, (name, image) in zip(frames, shown.items(), strict=False):
        draw(axes, image[0], title=name, smooth=True)
        axes.set_xlabel(words[name])
    for axes in frames[len(shown) :]:
        axes.set_visible(False)
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
    figure = Picture(WIDTH, 3.8, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    dashes = iter(("-", "-", "--", "-.", ":"))  # lines that run together can still be told apart
    hues = iter(HUES)
    for name, line in values.items():
        if name in marks:
            (points,) = axes.plot(at, line, "o", color=INK, label=name, markersize=11)
            points.set(markerfacecolor="none", markeredgewidth=1.8)
        else:
            axes.plot(at, line, next(dashes), color=next(hues), linewidth=2.4, label=name)
    axes.set_xlabel(across)
    axes.set_ylabel(label)
    axes.grid()
    axes.legend()
    return figure


def share_table(
    shares: Mapping[str, Mapping[str, float]], *, title: str = "", caption: str = "", alt: str = ""
) -> Picture:
    """Shares as a table, each with a bar as long as it is: a row for each, a column a treatment.

    shares: row -> column -> share in 0..1, the same columns in every row
    """
    columns = list(next(iter(shares.values())))
    told = "; ".join(
        f"{name}: " + ", ".join(f"{column} {row[column]:.0%}" for column in columns)
        for name, row in shares.items()
    ).replace("\n", " ")
    alt = alt or f"{title}. {told}. {caption}"
    figure = Picture(WIDTH, 0.55 * len(shares) + 0.5, title=title, caption=caption, alt=alt)
    axes = figure.subplots()
    for place, row in enumerate(shares.values()):
        for column, share in enumerate(row[name] for name in columns):
            axes.text(column, place + 0.12, f"{share:.0%}", ha="center", color=INK, fontsize=11)
            axes.barh(place + 0.28, 0.8, left=column - 0.4, height=0.14, color=FAINT)
            axes.barh(place + 0.28, 0.8 * share, left=column - 0.4, height=0.14, color=BLUE)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(shares)), shares.keys())
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(shares) - 0.5, -0.5)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def probability_bars(axes: Axes, top: Sequence[tuple[str, float]], *, accent: str = "") -> None:
    """The leading categories as bars, likeliest on top, each with its name on the left; one of them in red."""
    for place, (name, probability) in enumerate(top):
        axes.barh(place, probability, color=RED if name == accent else BLUE, height=0.62)
        axes.text(-0.03, place, f"{name}  {_percent(probability)}", color=INK, va="center", ha="right")
    axes.set_xlim(-0.9, 1)
    axes.set_ylim(len(top) - 0.5, -0.5)
    axes.set_axis_off()
