"""Controls of an explorer, with what they have to say, above one picture.

The two are two outputs of one cell. The controls are a widget, which lives as long as its kernel; the picture is a
figure like any other, replaced when a control moves, so that a saved notebook, an export or a page on the web keeps
the one that was seen last.
"""

import re
import textwrap
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
from IPython.display import display
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from labkit.errors import LabError, nearest
from labkit.show.picture import Picture
from labkit.show.place import Place

WIDGET = "application/vnd.jupyter.widget-view+json"
WIDE: Any = {"width": "100%", "max_width": "860px"}  # a pixel and more for each of 672 channels
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"
# Without its kernel JupyterLab has an error in place of a widget; above a figure it says what to do instead.
_NO_KERNEL = (
    "<style>.jp-OutputArea-child:has(+ .jp-OutputArea-child .labkit-explored) .jupyter-widgets:not(:has(*), button)"
    " {font-size:0}"
    " .jp-OutputArea-child:has(+ .jp-OutputArea-child .labkit-explored) .jupyter-widgets:not(:has(*), button)::after"
    " {content:'Run this cell to move its controls.';font-size:var(--jp-content-font-size1,14px)}</style>"
)
# The handle of a slider comes without a name for screen readers; its label stands beside it.
_NAMES = (
    "<script>(() => { const name = () => document.querySelectorAll('.widget-slider .noUi-handle:not([aria-label])')"
    ".forEach(one => one.setAttribute('aria-label',"
    " one.closest('.widget-slider').querySelector('.widget-label')?.textContent || 'value'));"
    " [0, 300, 1000, 3000].forEach(wait => setTimeout(name, wait)) })()</script>"
)
BEFORE = f"{_NO_KERNEL}{_NAMES}<span class='labkit-explored'></span>"
_DIMMED = (
    "<style>.jp-OutputArea-child:has(.labkit-busy) + .jp-OutputArea-child .labkit-figure img"
    " {opacity:.35}</style>"
)


class Controls:
    """Widgets in a row, with what they have to say below, and one picture under it all.

    controls: name -> widget
    picture:  the Picture as it stands
    spoken:   the picture's alt text for screen readers, told anew when it changes
    message:  the widget that says why there is no new picture, or how far it has come; empty where all is said
    save:     the button that writes the picture to a file
    """

    def __init__(self, controls: dict[str, Any], picture: Picture, *, more: Sequence[Any] = ()):
        self.controls, self.picture = controls, picture
        for name, control in controls.items():
            control.description = control.description or name
        self.spoken, self.message = ipywidgets.HTML(), ipywidgets.HTML()
        self.save = ipywidgets.Button(description="Save picture", icon="download")
        self.save.on_click(lambda _button: self.say(saved(self.picture, Path())))
        row = [*controls.values(), self.save, *more]
        self.widget = ipywidgets.VBox(
            [ipywidgets.HBox(row, layout=ipywidgets.Layout(flex_flow="row wrap")), self.message, self.spoken]
        )
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
            bundle = picture.bundle(before=BEFORE)
            for place in self._places:
                place.show(bundle)

    def say(self, text: str, *, busy: bool = False) -> None:
        """A line between the controls and the picture. busy: the picture is dimmed, since it is still the one before"""
        kind, dimmed = (" class='labkit-busy'", _DIMMED) if busy else ("", "")
        self.message.value = f"<span role='status'{kind}>{escape(text)}</span>{dimmed}" if text else ""

    def _ipython_display_(self) -> None:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        names = ", ".join(self.controls)
        display({WIDGET: view, "text/plain": f"Run this cell to move its controls: {names}."}, raw=True)
        self._places.append(Place())
        self._places[-1].show(self.picture.bundle(before=BEFORE))


def saved(picture: Picture, folder: Path) -> str:
    """Write a picture, on white, as a PNG that has its alt text; what came of it, in a sentence."""
    words = re.sub(r"[^\w.]+", " ", (picture.title or picture.alt).lower())
    stem = textwrap.shorten(words, 60, placeholder="").replace(" ", "-").strip("-.") or "picture"
    number = 1
    while (file := folder / f"{stem}{f'-{number}' * (number > 1)}.png").exists():
        number += 1
    texts = PngInfo()
    texts.add_itxt("Description", picture.alt)
    try:
        _on_white(picture.pixels()).save(file, pnginfo=texts)
    except OSError as error:
        return f"The picture could not be saved beside the notebook: {error.strerror or error}."
    return f"Saved as {file.name}, in the folder of this notebook."


def _on_white(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def chooser(what: str, options: Sequence[str], first: str = "") -> ipywidgets.Dropdown:
    """A dropdown that shows one of the options first: the first of them unless named.

    what:   the control's name, for its label and for the error, such as "photo"
    Raises: LabError for a first one that is none of them
    """
    first = first or options[0]
    if first not in options:
        raise LabError(f"no {what} {first!r} to choose here; try one of {nearest(first, options)}")
    return ipywidgets.Dropdown(options=options, value=first, description=what)


def wide_slider(name: str, value: int, last: int, *, first: int = 0) -> ipywidgets.IntSlider:
    """A slider for first to last, so wide that each of hundreds can be hit; the number beside it can be typed."""
    return ipywidgets.IntSlider(
        value, min=first, max=last, description=name, layout=ipywidgets.Layout(**WIDE)
    )
