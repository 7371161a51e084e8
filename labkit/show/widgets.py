"""Explorers: controls over one picture, which a front end brings to life and a saved notebook keeps as it is.

What an explorer displays is one output in two forms: a widget for a front end that has its kernel, and the
picture as it stands, with its alt text, for everything else (nbval, an export, a page on the web).
"""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets

from labkit.errors import LabError, nearest
from labkit.show.picture import Picture

WIDGET = "application/vnd.jupyter.widget-view+json"
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"


class Explorer:
    """Controls and their picture. Setting a control's value draws anew, with or without a browser.

    controls: name -> widget; explorer.controls["channel"].value = 7 does what moving the slider does
    picture:  the Picture as it stands
    image:    the widget that shows it
    spoken:   the picture's alt text for screen readers, told anew when it changes: ipywidgets' Image has no alt
    message:  the widget that says why there is no new picture, empty where there is one
    """

    def __init__(self, draw: Callable[..., Picture], controls: dict[str, Any]):
        self.draw, self.controls = draw, controls
        self._drawn = self.values
        self.picture = draw(**self._drawn)
        self.image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self.spoken, self.message = ipywidgets.HTML(), ipywidgets.HTML()
        self._show()
        for control in controls.values():
            if control.has_trait("continuous_update"):
                control.continuous_update = False  # a slider draws where it is let go, not all along the way
            control.observe(self._moved, names="value")
        row = ipywidgets.HBox(list(controls.values()), layout=ipywidgets.Layout(flex_flow="row wrap"))
        self.widget = ipywidgets.VBox([row, self.message, self.image, self.spoken])

    @property
    def values(self) -> dict[str, Any]:
        """What the controls are set to now."""
        return {name: control.value for name, control in self.controls.items()}

    def _moved(self, _change: object) -> None:
        values = self.values
        if values == self._drawn:
            return
        self._drawn, self.message.value = values, ""
        try:
            self.picture = self.draw(**values)
            self._show()
        except LabError as error:  # a callback has no cell to raise in; anything else goes to the log
            self.message.value = f"<span role='status'>{escape(str(error))}</span>"

    def _show(self) -> None:
        self.image.value = self.picture.png()
        self.spoken.value = f"<div role='status' style='{_UNSEEN}'>{escape(self.picture.alt)}</div>"

    def _repr_mimebundle_(self, **_kwargs) -> tuple[dict, dict]:
        data, metadata = self.picture._repr_mimebundle_()
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {WIDGET: view, **data}, metadata


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
