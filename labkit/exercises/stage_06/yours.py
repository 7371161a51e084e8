"""What the student's functions of stage 06 stand in for: two of the regularisers."""

from collections.abc import Callable
from typing import Any

from labkit.checks.stand_in import StandIn
from labkit.methods import ascent

Function = Callable[..., Any]


def _clip_norm(theirs: Function, own: Function) -> Function:
    return lambda percent: lambda images, gradient, step: theirs(images, percent)


def _clip_contribution(theirs: Function, own: Function) -> Function:
    return lambda percent: lambda images, gradient, step: theirs(images, gradient, percent)


YOURS = (
    StandIn("06.3", "clip_small_norm", ascent, "clip_norm", _clip_norm),
    StandIn("06.4", "clip_small_contribution", ascent, "clip_contribution", _clip_contribution),
)
