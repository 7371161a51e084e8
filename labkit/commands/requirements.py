"""What the lab needs of other packages, as its installation says, and what of that is not here."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

LAB = "cnn-labkit"


@dataclass(frozen=True)
class Needed:
    """A package that the lab needs.

    range: such as ">=2.6,<3";  found: the version that is here; empty if it is missing
    """

    name: str
    range: str
    found: str

    @property
    def will_do(self) -> bool:
        return bool(self.found) and Requirement(f"x{self.range}").specifier.contains(
            self.found, prereleases=True
        )

    @property
    def pip(self) -> str:
        """How to say it to pip."""
        return f"{self.name}{self.range}"


def needed() -> list[Needed]:
    """The packages that the lab needs here, extras left out; none where it runs without having been installed."""
    try:
        asked = [Requirement(line) for line in requires(LAB) or ()]
    except PackageNotFoundError:
        return []
    here = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    return [Needed(one.name, str(one.specifier), _version(one.name)) for one in here]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
