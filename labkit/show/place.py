"""One output of a cell, shown now and replaced later: what is saved with the notebook is what was shown last."""

from typing import Any


class Place:
    """Where in a notebook one thing after another is shown; outside of a notebook, nowhere."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, bundle: dict[str, Any]) -> None:
        """Show a bundle (MIME type -> data) in place of the one before it."""
        from IPython import get_ipython
        from IPython.display import display

        if getattr(get_ipython(), "kernel", None) is None:
            return
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
