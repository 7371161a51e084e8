"""The explorer of stage 07: a dream while it grows, with a button that stops it.

A dream takes seconds, and while a callback runs the kernel hears no click. So Start leaves a task on the
kernel's own event loop; after every step the task gives way, and the loop hears what was clicked meanwhile.
There is no thread: interrupt or restart the kernel, and the dream is gone with it.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import ipywidgets
from torch import Tensor

from labkit.errors import LabError
from labkit.images import Photos
from labkit.methods import dream
from labkit.models import Classifier
from labkit.show.controls import Controls, chooser
from labkit.show.dream import Snapshot, where
from labkit.show.look import in_usual_look
from labkit.show.own_photos import PhotoChoice, expect_photo
from labkit.show.picture import Picture
from labkit.show.plots import grid
from labkit.show.widgets import GIVE_WAY_S

STRENGTHS = {"gentle": 0.004, "medium": 0.008, "strong": 0.016}  # step sizes


class DreamExplorer(Controls):
    """Controls, two buttons, and a picture that follows the dream.

    start, stop: buttons;  bar: how far it is
    dreamt:      the dream as it stands, (1, 3, h, w), of its octave's size; None before the first step
    task:        what dreams now; None before the first start
    picture:     at first one finished dream in three pictures; then the photo, the dream as it grows, and at its
                 end the two side by side
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
        self.task: asyncio.Task[None] | None = None
        self.start = ipywidgets.Button(description="Start", button_style="primary")
        self.stop = ipywidgets.Button(description="Stop", disabled=True)
        self.bar = ipywidgets.FloatProgress(max=1)
        super().__init__(controls, picture, more=[photos.upload, self.start, self.stop, self.bar])
        photos.say = self.say
        self.start.on_click(lambda _button: self.begin())
        self.stop.on_click(lambda _button: self.cancel())
        controls["photo"].observe(lambda _change: self._show_photo(), names="value")

    @property
    def is_dreaming(self) -> bool:
        return self.task is not None and not self.task.done()

    def begin(self) -> asyncio.Task[None]:
        """Leave the dream to the running event loop; a dream that is under way ends first."""
        self.cancel()
        self.task = asyncio.get_running_loop().create_task(self.run())
        return self.task

    def cancel(self) -> None:
        """Stop the dream, if one is under way, and keep what there is."""
        if self.is_dreaming and self.task is not None:
            self.task.cancel()

    async def run(self) -> None:
        """Dream as the controls say, giving way to the loop after every step."""
        photo, layer, strength = (self.controls[name].value for name in ("photo", "layer", "strength"))
        me = asyncio.current_task()
        self.start.disabled, self.stop.disabled = False, False
        said = f"{photo}, {layer}"
        self.say(f"{said}: press Stop when you have seen enough")
        try:
            objective = dream.activation_norm(self.model, layer)
            options = {"step_size": STRENGTHS[strength], **self.options}
            for frame in dream.dreaming(objective, self.bank[photo], **options):
                self.dreamt, self.bar.value = frame.images, frame.share
                self.show(Snapshot(frame.images, alt=f"{said}: {where(frame)}"))
                await asyncio.sleep(GIVE_WAY_S)
            self._end(photo, layer, frame.images, "done")
        except asyncio.CancelledError:  # the click on Stop, or on Start once more
            if self.task in (None, me):
                self._end(photo, layer, frame.images, f"stopped at {where(frame)}")
        except LabError as error:
            self.say(str(error))
        except Exception as error:  # a task has no cell to raise in
            self.say(f"{type(error).__name__}: {error}")
        finally:
            if self.task in (None, me):
                self.stop.disabled = True

    def _end(self, photo: str, layer: str, dreamt: Tensor, how: str) -> None:
        """The photo beside what became of it, which is what a saved notebook keeps."""
        image = self.bank[photo]
        whole = dream.resize(dreamt, (image.shape[2], image.shape[3])).clamp(0, 1)
        beside = f"{photo}, and beside it what it became at {layer}"
        self.show(grid([image, whole], above=[photo, f"dreamt, {how}"], side=4.5, alt=beside))
        self.say(f"{photo}, {layer}: {how}")

    def _show_photo(self) -> None:
        """The chosen photo, before its dream; a dream under way goes on and shows itself at the next step."""
        if not self.is_dreaming:
            photo, self.bar.value = self.controls["photo"].value, 0
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
