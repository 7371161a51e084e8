"""What a piece of code names of the lab, and the ways by which it comes by names that do not stand there."""

from dataclasses import dataclass, field, replace


@dataclass
class Mentions:
    """What was found.

    paths:    "labkit.methods.gradients.guided_backprop", for modules as well
    of_lab:   names taken from `lab`, where nothing says which module that is
    computed: modules of the lab that are asked for a name put together at run time
    hidden:   ways to names that only a run could tell: "exec", "globals"
    lookups:  ways to names of one thing, whatever that is: "getattr", "__dict__"
    handed:   modules of the lab that are handed on whole, so that anything could look names up in them
    unread:   what was left out, as it is too long
    texts:    constant texts in it;  names: free names, that other cells may define
    """

    paths: set[str] = field(default_factory=set)
    of_lab: set[str] = field(default_factory=set)
    computed: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    lookups: set[str] = field(default_factory=set)
    handed: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def add(self, other: "Mentions") -> None:
        for name, found in vars(other).items():
            getattr(self, name).update(found)

    def ways(self) -> "Mentions":
        """What it says of names that only a run could tell, and no more."""
        return Mentions(computed=self.computed, hidden=self.hidden, lookups=self.lookups, handed=self.handed)

    def without_ways(self) -> "Mentions":
        """All else."""
        nothing: dict[str, set[str]] = {name: set() for name in ("computed", "hidden", "lookups", "handed")}
        return replace(self, **nothing)
