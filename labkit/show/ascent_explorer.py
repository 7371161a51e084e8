"""The explorer of stage 06, the regulariser lab: a grid of strengths, climbed once, then looked through at will."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import ipywidgets
import torch
from IPython import get_ipython
from IPython.display import clear_output
from matplotlib.axes import Axes
from torch import Tensor
from tqdm.auto import tqdm

from labkit.errors import LabError
from labkit.methods import ascent
from labkit.models import Classifier
from labkit.show.drawing import draw
from labkit.show.look import in_usual_look
from labkit.show.palette import BLUE, INK
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import WIDTH
from labkit.show.widgets import Explorer, explorer

L2 = (0.0, 0.2)
BLUR = (0.0, 0.5, 1.0)
CLIP = (0, 50)
NONE = (0.0, 0.0, 0)
Setting = tuple[float, float, int]  # weight of the L2 term, sigma of the blur, percent clipped by norm


@dataclass(frozen=True)
class Climbs:
    """Every setting's way up, for one category.

    steps:         those that were kept, the first 0
    images:        setting -> (len(steps), 3, H, W) uint8
    probabilities: setting -> (len(steps),), of the category on the clean 8-bit image
    roughness:     setting -> (len(steps),), total variation
    """

    category: str
    steps: tuple[int, ...]
    images: dict[Setting, Tensor]
    probabilities: dict[Setting, Tensor]
    roughness: dict[Setting, Tensor]


def climb(
    model: Classifier,
    category: str,
    *,
    size: int = 128,
    steps: int = 40,
    every: int = 4,
    rate: float = 0.03,
    seed: int = 0,
    progress: bool = True,
) -> Climbs:
    """All settings of the grid at once, as one batch from one start, so that nothing else differs.

    every:  of how many steps one is kept;  rate: of the normalised steps in pixels
    Raises: LabError for an unknown category
    """
    settings = list(product(L2, BLUR, CLIP))
    faint = 0.01 * torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(seed))
    start = (ascent.GREY + faint.to(model.mean.device)).expand(len(settings), -1, -1, -1)
    kept, frames = [0], [start]
    way = _ways_up(model, category, settings, start, steps=steps, rate=rate, seed=seed)
    for frame in tqdm(way, total=steps, unit=" steps", disable=not progress, leave=False):
        if frame.step % every == 0:
            kept.append(frame.step)
            frames.append(frame.images)
    if progress and getattr(get_ipython(), "kernel", None) is not None:
        clear_output()  # the bar has done its work, and a saved notebook should not keep it
    return _measured(model, category, settings, kept, frames)


def _measured(
    model: Classifier, category: str, settings: list[Setting], kept: list[int], frames: list[Tensor]
) -> Climbs:
    """What was kept, scored. frames: for each step that was kept, one image for each setting"""
    scored = [ascent.rescore(model, batch, [category] * len(settings)) for batch in frames]
    rough = [ascent.roughness(batch) for batch in frames]
    stored = [(batch * 255).round().to(torch.uint8) for batch in frames]

    def each(values: list[Tensor]) -> dict[Setting, Tensor]:
        return {setting: torch.stack([v[i] for v in values]).cpu() for i, setting in enumerate(settings)}

    return Climbs(category, tuple(kept), each(stored), each(scored), each(rough))


def _ways_up(
    model: Classifier,
    category: str,
    settings: list[Setting],
    start: Tensor,
    *,
    steps: int,
    rate: float,
    seed: int,
) -> Iterator[ascent.Frame]:
    """Frames of a batch with one image per setting: the L2 terms have weights of their own, and so on."""
    plain = ascent.logit(model, [category] * len(settings))
    weights = torch.tensor([l2 for l2, _, _ in settings], device=model.mean.device)
    penalty = ascent.l2()
    objective = ascent.Objective(
        lambda images: plain(images) - weights * penalty(images), count=len(settings), device=plain.device
    )

    return ascent.ascend(
        objective,
        start=start,
        parameterisation=ascent.PIXELS,
        transforms=(ascent.jitter(8),),
        regularisers=(_each_by_its_own(settings),),
        rule=ascent.normalised_steps(rate),
        steps=steps,
        seed=seed,
    )


def _each_by_its_own(settings: list[Setting]) -> ascent.Regulariser:
    """Blurs and clips each image of a batch as its own setting says."""

    def regularise(images: Tensor, gradient: Tensor, step: int) -> Tensor:
        done = []
        for index, (_, sigma, percent) in enumerate(settings):
            image, slope = images[index : index + 1], gradient[index : index + 1]
            image = ascent.blur(sigma, every=4)(image, slope, step) if sigma else image
            done.append(ascent.clip_norm(percent)(image, slope, step) if percent else image)
        return torch.cat(done)

    return regularise


@in_usual_look
def beside_the_control(climbs: Climbs, setting: Setting, step: int) -> Picture:
    """One setting at one step, beside the climb without any regulariser, and both their ways up.

    Raises: LabError for a setting or a step that was not kept
    """
    if setting not in climbs.images or step not in climbs.steps:
        raise LabError(f"no climb with {setting} at step {step}; steps are {list(climbs.steps)}")
    at = climbs.steps.index(step)
    l2, sigma, percent = setting
    said = {
        name: f"{climbs.probabilities[key][at]:.2f}, total variation {climbs.roughness[key][at]:.3f}"
        for name, key in {"this setting": setting, "no regulariser": NONE}.items()
    }
    figure = PhotoPicture(
        WIDTH,
        3.5,
        title=f"{climbs.category}, step {step}: L2 {l2:g}, blur {sigma:g}, clip {percent} %",
        caption=f"Probability of {climbs.category} on the clean 8-bit image: "
        + "; ".join(f"{name} {words}" for name, words in said.items())
        + ".",
    )
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 0.8))
    draw(left, climbs.images[setting][at].float() / 255, title="this setting")
    draw(middle, climbs.images[NONE][at].float() / 255, title="no regulariser")
    _draw_ways_up(right, climbs, setting, at)
    return figure


def _draw_ways_up(axes: Axes, climbs: Climbs, setting: Setting, at: int) -> None:
    """The probability over the steps, with and without regularisers; a dot where the images are."""
    for key, color, style in ((NONE, INK, "--"), (setting, BLUE, "-")):
        axes.plot(climbs.steps, climbs.probabilities[key], style, color=color, linewidth=2)
        axes.plot(climbs.steps[at], climbs.probabilities[key][at], "o", color=color)
    axes.set(title="probability", xlabel="step", ylim=(-0.05, 1.05))
    axes.set_box_aspect(1)


def explore(
    climbs: Climbs, *, l2: float = L2[0], blur: float = BLUR[1], clip: int = CLIP[1], step: int | None = None
) -> Explorer:
    """The strengths of L2, blur and clipping, and the step, beside no regulariser at all.

    l2, blur, clip, step: shown first; the step is the last unless named
    Raises: LabError for a strength or a step that was not climbed
    """
    step = climbs.steps[-1] if step is None else step

    def show(l2: float, blur: float, clip: int, step: int) -> Picture:
        return beside_the_control(climbs, (l2, blur, clip), step)

    beside_the_control(climbs, (l2, blur, clip), step)  # says what is wrong before a widget does

    def slider(name: str, values: tuple, value: float, unit: str = "") -> ipywidgets.SelectionSlider:
        options = [(f"{number:g}{unit}", number) for number in values]
        return ipywidgets.SelectionSlider(options=options, value=value, description=name)

    return explorer(
        show,
        l2=slider("L2", L2, l2),
        blur=slider("blur", BLUR, blur, " px"),
        clip=slider("clip", CLIP, clip, " %"),
        step=slider("step", climbs.steps, step),
    )
