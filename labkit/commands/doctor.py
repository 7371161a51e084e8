"""What is installed, which networks are here, and what to do about what is not."""

import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import typer

from labkit.commands.common import console
from labkit.errors import LabError

_PACKAGES = ("torch", "torchvision", "timm", "jupyterlab", "ipywidgets", "nbval")
Finding = tuple[bool, str, str]  # whether it is well, what was found, what to try if it is not


def doctor() -> None:
    """Say what is installed, which networks are here, and what to do about what is not.

    Exit status 1 if something that the lab needs is missing.
    """
    console.print("[bold]The lab[/]")
    well = True
    for good, text, mend in _findings():
        mark, advice = ("[green]✓[/]", "") if good else ("[red]✗[/]", mend and f"\n  [bold]try:[/] {mend}")
        console.print(f"{mark} {text}{advice}", highlight=False, soft_wrap=True)
        well = well and good
    _networks_of_the_lecture()
    good_bye = (
        "All well: labkit lab opens the notebooks." if well else "Mend the lines marked ✗, then ask again."
    )
    console.print(f"\n{good_bye}")
    raise typer.Exit(0 if well else 1)


def _findings() -> list[Finding]:
    from labkit import images, models

    python = (sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}", "install Python 3.11 or newer")
    free = shutil.disk_usage(Path.home()).free / 2**30
    disk = (free > 1, f"{free:.0f} GB free on the disk of your home folder", "free a gigabyte for downloads")
    photos = _tried(
        lambda: f"{len(images.photos(size=32))} embedded photos",
        "pip install foolbox scikit-image scikit-learn",
    )
    return [python, *map(_package, _PACKAGES), photos, *map(_network, models.EMBEDDED), disk]


def _package(name: str) -> Finding:
    try:
        return find_spec(name) is not None, f"{name} {version(name)}", f"pip install {name}"
    except PackageNotFoundError:
        return False, f"{name} is missing", "make clean, then make lab, or pip install -e ."


def _network(name: str) -> Finding:
    from labkit import images, models

    def run() -> str:
        top = models.load(name).top(images.photos()["goose"], k=1)[0]
        return f"{name} runs: it sees a {top[0]} in the photo of one ({top[1]:.0%})"

    return _tried(run)


def _tried(run: Callable[[], str], mend: str = "") -> Finding:
    try:
        return True, run(), ""
    except LabError as error:
        return False, str(error), mend


def _networks_of_the_lecture() -> None:
    from labkit import models

    console.print("\n[bold]Networks of the lecture[/] (the lab works without them)")
    here = models.available()
    for name, network in models.NETWORKS.items():
        if name in here and not network.is_embedded:
            console.print(f"[green]✓[/] {name}", highlight=False)
        elif not network.is_embedded:
            told = f"○ {name}, not downloaded: labkit fetch {name} ({network.size_mb:.0f} MB)"
            console.print(told, highlight=False)
