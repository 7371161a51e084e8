"""What of the lab a student's own function can stand in for."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class StandIn:
    """A function of the lab that a student's own can stand in for.

    exercise: its id;  function: what the student's is called in the notebook
    module, name: where the lab's own is looked up when it runs
    adapt:    (theirs, the lab's own) -> a function that is called as the lab's own is. What theirs was never checked
              on it leaves to the lab's own
    results:  how many theirs returns
    """

    exercise: str
    function: str
    module: ModuleType
    name: str
    adapt: Callable[[Callable[..., Any], Callable[..., Any]], Callable[..., Any]] = lambda theirs, own: theirs
    results: int = 1
