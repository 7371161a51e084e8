"""The explorer of stage 09: a crop, how faint its marks are, which network, and where a method says it looks."""

from collections.abc import Callable, Mapping

import ipywidgets
from torch import Tensor

from labkit.arguments import shown
from labkit.errors import LabError
from labkit.methods import gradients, planted, sanity
from labkit.methods.planted import CATEGORIES, SIDE, Planted
from labkit.models import Classifier, expect_classifier
from labkit.show.controls import chooser, wide_slider
from labkit.show.gradients import sizes
from labkit.show.look import in_usual_look
from labkit.show.picture import Picture
from labkit.show.planted import beside_the_truth
from labkit.show.widgets import Explorer, explorer


def _by_rule(rule: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def sizes_of(model: Classifier, images: Tensor, target: str) -> Tensor:
        return rule(model, images, target).abs().amax(dim=1)

    return sizes_of


def _edges(_model: Classifier, images: Tensor, _target: str) -> Tensor:
    return sanity.edges(images)


METHODS: dict[str, Callable[..., Tensor]] = {
    "gradient": gradients.saliency,
    "deconvnet": _by_rule(gradients.deconvnet),
    "guided backprop": _by_rule(gradients.guided_backprop),
    "edges, which know no network": _edges,
}


@in_usual_look
def map_and_truth(
    model: Classifier,
    crops: Planted,
    number: int,
    method: str,
    target: str,
    opacity: float,
    *,
    name: str = "",
) -> Picture:
    """A crop as it is, with its marks, and a method's map of it, the truth framed on all three.

    number:  of the crop;  method: one of METHODS;  target: "marked" or "plain"
    opacity: of the marks, whatever it was in the crops
    Raises:  LabError for an unknown crop, method or target
    """
    expect_classifier(model)
    if not isinstance(method, str) or method not in METHODS:
        raise LabError(f"no method {shown(method)}; try one of {', '.join(METHODS)}")
    one = crops.some([number]).at_opacity(opacity)
    map_ = METHODS[method](model, one.images, target)
    return beside_the_truth(
        {" ": [one.bare[0], one.images[0], sizes(map_)[0]]},
        one,
        [0, 0, 0],
        above=["bare", f"marks of {opacity:.0%}", method],
        title=f"{method} of the network {name or model.name}, asked for {target}",
        caption=f"It says {_said(model, one.images)}. {_inside(map_, one)} "
        "The framed truth: green the watermark, orange the decoy. Black is 0, the map has its own scale.",
    )


def _said(model: Classifier, image: Tensor) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in model.top(image, k=1))


def _inside(map_: Tensor, crops: Planted) -> str:
    """How many times its share of the area each mark has of the map's mass."""
    area = SIDE**2 / map_[0].numel()
    times = {
        name: planted.mass_inside(map_, crops.masks(name)).item() / area
        for name, there in crops.has.items()
        if there[0]
    }
    told = " and ".join(f"on the {name} {value:.1f}" for name, value in times.items())
    return (
        f"Of the map's mass there is {told} times what a flat map has." if told else "There is no mark in it."
    )


@in_usual_look
def explore(networks: Mapping[str, Classifier], crops: Planted, *, opacity: float = 0.3) -> Explorer:
    """Crop × method × network × category × opacity: a map beside the truth.

    networks: name -> network;  crops: as of `planted`
    opacity:  of the marks at first
    Raises:   LabError where there is no network
    """
    if not networks:
        raise LabError("expected at least one network, got none; try {'taught': model}")

    def show(crop: int, method: str, network: str, category: str, opacity: float) -> Picture:
        return map_and_truth(networks[network], crops, crop, method, category, opacity, name=network)

    return explorer(
        show,
        crop=wide_slider("crop", 0, len(crops.images) - 1),
        method=chooser("method", list(METHODS)),
        network=chooser("network", list(networks)),
        category=chooser("category", list(reversed(CATEGORIES))),
        opacity=ipywidgets.FloatSlider(opacity, max=1, step=0.05),
    )
