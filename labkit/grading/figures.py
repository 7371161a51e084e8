"""A student's own pictures, drawn anew and small for their feedback, in a process of its own.

A picture may be made to harm whoever opens it. So it is opened where a crash, a hang or a heap of memory ends nothing
else, and what comes back is made of its pixels alone.
"""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection

from labkit.checks.answer import State
from labkit.grading.judging import limit_memory, processes
from labkit.grading.records import Picture, Result

MOST_PIXELS = 12_000_000  # a figure of the lab has two million
LARGEST = 30_000  # bytes of what a feedback page gets
_TIMEOUT_S, _MEMORY_MB = 20.0, 1024
_SIZES = ((640, 75), (640, 50), (480, 50), (320, 40))  # the longer side in pixels, and WebP's quality
_WITHOUT = (State.PASSED, State.NOT_ATTEMPTED, State.UNREADABLE)


def with_figures(result: Result, pictures: Sequence[Picture]) -> Result:
    """The same with a picture beside each exercise that was attempted and has not passed, where there is one."""
    asked = {outcome.exercise for outcome in result.outcomes if outcome.state not in _WITHOUT}
    chosen = {picture.exercise: picture for picture in pictures if picture.exercise in asked}
    small = redrawn([picture.data for picture in chosen.values()])
    figures = dict(zip(chosen, small, strict=True))
    shown = tuple(
        replace(o, figure=figures[o.exercise], figure_shows=chosen[o.exercise].shows)
        if figures.get(o.exercise)
        else o
        for o in result.outcomes
    )
    return replace(result, outcomes=shown)


def redrawn(pictures: Sequence[bytes], *, timeout_s: float = _TIMEOUT_S) -> list[str]:
    """Each as a small WebP in base64; "" for what is no picture, has too many pixels, or harms who opens it.

    timeout_s: for each
    """
    small: list[str] = []
    while len(small) < len(pictures):
        parent, child = processes().Pipe(duplex=False)
        process = processes().Process(target=_redraw_all, args=(child, pictures[len(small) :]), daemon=True)
        process.start()
        child.close()
        _listen(parent, len(pictures), timeout_s, small)
        process.kill()
        process.join()
    return small


def _listen(parent: Connection, count: int, timeout_s: float, small: list[str]) -> None:
    """Gather what comes; what ends the process, or keeps it too long, is no picture."""
    while len(small) < count:
        try:
            came = parent.recv_bytes(2 * LARGEST).decode("ascii") if parent.poll(timeout_s) else None
        except (EOFError, OSError, ValueError):
            came = None
        small.append(came or "")
        if came is None:
            return


def _redraw_all(out: Connection, pictures: Sequence[bytes]) -> None:
    limit_memory(_MEMORY_MB)
    for data in pictures:
        out.send_bytes(_redrawn(data))


def _redrawn(data: bytes) -> bytes:
    """Raises nothing, whatever the bytes are."""
    try:
        from PIL import Image

        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return b""
            pixels = opened.convert("RGBA")
        for side, quality in _SIZES:
            pixels.thumbnail((side, side))
            bare = Image.frombytes("RGBA", pixels.size, pixels.tobytes())  # no remarks, places or profiles
            bare.save(out := io.BytesIO(), format="WEBP", quality=quality)
            if out.tell() <= LARGEST:
                return b64encode(out.getvalue())
    except Exception:  # Pillow has an error for each kind of damage
        return b""
    return b""
