"""What commands share: where the lab is, and where they speak."""

from pathlib import Path

from rich.console import Console

from labkit.errors import LabError

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent  # of a clone: where notebooks/ and solutions/ are
CARRIED = PACKAGE / "authoring" / "course"  # of a wheel (setup.py puts it there); a clone has none
COPY = "cnn-lab"  # the folder that `labkit lab` makes outside a clone
console = Console()


def is_clone() -> bool:
    """Whether the lab that runs here is a clone, perhaps installed as editable; else it came as a wheel."""
    return (ROOT / "pyproject.toml").is_file() and (ROOT / "solutions").is_dir()


def course(name: str) -> Path:
    """Where what came with the lab lies, the clone's or the wheel's; it may be missing.

    name: "notebooks" (to fill in) or "solutions" (the sources)
    """
    return (ROOT if is_clone() else CARRIED) / name


def has_stages(folder: Path) -> bool:
    """Whether a folder holds notebooks or sources named as the lab's are, such as 01_first_layer_filters.ipynb."""
    try:
        return any(path.suffix in (".ipynb", ".py") for path in folder.glob("[0-9][0-9]_*"))
    except OSError:  # it may not be looked into
        return False


def folder_of(name: str, given: Path | None) -> Path:
    """The folder asked for, or ./NAME if it holds stages, or what came with the lab."""
    if given and given.is_dir():
        return given
    places = [] if given else [place for place in (Path.cwd() / name, course(name)) if has_stages(place)]
    if not places:
        raise LabError(
            f"no folder {given or Path.cwd() / name}; run this in a copy of the lab, or name the folder"
        )
    return places[0]


def students_folder() -> Path | None:
    """Where the notebooks of who works here are: this folder, ./notebooks, the clone's, ./cnn-lab; None if nowhere."""
    here = Path.cwd()
    clones = [ROOT / "notebooks"] if is_clone() else []
    places = [here, here / "notebooks", *clones, here / COPY, here / COPY / "notebooks"]
    return next(filter(has_notebooks, places), None)


def has_notebooks(folder: Path) -> bool:
    """Whether a folder holds notebooks of the lab to work in: not that of the sources, with theirs solved."""
    try:
        return any(folder.glob("[0-9][0-9]_*.ipynb")) and not any(folder.glob("[0-9][0-9]_*.py"))
    except OSError:
        return False
