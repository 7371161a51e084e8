"""What is installed, where the notebooks are, which networks are here, and what to do about what is not."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from labkit.commands.common import COPY, console, course, has_stages, students_folder
from labkit.commands.requirements import LAB, Needed, needed
from labkit.errors import LabError

_SHOWN = ("torch", "torchvision", "timm", "jupyterlab", "ipywidgets", "nbval")  # also where all is well
Finding = tuple[bool, str, str]  # whether it is well, what was found, what to try if it is not


def doctor() -> None:
    """Say what is installed, where the notebooks are, which networks are here, and what to do about what is not.

    Exit status 1 if something that the lab needs is missing.
    """
    console.print("[bold]The lab[/]")
    well = True
    for good, text, mend in _findings():
        mark, advice = ("[green]✓[/]", "") if good else ("[red]✗[/]", mend and f"\n  [bold]try:[/] {mend}")
        console.print(f"{mark} {text}{advice}", highlight=False, soft_wrap=True)
        well = well and good
    if all(package.found for package in needed()):
        _networks_of_the_lecture()
        _grading()
    good_bye = (
        "All well: labkit lab opens the notebooks." if well else "Mend the lines marked ✗, then ask again."
    )
    console.print(f"\n{good_bye}")
    raise typer.Exit(0 if well else 1)


def _findings() -> Iterator[Finding]:
    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}", "install Python 3.11 or newer"
    yield from _packages()
    yield _jupyterlab()
    yield _notebooks()
    yield _writable()
    yield _tried(_photos, "pip install foolbox scikit-image scikit-learn")
    yield from map(_network, ("squeezenet", "efficientnet_lite0"))
    free = shutil.disk_usage(Path.home()).free / 2**30
    yield free > 1, f"{free:.0f} GB free on the disk of your home folder", "free a gigabyte for downloads"


def _packages() -> Iterator[Finding]:
    """The packages that people ask for, and each one that is missing or of a version that will not do."""
    if not (found := needed()):
        yield (
            False,
            f"{LAB} is not installed for this Python",
            "make lab, or python install.py, or pip install -e .",
        )
    for package in found:
        if not package.will_do:
            yield False, _told(package), f'{sys.executable} -m pip install "{package.pip}"'
        elif package.name in _SHOWN:
            yield True, _told(package), ""


def _told(package: Needed) -> str:
    if not package.found:
        return f"{package.name} is missing"
    if package.will_do:
        return f"{package.name} {package.found}"
    return f"{package.name} {package.found} is here, and {package.range} is needed"


def _jupyterlab() -> Finding:
    """Whether JupyterLab starts at all, as `labkit lab` starts it."""
    command = [sys.executable, "-m", "jupyterlab", "--version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        well, said = done.returncode == 0, (done.stderr.strip().splitlines() or ["it ended at once"])[-1]
    except (OSError, subprocess.TimeoutExpired) as error:
        well, said = False, str(error)
    mend = f"{sys.executable} -m pip install --force-reinstall jupyterlab"
    return well, "JupyterLab starts" if well else f"JupyterLab does not start: {_plain(said)}", mend


def _notebooks() -> Finding:
    """Where the notebooks are, or where `labkit lab` will put them."""
    if place := students_folder():
        count = len({path.name[:2] for path in place.glob("[0-9][0-9]_*.ipynb")})
        return True, f"notebooks of {count} stage{'s' * (count > 1)} in {_plain(place)}", ""
    if has_stages(course("notebooks")):
        return True, f"no notebooks here yet; labkit lab puts them into {_plain(Path.cwd() / COPY)}", ""
    return (
        False,
        f"no notebooks in {_plain(Path.cwd())}, and none came with this installation",
        "go to the folder that your course's notebooks are in, or name it: labkit lab FOLDER",
    )


def _writable() -> Finding:
    """Whether answers can be saved, tried by writing."""
    place = students_folder() or Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        told = f"{_plain(place)} cannot be written to: {error.strerror}"
        return False, told, "go to a folder of your own, and give labkit lab there"
    return True, f"{_plain(place)} can be written to", ""


def _plain(text: object) -> str:
    """What the console shall not take for its marks."""
    from rich.markup import escape

    return escape(str(text))


def _photos() -> str:
    from labkit import images

    return f"{len(images.photos(size=32))} embedded photos"


def _network(name: str) -> Finding:
    def run() -> str:
        from labkit import images, models

        top = models.load(name).top(images.photos()["goose"], k=1)[0]
        return f"{name} runs: it sees a {top[0]} in the photo of one ({top[1]:.0%})"

    return _tried(run)


def _tried(run: Callable[[], str], mend: str = "") -> Finding:
    try:
        return True, run(), ""
    except LabError as error:
        return False, str(error), mend
    except ImportError as error:  # a package is there and broken
        return (
            False,
            f"{type(error).__name__}: {_plain(error)}",
            f"{sys.executable} -m pip install --force-reinstall {LAB}",
        )


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


def _grading() -> None:
    """What would shut submissions off here; for instructors, and nothing that the lab needs."""
    from labkit.grading.executing import isolation

    console.print("\n[bold]Grading[/] (for instructors; the notebooks work without it)")
    found = isolation()
    if found == "limits only":
        told = "○ nothing here shuts submissions off; labkit grade asks for bubblewrap, or for --unsafe"
    else:
        told = f"[green]✓[/] submissions are shut off by {found}"
    console.print(told, highlight=False)
