"""Explorers: controls, and below them a picture that follows them.

The two are two outputs of one cell. The controls are a widget, which lives as long as its kernel; the picture is a
figure like any other, replaced when a control moves, so that a saved notebook, an export or a page on the web keeps
the one that was seen last.
"""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets
import torch
from IPython.display import display
from torch import Tensor

from labkit.errors import LabError, nearest
from labkit.hooks import recording
from labkit.images import Photos
from labkit.models import Classifier
from labkit.show.picture import Picture
from labkit.show.place import Place

WIDGET = "application/vnd.jupyter.widget-view+json"
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"
# Without its kernel JupyterLab has an error in place of a widget; above a figure it says what to do instead.
_NO_KERNEL = (
    "<style>.jp-OutputArea-child:has(+ .jp-OutputArea-child .labkit-explored) .jupyter-widgets:not(:has(*), button)"
    " {font-size:0}"
    " .jp-OutputArea-child:has(+ .jp-OutputArea-child .labkit-explored) .jupyter-widgets:not(:has(*), button)::after"
    " {content:'Run this cell to move its controls.';font-size:var(--jp-content-font-size1,14px)}</style>"
    "<span class='labkit-explored'></span>"
)


class Controls:
    """Widgets in a row, with what they have to say below, and one picture under it all.

    controls: name -> widget
    picture:  the Picture as it stands
    spoken:   the picture's alt text for screen readers, told anew when it changes
    message:  the widget that says why there is no new picture, or how far it has come; empty where all is said
    """

    def __init__(self, controls: dict[str, Any], picture: Picture, *, more: Sequence[Any] = ()):
        self.controls, self.picture = controls, picture
        for name, control in controls.items():
            control.description = control.description or name
        self.spoken, self.message = ipywidgets.HTML(), ipywidgets.HTML()
        row = ipywidgets.HBox([*controls.values(), *more], layout=ipywidgets.Layout(flex_flow="row wrap"))
        self.widget = ipywidgets.VBox([row, self.message, self.spoken])
        self._places: list[Place] = []
        self.show(picture)

    @property
    def values(self) -> dict[str, Any]:
        """What the controls are set to now."""
        return {name: control.value for name, control in self.controls.items()}

    def show(self, picture: Picture) -> None:
        """Another picture in place of the one that is shown."""
        self.picture = picture
        self.spoken.value = f"<div role='status' style='{_UNSEEN}'>{escape(picture.alt)}</div>"
        if self._places:
            bundle = picture.bundle(before=_NO_KERNEL)
            for place in self._places:
                place.show(bundle)

    def say(self, text: str) -> None:
        """A line between the controls and the picture."""
        self.message.value = f"<span role='status'>{escape(text)}</span>" if text else ""

    def _ipython_display_(self) -> None:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        names = ", ".join(self.controls)
        display({WIDGET: view, "text/plain": f"Run this cell to move its controls: {names}."}, raw=True)
        self._places.append(Place())
        self._places[-1].show(self.picture.bundle(before=_NO_KERNEL))


class Explorer(Controls):
    """Controls and their picture. Setting a control's value draws anew, with or without a browser.

        explorer.controls["channel"].value = 7  # does what moving the slider does

    draw: takes the controls' values by name and returns a Picture
    """

    def __init__(self, draw: Callable[..., Picture], controls: dict[str, Any]):
        self.draw = draw
        super().__init__(controls, draw(**{name: control.value for name, control in controls.items()}))
        self._drawn = self.values
        for control in controls.values():
            if control.has_trait("continuous_update"):
                control.continuous_update = False  # a slider draws where it is let go, not all along the way
            control.observe(self._moved, names="value")

    def _moved(self, _change: object) -> None:
        values = self.values
        if values == self._drawn:
            return
        self._drawn = values
        self.say("")
        try:
            self.show(self.draw(**values))
        except LabError as error:  # a callback has no cell to raise in; anything else goes to the log
            self.say(str(error))


def chooser(what: str, options: Sequence[str], first: str = "") -> ipywidgets.Dropdown:
    """A dropdown that shows one of the options first: the first of them unless named.

    what:   the control's name, for its label and for the error, such as "photo"
    Raises: LabError for a first one that is none of them
    """
    first = first or options[0]
    if first not in options:
        raise LabError(f"no {what} {first!r} to choose here; try one of {nearest(first, options)}")
    return ipywidgets.Dropdown(options=options, value=first, description=what)


def explorer(draw: Callable[..., Picture], **controls: Any) -> Explorer:
    """A picture with controls: draw(**values) is called with what they are set to, now and after every move.

        show.explorer(draw, photo=Dropdown(options=bank.names), channel=IntSlider(max=255))

    draw:     takes the controls' values by name and returns a Picture; a LabError of its is shown, not raised
    controls: ipywidgets with a value
    Returns:  an Explorer; as the last value of a cell, it is displayed
    Raises:   LabError where there is no control, or one is no widget with a value
    """
    for name, control in controls.items():
        if not isinstance(control, ipywidgets.Widget) or not control.has_trait("value"):
            raise LabError(
                f"control {name!r}: expected a widget with a value, got {type(control).__name__}; "
                "try ipywidgets.Dropdown or ipywidgets.IntSlider"
            )
    if not controls:
        raise LabError("an explorer needs at least one control; try channel=ipywidgets.IntSlider(max=255)")
    return Explorer(draw, controls)


def channel_explorer(
    draw: Callable[..., Picture],
    model: Classifier,
    bank: Photos,
    layers: Sequence[str],
    *,
    photo: str = "",
    layer: str = "",
    channel: int = 0,
) -> Explorer:
    """Photo × layer × channel.

    draw:   model, photo (1, 3, H, W), layer, channel, name=of the photo -> Picture
    bank:   the photos to choose from;  layers: names in model.net.named_modules(), each with maps
    photo, layer, channel: shown first; the bank's first photo and the last layer unless named
    Raises: LabError for an unknown layer, photo or channel
    """
    photos, choose = chooser("photo", bank.names, photo), chooser("layer", layers, layer or layers[-1])
    shapes = _shapes_of_maps(model, bank[photos.value], layers)
    count = shapes[choose.value][0]
    _expect_channel(channel, count, choose.value)
    choose.options = [(f"{name}   {' × '.join(map(str, shape))}", name) for name, shape in shapes.items()]
    choose.value = layer or layers[-1]
    slider = ipywidgets.IntSlider(channel, max=count - 1, description="channel")
    choose.observe(lambda change: slider.set_trait("max", shapes[change.new][0] - 1), names="value")

    def show(photo: str, layer: str, channel: int) -> Picture:
        return draw(model, bank[photo], layer, channel, name=photo)

    return explorer(show, photo=photos, layer=choose, channel=slider)


def _shapes_of_maps(model: Classifier, image: Tensor, layers: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Layer -> (C, h, w)."""
    with torch.no_grad(), recording(model.net, *layers) as seen:
        model(image)
    return {name: tuple(seen.maps(name).shape[1:]) for name in layers}


def _expect_channel(channel: int, count: int, layer: str) -> None:
    if channel not in range(count):
        raise LabError(f"no channel {channel} in {layer!r}; try 0 to {count - 1}")
