"""The explorer of stage 01: one filter, what it answers to in a photo, and its twin from before the training."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_whole
from labkit.errors import LabError
from labkit.images import Photos
from labkit.methods import sheets
from labkit.methods.activations import record
from labkit.methods.filters import first_convolution, first_layer, orientation
from labkit.models import Classifier, expect_classifier
from labkit.show.controls import chooser, wide_slider
from labkit.show.look import in_usual_look
from labkit.show.own_photos import PhotoChoice, expect_photo, photo_explorer
from labkit.show.picture import Picture
from labkit.show.plots import grid
from labkit.show.widgets import Explorer

SIDE = 88  # pixels of a filter on the page, so that it is no smaller than it can be seen


@in_usual_look
def twins(
    trained: Classifier, untrained: Classifier, image: Tensor, number: int, *, name: str = "the photo"
) -> Picture:
    """A filter of the first layer and what it answers to, above its twin from before the training.

    trained, untrained: one architecture;  image: (1, 3, H, W) in 0..1;  number: of the filter
    Raises: LabError for an unknown filter
    """
    rows: dict[str, list[Tensor | str]] = {}
    said = []
    expect_photo(image)
    for kind, model in {"trained": trained, "untrained": untrained}.items():
        expect_classifier(model)
        weights = first_convolution(model.net).cpu()
        number = expect_whole("number", number, 0, len(weights) - 1)
        weights = weights[number : number + 1]
        answer = record(model, image, first_layer(model.net))[0, number].float().cpu()
        rows[kind] = [_enlarged(sheets.rescale(weights)[0]), image[0], _grey(answer)]
        fires = (answer > 0).float().mean()
        said.append(
            f"{kind}: orientation {orientation(weights).item():.2f}, above 0 at {fires:.0%} of the places"
        )
    return grid(
        rows,
        above=["the filter", name, "its answer"],
        title=f"{trained.name}, filter {number}, and its twin that was never trained",
        caption=f"{name}: {'; '.join(said)}. Each filter is scaled to its own range. Answers: black is 0 or less, "
        "white the largest one of this filter.",
    )


def _enlarged(filter_: Tensor) -> Tensor:
    """(3, h, w) with each weight as a square of several pixels."""
    return F.interpolate(filter_[None], scale_factor=float(max(1, SIDE // filter_.shape[-1])))[0]


def _grey(answer: Tensor) -> Tensor:
    """(h, w) in 0..1, black where it is 0 or less."""
    return answer.clamp(min=0) / answer.amax().clamp(min=1e-12)


@in_usual_look
def explore(
    networks: Sequence[tuple[Classifier, Classifier]], bank: Photos, *, photo: str = "", number: int = 0
) -> Explorer:
    """Network × filter × photo: a filter of the first layer, its untrained twin, and what each answers to.

    networks: pairs of a trained network and the same architecture untrained
    bank:     the photos to choose from, beside your own
    photo, number: shown first; the bank's first photo and filter 0 unless named
    Raises:   LabError for an unknown photo or filter
    """
    pairs = {trained.name: (trained, untrained) for trained, untrained in networks}
    photos, choose = PhotoChoice(bank, photo), chooser("network", list(pairs))
    last = {name: len(first_convolution(trained.net)) - 1 for name, (trained, _) in pairs.items()}
    if number not in range(last[choose.value] + 1):
        raise LabError(f"no filter {number} in {choose.value}; try 0 to {last[choose.value]}")
    slider = wide_slider("filter", number, last[choose.value])
    choose.observe(lambda change: slider.set_trait("max", last[change["new"]]), names="value")

    def show(photo: str, network: str, number: int) -> Picture:
        return twins(*pairs[network], photos[photo], number, name=photo)

    return photo_explorer(show, photos, network=choose, number=slider)
