"""Work in steps below controls: a bar says how far it is, and a button ends it."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import ipywidgets

from labkit.errors import LabError
from labkit.show.controls import Controls
from labkit.show.picture import Picture

GIVE_WAY_S = 0.02  # long enough for several turns of the loop: one click takes more than one


class Stoppable(Controls):
    """Controls with work in steps, on the kernel's own event loop, which hears between them what is clicked meanwhile.

    There is no thread: interrupt or restart the kernel, and the work is gone with it.

    stop: the button that ends it;  bar: how far it is, hidden where nothing is under way; both are there to be seen
          where the work is in_steps
    task: what works now, or did last; None before the first
    """

    def __init__(
        self, controls: dict[str, Any], picture: Picture, *, more: Sequence[Any] = (), in_steps: bool = True
    ):
        self.task: asyncio.Task[None] | None = None
        self.stop = ipywidgets.Button(description="Stop", disabled=True)
        self.bar = ipywidgets.FloatProgress(max=1, layout=ipywidgets.Layout(visibility="hidden"))
        super().__init__(controls, picture, more=[*more, self.stop, self.bar] if in_steps else more)
        self.stop.on_click(lambda _button: self._stopped())

    @property
    def is_busy(self) -> bool:
        return self.task is not None and not self.task.done()

    def _begin(self, steps: Iterator[float]) -> asyncio.Task[None]:
        """Leave work to the running event loop; what is under way ends first."""
        self._cancel()
        self.task = asyncio.get_running_loop().create_task(self._work(steps))
        return self.task

    def _cancel(self) -> None:
        if self.task is not None and self.is_busy:
            self.task.cancel()

    def _stopped(self) -> None:
        """What the button does."""
        self._cancel()

    def _stop_short(self) -> None:
        """What the work does last where it is stopped and no other work has begun.

        Not the click itself: what that shows, a step that is under way may still replace.
        """

    async def _work(self, steps: Iterator[float]) -> None:
        """Step by step, each of which says how far it is, 0..1; what goes wrong is told."""
        try:
            for share in steps:
                self._tell_how_far(share)
                await asyncio.sleep(GIVE_WAY_S)
        except asyncio.CancelledError:
            if self._is_mine():
                self._stop_short()
        except LabError as error:
            self.say(str(error))
        except Exception as error:  # a task has no cell to raise in
            self.say(f"{type(error).__name__}: {error}")
            raise
        finally:
            if self._is_mine():
                self._tell_how_far(None)

    def _is_mine(self) -> bool:
        """Whether the task that asks is the latest."""
        return self.task in (None, asyncio.current_task())

    def _tell_how_far(self, share: float | None) -> None:
        """On the bar; None where nothing is under way."""
        self.stop.disabled = share is None
        self.bar.layout.visibility = "hidden" if share is None else "visible"
        self.bar.value = self.bar.value if share is None else share
