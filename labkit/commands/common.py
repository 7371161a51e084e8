"""What commands share: where the lab is, and where they speak."""

from pathlib import Path

from rich.console import Console

from labkit.errors import LabError

ROOT = Path(__file__).resolve().parents[2]  # of a clone: where notebooks/ and solutions/ are
console = Console()


def folder_of(name: str, given: Path | None) -> Path:
    """The folder asked for, or ./NAME, or the clone's own NAME."""
    places = [given] if given else [Path.cwd() / name, ROOT / name]
    for place in places:
        if place.is_dir():
            return place
    raise LabError(f"no folder {places[0]}; run this in a copy of the lab, or name the folder")
