"""Opening JupyterLab on the notebooks; outside a clone, on a copy of them that is made first."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from labkit.commands.common import (
    COPY,
    PACKAGE,
    ROOT,
    console,
    course,
    has_stages,
    is_clone,
    students_folder,
)
from labkit.errors import LabError
from labkit.files import is_disk_full

# python -m jupyterlab, without the second that jsonschema would spend on grammars of addresses, as in labkit.cli
_JUPYTERLAB = (
    "import sys; sys.modules['rfc3987_syntax'] = None; from jupyterlab.labapp import main; sys.exit(main())"
)


def lab(
    folder: Annotated[
        Path | None, typer.Argument(help="where the notebooks are; where you are, or ./cnn-lab, by default")
    ] = None,
    browser: Annotated[
        bool, typer.Option(help="open a browser window; --no-browser prints the address only")
    ] = True,
    port: Annotated[int, typer.Option(help="the port to serve on; the next free one if it is taken")] = 8888,
    copy_only: Annotated[
        bool, typer.Option("--copy-only", help="put the notebooks there, and open nothing")
    ] = False,
) -> None:
    """Open JupyterLab on the notebooks. Ctrl-C ends it; your work is saved in the notebooks.

    Outside a clone of the lab they are first put into ./cnn-lab. What is there already stays as it is.
    """
    if folder and not folder.is_dir():
        raise LabError(f"no folder {folder}; make it, or give labkit lab where the notebooks shall be put")
    place = folder or _place()
    if copy_only:
        return
    if find_spec("jupyterlab") is None:
        raise LabError("JupyterLab is not installed here; try pip install jupyterlab, then labkit doctor")
    command, environment = _command(place, browser, port), _environment(place)
    raise typer.Exit(subprocess.run(command, check=False, env=environment).returncode and 2)


def _place() -> Path:
    """Where the student works: what is there, or a copy. A copy that was cut short is completed."""
    from labkit.authoring.copies import is_copy, is_older

    here, source = students_folder(), course("notebooks")
    if here and (is_clone() or not has_stages(source)):
        return here
    if here is None or here.name == COPY or is_copy(here):
        here = _copy(here, source)
    if is_older(here, source):
        console.print(
            "This lab has newer notebooks: labkit update brings them, and keeps your answers", highlight=False
        )
    return here


def _copy(here: Path | None, source: Path) -> Path:
    """The copy, with all notebooks in it. here: where it is already

    Raises: LabError where there is none and none can be made
    """
    from labkit.authoring.copies import complete

    place = here or Path.cwd() / COPY
    try:
        written = complete(place, source)
    except OSError as error:
        if here and not is_disk_full(error):  # to be looked at, if not to be written to
            told = f"{place} cannot be written to, and is opened as it is"
            console.print(told, highlight=False, markup=False, soft_wrap=True)
            return place
        raise LabError(
            f"cannot put the notebooks into {place}: {error.strerror}; "
            "go to a folder that is yours to write in, and give labkit lab there"
        ) from error
    if written:
        told = f"{len(written)} notebook{'s are' if len(written) > 1 else ' is'} now in {place}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    return place


def _command(place: Path, browser: bool, port: int) -> list[str]:
    from labkit.commands.start_page import write_start_page

    root = _root(place)
    command = [sys.executable, "-c", _JUPYTERLAB, f"--ServerApp.root_dir={root}", f"--ServerApp.port={port}"]
    command += ["--ContentsManager.allow_hidden=True"]
    if root != place.resolve():
        command += [f"--ContentsManager.preferred_dir={place.resolve().relative_to(root).as_posix()}"]
    if page := write_start_page(place.resolve()):
        command += [f"--LabApp.default_url=/lab/tree/{quote(page.relative_to(root).as_posix())}"]
    command += [] if browser else ["--no-browser"]
    return command + (["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])


def _root(place: Path) -> Path:
    """What the server shows: the notebooks' folder; of a clone all of it, since the solutions lie beside them."""
    place = place.resolve()
    return place.parent if is_clone() and place == (ROOT / "notebooks").resolve() else place


def _environment(place: Path) -> dict[str, str]:
    """The environment, with settings by which JupyterLab asks for no news feed and shows Markdown as a page.

    In a copy that `labkit lab` has made it also says where the solved notebooks are.
    """
    from labkit.authoring.copies import is_copy
    from labkit.authoring.solved import put_solved
    from labkit.exercises.rendered import SOLVED

    config = [str(PACKAGE / "jupyter"), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    environment = {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(config)}
    if is_copy(place) and (solved := put_solved(place.resolve(), course("solutions"))):
        environment[SOLVED] = str(solved)
    return environment
