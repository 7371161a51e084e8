"""A bar over what takes long, for whoever waits; an executed notebook keeps none of it."""

from collections.abc import Iterable, Iterator
from html import escape
from time import perf_counter
from typing import TypeVar

from labkit.kernel import students_shell
from labkit.show.place import Place

T = TypeVar("T")
EVERY_S = 0.2  # from one look of the bar to the next


def watch(steps: Iterable[T], what: str = "", *, total: int = 0) -> Iterator[T]:
    """The same steps, one after the other, under a bar that is gone at the end.

        for name in show.watch(names):
        for frame in show.watch(lab.ascend(objective, steps=84), "steps", total=84):

    what:  is counted, such as "steps";  total: how many, where steps have no length
    Where no student is at work there is no bar.
    """
    steps = steps if total or hasattr(steps, "__len__") else list(steps)
    if students_shell() is None:
        yield from steps
        return
    place, last, begun = Place(), float("-inf"), perf_counter()
    count = total or len(steps)  # type: ignore[arg-type]
    try:
        for number, step in enumerate(steps):
            if perf_counter() - last > EVERY_S:
                last = perf_counter()
                place.show(_bar(number, count, what, last - begun))
            yield step
    finally:
        place.show({"text/html": "", "text/plain": ""})


def _bar(done: int, total: int, what: str, seconds: float) -> dict[str, str]:
    """MIME type -> data: how much is done, and how long the rest will take at this pace."""
    left = f", about {seconds * (total - done) / done:.0f} s left" if done and seconds > 2 else ""
    text = f"{done} of {total} {what}".strip() + left
    bar = (
        f"<progress value='{done}' max='{total}' aria-label='{escape(text)}' style='width:320px'></progress>"
    )
    return {"text/html": f"<div>{bar} {escape(text)}</div>", "text/plain": text}
