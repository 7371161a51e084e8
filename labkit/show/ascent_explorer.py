"""The explorer of stage 06, the regulariser lab: a grid of strengths, climbed once, then looked through at will."""

import ipywidgets
from matplotlib.axes import Axes

from labkit.arguments import expect_whole, shown
from labkit.errors import LabError
from labkit.show.climbs import BLUR, CLIP, L2, NONE, Climbs, Setting, climb
from labkit.show.drawing import draw
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.palette import BLUE, INK
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.widgets import Explorer, explorer

__all__ = ["Climbs", "beside_the_control", "climb", "explore"]


@in_usual_look
def beside_the_control(climbs: Climbs, setting: Setting, step: int) -> Picture:
    """One setting at one step, beside the climb without any regulariser, and both their ways up.

    Raises: LabError for a setting or a step that was not kept
    """
    expect_whole("step", step, 0)
    if not isinstance(setting, tuple) or setting not in climbs.images or step not in climbs.steps:
        told = f"no climb with {shown(setting)} at step {step}; steps are {list(climbs.steps)}"
        raise LabError(f"{told}, settings such as {NONE}")
    at, (l2, sigma, percent) = climbs.steps.index(step), setting
    said = {
        name: f"{climbs.probabilities[key][at]:.2f}, total variation {climbs.roughness[key][at]:.3f}"
        for name, key in {"this setting": setting, "no regulariser": NONE}.items()
    }
    figure = PhotoPicture(
        *(WIDTH, 3.5),
        title=f"{climbs.category}, step {step}: L2 {l2:g}, blur {sigma:g}, clip {percent} %",
        caption=f"Probability of {climbs.category} on the clean 8-bit image: "
        + "; ".join(f"{name} {words}" for name, words in said.items())
        + ".",
    )
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 0.8))
    draw(left, climbs.images[setting][at].float() / 255, title="this setting (–)")
    draw(middle, climbs.images[NONE][at].float() / 255, title="no regulariser (– –)")
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

    def slider(
        name: str, values: tuple[float, ...], value: float, unit: str = ""
    ) -> ipywidgets.SelectionSlider:
        options = [(f"{number:g}{unit}", number) for number in values]
        return ipywidgets.SelectionSlider(options=options, value=value, description=name)

    return explorer(
        show,
        l2=slider("L2", L2, l2),
        blur=slider("blur", BLUR, blur, " px"),
        clip=slider("clip", CLIP, clip, " %"),
        step=slider("step", climbs.steps, step),
    )
