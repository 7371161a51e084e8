"""The explorer of stage 05: one neuron under three rules for the ReLUs, to be chosen with the mouse.

explore(model, bank, layers, photo="cat", channel=3)  # arguments as for channel_explorer
"""

from functools import partial

from torch import Tensor

from labkit.arguments import is_index, shown
from labkit.errors import LabError
from labkit.methods.activations import record
from labkit.methods.neurons import crop, loudest, three_rules
from labkit.methods.sanity import rank_correlation
from labkit.models import Classifier, expect_classifier
from labkit.receptive import receptive_field
from labkit.show.channel_explorer import channel_explorer
from labkit.show.gradients import signed
from labkit.show.look import in_usual_look
from labkit.show.own_photos import expect_photo
from labkit.show.picture import Picture
from labkit.show.plots import grid


@in_usual_look
def neuron_under_three_rules(
    model: Classifier, image: Tensor, layer: str, channel: int, *, name: str = ""
) -> Picture:
    """A channel's loudest neuron in a photo: the patch it sees, and its gradient there under each rule.

    image:  (1, 3, H, W) in 0..1
    Raises: LabError for an unknown layer or channel
    """
    expect_classifier(model)
    maps = record(model, expect_photo(image), layer)
    C, h, w = maps.shape[1:]
    if not is_index(channel, C):
        raise LabError(f"no channel {shown(channel)} in {layer!r}; try 0 to {C - 1}")
    _, _, row, column = loudest(maps, channel)
    box = receptive_field(model.net, layer, (image.shape[2], image.shape[3])).box(row, column)
    gradients = three_rules(model, image, layer, channel=channel, row=row, column=column)
    gradients = {rule: crop(gradient, box) for rule, gradient in gradients.items()}
    deconvnet, guided = (
        rank_correlation(gradients["gradient"], gradients[rule])[0].item() for rule in ("deconvnet", "guided")
    )
    return grid(
        [crop(image, box), *map(signed, gradients.values())],
        above=["what it sees", *gradients],
        title=f"{layer}, channel {channel} of {C}: one neuron under three rules",
        caption=f"{name or 'The photo'}: loudest, with {maps[0, channel, row, column]:.3g}, at row {row}, "
        f"column {column} of {h} × {w}. Each map has its own scale, grey is 0. Rank correlation with the "
        f"gradient: deconvnet {deconvnet:z.2f}, guided {guided:z.2f}.",
    )


explore = partial(channel_explorer, neuron_under_three_rules)
