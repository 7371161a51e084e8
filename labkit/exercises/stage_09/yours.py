"""What the student's functions of stage 09 stand in for: the planting, and the two scores of a map."""

from collections.abc import Callable

from torch import Tensor

from labkit.checks.stand_in import StandIn
from labkit.methods.planted import marks, scores

Function = Callable[..., Tensor]


def _score(theirs: Function, own: Function) -> Function:
    return lambda maps, masks: theirs(maps, masks).to(maps)


YOURS = (
    StandIn(
        "09.1", "plant", marks, "_pasted", lambda theirs, own: lambda *given: theirs(*given).to(given[0])
    ),
    StandIn("09.2", "mass_inside", scores, "_shares", _score),
    StandIn("09.3", "pointing_game", scores, "_hits", _score),
)
