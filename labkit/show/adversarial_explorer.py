"""The explorer of stage 08: epsilon, target and photo, and what the network then says."""

from collections.abc import Iterator, Sequence

import ipywidgets
import torch
from torch import Tensor

from labkit.arguments import expect_number
from labkit.images import Photos
from labkit.kernel import in_usual_numbers
from labkit.methods.adversarial import pgd, project, rms
from labkit.methods.attacks import expect_attack, networks_of
from labkit.models import Classifier, expect_classifier
from labkit.show.adversarial import difference, probability_bars, says
from labkit.show.controls import chooser
from labkit.show.drawing import draw
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.own_photos import PhotoChoice, photo_explorer
from labkit.show.picture import PhotoPicture, Picture, Texts
from labkit.show.widgets import Explorer

STEPS = 8
ALL = "all at once"


@in_usual_numbers
def pushes(networks: Sequence[Classifier], image: Tensor, target: str, epsilon: float) -> Iterator[Tensor]:
    """The image after each of the steps towards a target, within epsilon/255 of where it began."""
    expect_attack(networks, image, expect_number("epsilon", epsilon, 0, 255) / 255)
    expect_classifier(networks[0])
    wanted, size, moved = torch.tensor([networks[0].index_of(target)]), epsilon / 255, image
    step = 2.5 * size / STEPS
    for _ in range(STEPS if epsilon > 0 else 0):
        moved = pgd(networks, moved, wanted, epsilon=step, step_size=step, steps=1, targeted=True, seed=None)
        moved = project(moved, image, epsilon=size)
        yield moved


@in_usual_look
def pushed_to(
    networks: Sequence[Classifier],
    image: Tensor,
    target: str,
    epsilon: float,
    *,
    attacked: Sequence[Classifier] = (),
    name: str = "the photo",
) -> Picture:
    """A photo, the same pushed towards a target within epsilon, 10 × the difference, and what each network says.

    networks: those that are asked;  attacked: those that the steps go up in, at once; all unless named
    image:    (1, 3, H, W) in 0..1;  epsilon: largest change of a value, in 1/255
    Raises:   LabError for an unknown target
    """
    for model in networks_of(networks):
        expect_classifier(model)
    *_, changed = [image, *pushes(attacked or networks, image, target, epsilon)]
    return what_came_of_it(networks, image, changed, target, epsilon, name=name)


@in_usual_look
def what_came_of_it(
    networks: Sequence[Classifier], image: Tensor, changed: Tensor, target: str, epsilon: float, *, name: str
) -> Picture:
    """The picture of `pushed_to`, for an image that has been pushed."""
    said = " ".join(
        f"{model.name}. The photo: {says(model, image)}. Now: {says(model, changed)}." for model in networks
    )
    texts: Texts = {
        "title": f"{name} towards {target}, no value changed by more than {epsilon:g}/255",
        "caption": f"{said} Root mean square of the change: {255 * rms(changed - image).item():.2f}/255. "
        f"{STEPS} projected steps.",
    }
    wanted = networks[0].categories[networks[0].index_of(target)]
    return _pictures_and_bars(networks, image, changed, wanted, texts)


def _pictures_and_bars(
    networks: Sequence[Classifier], image: Tensor, changed: Tensor, wanted: str, texts: Texts
) -> Picture:
    shown = {"original": image, "adversarial": changed}
    shown["10 × difference"] = difference(image, changed, times=10)
    names = [model.name for model in networks]
    figure = PhotoPicture(WIDTH, WIDTH / 3 + 2.2, **texts)
    axes = figure.subplot_mosaic(
        [[line for line in shown for _ in names], [name for name in names for _ in shown]],
        height_ratios=[WIDTH / 3, 1.6],
    )
    for line, picture in shown.items():
        draw(axes[line], picture, title=line)
    for model in networks:
        probability_bars(axes[model.name], model.top(changed, k=5), accent=wanted)
        axes[model.name].set_title(f"{model.name} says", loc="left")
    return figure


def explore(
    networks: Sequence[Classifier],
    bank: Photos,
    targets: Sequence[str],
    *,
    photo: str = "",
    target: str = "",
    epsilon: float = 1.0,
) -> Explorer:
    """Photo × target × epsilon × network: original, adversarial, 10 × difference, and what every network then says.

    networks: the ones that are asked, any of which, or all at once, can be attacked; the first is, at first
    bank:    the photos to choose from;  targets: the categories to choose from
    photo, target, epsilon: shown first; the first of each, and 1/255, unless named
    Raises:  LabError for an unknown photo or target
    """
    _expect_categories(networks[0], options := list(dict.fromkeys((*targets, target or targets[0]))))
    attacks = {model.name: [model] for model in networks} | {ALL: list(networks)}
    photos = PhotoChoice(bank, photo)

    def show(photo: str, target: str, attack: str, epsilon: float) -> Iterator[float | Picture]:
        changed = [image := photos[photo]]
        for moved in pushes(attacks[attack], image, target, epsilon):
            changed.append(moved)
            yield (len(changed) - 1) / STEPS
        yield what_came_of_it(networks, image, changed[-1], target, epsilon, name=photo)

    aim, attack = chooser("target", options, target), chooser("attack", list(attacks))
    size = ipywidgets.FloatSlider(epsilon, max=8, step=0.25, readout_format=".2f")
    return photo_explorer(show, photos, target=aim, attack=attack, epsilon=size)


def _expect_categories(model: Classifier, names: Sequence[str]) -> None:
    """Raises: LabError for a name that is none of the network's"""
    for name in names:
        model.index_of(name)
