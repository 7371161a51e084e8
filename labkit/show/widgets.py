"""Explorers: controls, and below them a picture that follows them."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from inspect import isgeneratorfunction
from types import GeneratorType
from typing import Any

import ipywidgets

from labkit.errors import LabError
from labkit.show.picture import Picture
from labkit.show.stoppable import Stoppable

KEPT = 64  # pictures that come back at once when their values do
BUSY = "Computing. What you see is still the picture before."


class Explorer(Stoppable):
    """Controls and their picture. Setting a control's value draws anew, with or without a browser.

        explorer.controls["channel"].value = 7  # does what moving the slider does

    A picture that has been drawn for these values comes back at once. Otherwise the old one is dimmed meanwhile. Of
    several moves in a row the last is drawn.

    draw: takes the controls' values by name and returns a Picture; or a generator that yields how far it is, 0..1,
          as often as it can be stopped, and last its Picture. Then there is a bar, and a button that stops it
    """

    def __init__(self, draw: Callable[..., Any], controls: dict[str, Any], *, more: Sequence[Any] = ()):
        self.draw = draw
        self._kept: dict[tuple[tuple[str, Any], ...], Picture] = {}
        values = {name: control.value for name, control in controls.items()}
        super().__init__(controls, self._drawn(values), more=more, in_steps=isgeneratorfunction(draw))
        self._wanted = self.values
        for control in controls.values():
            if control.has_trait("continuous_update"):
                control.continuous_update = False  # a slider draws where it is let go, not all along the way
            control.observe(self._moved, names="value")

    def _moved(self, _change: object) -> None:
        values = self.values
        if values == self._wanted:
            return
        self._wanted = values
        self._cancel()
        if (kept := self._kept.get(_key(values))) is not None:
            self.say("")
            self.show(kept)
        elif _is_message():  # of a browser, which may send more of them, or a click on Stop
            self._begin(self._drawing(values))
        else:
            self._try(lambda: self.show(self._drawn(values)))

    def _try(self, do: Callable[[], None]) -> None:
        self.say("")
        try:
            do()
        except LabError as error:  # a callback has no cell to raise in; anything else goes to the log
            self.say(str(error))

    def _drawn(self, values: dict[str, Any]) -> Picture:
        """The picture for these values, however it is made."""
        picture: Picture
        *_, picture = self._steps(values)
        return picture

    def _steps(self, values: dict[str, Any]) -> Iterator[Any]:
        """How far it is, as often as it is said, and last the picture, which is kept."""
        drawn = self.draw(**values)
        for step in drawn if isinstance(drawn, GeneratorType) else [drawn]:
            if isinstance(step, Picture):
                self._kept[_key(values)] = step
                while len(self._kept) > KEPT:
                    self._kept.pop(next(iter(self._kept)))
            yield step

    def _drawing(self, values: dict[str, Any]) -> Iterator[float]:
        """How far it is, before and between the steps; in the end the picture is shown."""
        self.say(BUSY, busy=True)
        yield 0.0
        for step in self._steps(values):
            if isinstance(step, Picture):
                self.show(step)
                self.say("")
            else:
                yield step

    def _stopped(self) -> None:
        """What the button does: the picture stays the one before, and says so."""
        self._cancel()
        self._wanted = {}
        self.say("Stopped. What you see is the picture before; move a control to draw again.", busy=True)


def _key(values: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(values.items())


def _is_message() -> bool:
    """Whether this is a browser's doing, and not a cell's."""
    from IPython import get_ipython

    shell: Any = get_ipython()
    if getattr(shell, "kernel", None) is None:
        return False
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        return bool(shell.get_parent().get("header", {}).get("msg_type") == "comm_msg")
    return False


def explorer(draw: Callable[..., Any], **controls: Any) -> Explorer:
    """A picture with controls: draw(**values) is called with what they are set to, now and after every move.

        show.explorer(draw, photo=Dropdown(options=bank.names), channel=IntSlider(max=255))

    draw:     takes the controls' values by name and returns a Picture, or yields how far it is and last the Picture,
              as for Explorer; a LabError of its is shown, not raised
    controls: ipywidgets with a value
    Returns:  an Explorer; as the last value of a cell, it is displayed
    Raises:   LabError where there is no control, or one is no widget with a value
    """
    return Explorer(draw, expect_controls(controls))


def expect_controls(controls: dict[str, Any]) -> dict[str, Any]:
    """Require controls, each a widget with a value. Raises: LabError"""
    for name, control in controls.items():
        if not isinstance(control, ipywidgets.Widget) or not control.has_trait("value"):
            raise LabError(
                f"control {name!r}: expected a widget with a value, got {type(control).__name__}; "
                "try ipywidgets.Dropdown or ipywidgets.IntSlider"
            )
    if not controls:
        raise LabError("an explorer needs at least one control; try channel=ipywidgets.IntSlider(max=255)")
    return controls
