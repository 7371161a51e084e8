"""The explorer of stage 05: one neuron under three rules for the ReLUs, to be chosen with the mouse."""

from collections.abc import Sequence

import ipywidgets
import torch
from torch import Tensor

from labkit.errors import LabError
from labkit.hooks import recording
from labkit.images import Photos
from labkit.methods.neurons import crop, loudest, three_rules
from labkit.methods.sanity import rank_correlation
from labkit.models import Classifier
from labkit.receptive import receptive_field
from labkit.show.gradients import signed
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import WIDTH, draw
from labkit.show.widgets import Explorer, chooser, explorer


def neuron_under_three_rules(
    model: Classifier, image: Tensor, layer: str, channel: int, *, name: str = ""
) -> Picture:
    """A channel's loudest neuron in a photo: the patch it sees, and its gradient there under each rule.

    image:  (1, 3, H, W) in 0..1
    Raises: LabError for an unknown layer or channel
    """
    with torch.no_grad(), recording(model.net, layer) as seen:
        model(image)
    C, h, w = seen[layer].shape[1:]
    if channel not in range(C):
        raise LabError(f"no channel {channel} in {layer!r}; try 0 to {C - 1}")
    _, _, row, column = loudest(seen[layer], channel)
    box = receptive_field(model.net, layer, (image.shape[2], image.shape[3])).box(row, column)
    gradients = three_rules(model, image, layer, channel=channel, row=row, column=column)
    gradients = {rule: crop(gradient, box) for rule, gradient in gradients.items()}
    alike = {
        rule: rank_correlation(gradients["gradient"], gradients[rule])[0].item()
        for rule in ("deconvnet", "guided")
    }
    figure = PhotoPicture(
        WIDTH,
        WIDTH / 4 + 0.35,
        title=f"{layer}, channel {channel} of {C}: one neuron under three rules",
        caption=f"{name or 'The photo'}: loudest, with {seen[layer][0, channel, row, column]:.2f}, at row {row}, "
        f"column {column} of {h} × {w}. Each map has its own scale, grey is 0. Rank correlation with the "
        + ", ".join(
            f"{'gradient: ' if rule == 'deconvnet' else ''}{rule} {v:z.2f}" for rule, v in alike.items()
        )
        + ".",
    )
    figure.set_layout_engine("compressed", w_pad=0.02, h_pad=0.04, wspace=0)
    pictures = {rule: signed(gradient)[0] for rule, gradient in gradients.items()}
    for axes, (line, picture) in zip(
        figure.subplots(1, 4), {"what it sees": crop(image, box)[0], **pictures}.items(), strict=True
    ):
        draw(axes, picture, title=line, smooth=True)
    return figure


def explore(
    model: Classifier,
    bank: Photos,
    layers: Sequence[str],
    *,
    layer: str = "",
    photo: str = "",
    channel: int = 0,
) -> Explorer:
    """Photo × layer × channel: its loudest neuron's gradient under the three rules, side by side.

    bank:   the photos to choose from;  layers: names in model.net.named_modules(), each with maps
    layer, photo, channel: shown first; the middle layer and the bank's first photo unless named
    Raises: LabError for an unknown layer, photo or channel
    """
    photos = chooser("photo", bank.names, photo)
    choose = chooser("layer", layers, layer or layers[len(layers) // 2])
    layer = choose.value
    with torch.no_grad(), recording(model.net, *layers) as seen:
        model(bank[photos.value])
    last = {name: maps.shape[1] - 1 for name, maps in seen.items()}
    if not 0 <= channel <= last[layer]:
        raise LabError(f"no channel {channel} in {layer!r}; try 0 to {last[layer]}")

    def show(photo: str, layer: str, channel: int) -> Picture:
        return neuron_under_three_rules(model, bank[photo], layer, channel, name=photo)

    slider = ipywidgets.IntSlider(channel, max=last[layer], description="channel")
    choose.observe(lambda change: slider.set_trait("max", last[change.new]), names="value")
    return explorer(show, photo=photos, layer=choose, channel=slider)
