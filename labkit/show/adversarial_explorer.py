"""The explorer of stage 08: epsilon, target and photo, and what the network then says."""

from collections.abc import Sequence

import ipywidgets
import torch
from torch import Tensor

from labkit.images import Photos
from labkit.methods.adversarial import pgd, rms
from labkit.models import Classifier
from labkit.show.adversarial import difference, probability_bars, says
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import INK, WIDTH, draw
from labkit.show.widgets import Explorer, chooser, explorer

STEPS = 8


def pushed_to(
    model: Classifier, image: Tensor, target: str, epsilon: float, *, name: str = "the photo"
) -> Picture:
    """A photo, the same pushed towards a target within epsilon, 10 × the difference, and the leading five.

    image:   (1, 3, H, W) in 0..1;  epsilon: largest change of a value, in 1/255
    Raises:  LabError for an unknown target
    """
    wanted = torch.tensor([model.index_of(target)])
    changed = image
    if epsilon > 0:
        changed = pgd(model, image, wanted, epsilon=epsilon / 255, steps=STEPS, targeted=True, seed=None)
    top = model.top(changed, k=5)
    figure = PhotoPicture(
        WIDTH,
        3.5,
        title=f"{name} towards {target}, no value changed by more than {epsilon:g}/255",
        caption=f"The photo: {says(model, image)}. Now: {says(model, changed)}. Root mean square of the change: "
        f"{255 * rms(changed - image).item():.2f}/255. {STEPS} projected steps.",
    )
    *frames, bars = figure.subplots(1, 4, width_ratios=[1, 1, 1, 0.9])
    shown = {
        "original": image,
        "adversarial": changed,
        "10 × difference": difference(image, changed, times=10),
    }
    for axes, (line, picture) in zip(frames, shown.items(), strict=True):
        draw(axes, picture[0], title=line, smooth=True)
    probability_bars(bars, top, accent=model.categories[int(wanted)])
    bars.set_title("the leading five", fontsize=9.5, color=INK)
    return figure


def explore(
    model: Classifier,
    bank: Photos,
    targets: Sequence[str],
    *,
    photo: str = "",
    target: str = "",
    epsilon: float = 1.0,
) -> Explorer:
    """Photo × target × epsilon: original, adversarial, 10 × difference, and the five leading probabilities.

    bank:    the photos to choose from;  targets: the categories to choose from
    photo, target, epsilon: shown first; the first of each, and 1/255, unless named
    Raises:  LabError for an unknown photo or target
    """
    options = list(dict.fromkeys((*targets, target or targets[0])))
    for name in options:
        model.index_of(name)

    def show(photo: str, target: str, epsilon: float) -> Picture:
        return pushed_to(model, bank[photo], target, epsilon, name=photo)

    return explorer(
        show,
        photo=chooser("photo", bank.names, photo),
        target=chooser("target", options, target),
        epsilon=ipywidgets.FloatSlider(
            epsilon, min=0, max=8, step=0.25, description="epsilon", readout_format=".2f"
        ),
    )
