"""The explorer of stage 07: a dream while it grows, with a button that stops it and keeps what there is."""

from collections.abc import Iterator, Sequence
from typing import Any

import ipywidgets
from torch import Tensor

from labkit.images import Photos
from labkit.methods import dream
from labkit.models import Classifier
from labkit.show.controls import chooser
from labkit.show.dream import Snapshot, where
from labkit.show.look import in_usual_look
from labkit.show.own_photos import PhotoChoice, expect_photo
from labkit.show.picture import Picture
from labkit.show.plots import grid
from labkit.show.stoppable import Stoppable

STRENGTHS = {"gentle": 0.004, "medium": 0.008, "strong": 0.016}  # step sizes


class DreamExplorer(Stoppable):
    """Controls, two buttons, and a picture that follows the dream.

    start:   the button that begins a dream
    dreamt:  the dream as it stands, (1, 3, h, w), of its octave's size; None before the first step
    picture: at first one finished dream in three pictures; then the photo, the dream as it grows, and at its end the
             two side by side
    """

    def __init__(
        self,
        model: Classifier,
        photos: PhotoChoice,
        controls: dict[str, Any],
        picture: Picture,
        options: dict[str, Any],
    ):
        self.model, self.bank, self.options = model, photos, options
        self.dreamt: Tensor | None = None
        self._stand: tuple[str, str, dream.DreamFrame] | None = (
            None  # photo, layer, and how far: of what is under way
        )
        self.start = ipywidgets.Button(description="Start", button_style="primary")
        super().__init__(controls, picture, more=[photos.upload, self.start])
        photos.say = self.say
        self.start.on_click(lambda _button: self._begin(self._dreaming()))
        controls["photo"].observe(lambda _change: self._show_photo(), names="value")

    def _dreaming(self) -> Iterator[float]:
        """Dream as the controls say: how far it is, after every step."""
        photo, layer, strength = (self.controls[name].value for name in ("photo", "layer", "strength"))
        self._stand, said = None, f"{photo}, {layer}"
        self.say(f"{said}: press Stop when you have seen enough")
        options = {"step_size": STRENGTHS[strength], **self.options}
        for frame in dream.dreaming(dream.activation_norm(self.model, layer), self.bank[photo], **options):
            self.dreamt, self._stand = frame.images, (photo, layer, frame)
            self.show(Snapshot(frame.images, alt=f"{said}: {where(frame)}"))
            yield frame.share
        self._end(photo, layer, frame.images, "done")

    def _stop_short(self) -> None:
        if self._stand is not None:
            photo, layer, frame = self._stand
            self._end(photo, layer, frame.images, f"stopped at {where(frame)}")

    def _end(self, photo: str, layer: str, dreamt: Tensor, how: str) -> None:
        """The photo beside what became of it, which is what a saved notebook keeps."""
        image = self.bank[photo]
        whole = dream.resize(dreamt, (image.shape[2], image.shape[3])).clamp(0, 1)
        beside = f"{photo}, and beside it what it became at {layer}"
        self.show(grid([image, whole], above=[photo, f"dreamt, {how}"], side=4.5, alt=beside))
        self.say(f"{photo}, {layer}: {how}")

    def _show_photo(self) -> None:
        """The chosen photo, before its dream; a dream under way goes on and shows itself at the next step."""
        if not self.is_busy:
            photo = self.controls["photo"].value
            self.show(Snapshot(self.bank[photo], alt=f"{photo}, before its dream"))
            self.say("press Start, then Stop when you have seen enough")


def explore(
    model: Classifier,
    bank: Photos,
    layers: Sequence[str],
    *,
    layer: str = "",
    photo: str = "",
    **options: Any,
) -> DreamExplorer:
    """Photo × layer × strength: the dream as it grows, until it is done or you press Stop.

    bank:    the photos to choose from;  layers: names in model.net.named_modules(), each with maps
    layer, photo: shown first; the middle layer and the bank's first photo unless named
    options: of the dream, as for dream.deep_dream
    Raises:  LabError for an unknown layer or photo, and for options out of range
    """
    photos = PhotoChoice(bank, photo)
    controls = {
        "photo": photos.dropdown,
        "layer": chooser("layer", layers, layer or layers[len(layers) // 2]),
        "strength": chooser("strength", list(STRENGTHS), "medium"),
    }
    photo, layer = photos.dropdown.value, controls["layer"].value
    step_size = STRENGTHS[controls["strength"].value]
    picture = stages(model, bank[photo], layer, name=photo, **{"step_size": step_size, **options})
    return DreamExplorer(model, photos, controls, picture, options)


@in_usual_look
def stages(
    model: Classifier, image: Tensor, layer: str, *, name: str = "the photo", **options: Any
) -> Picture:
    """One dream in three pictures: the photo, half-way through the steps, at the end.

    image: (1, 3, H, W) in 0..1
    """
    objective = dream.activation_norm(model, layer)
    expect_photo(image)
    frames = list(dream.dreaming(objective, image, **options))
    early = max((frame for frame in frames if frame.share <= 0.5), key=lambda f: f.share, default=frames[0])
    size = (image.shape[2], image.shape[3])
    grown = (objective(frames[-1].images)[0] / objective(image)[0]).item()
    return grid(
        [image, dream.resize(early.images, size).clamp(0, 1), frames[-1].images],
        above=[name, where(early), where(frames[-1])],
        title=f"A dream of {layer}, as it grows",
        caption=f"At the end the objective, half the squared norm of {layer}, is {grown:.1f} × the photo's. The "
        "picture in the middle comes from a smaller octave. To see a dream grow, press Start.",
    )
