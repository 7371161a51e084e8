"""Opening JupyterLab on the notebooks."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from labkit.commands.common import folder_of


def lab(
    folder: Annotated[
        Path | None, typer.Argument(help="where the notebooks are; notebooks/ by default")
    ] = None,
    browser: Annotated[
        bool, typer.Option(help="open a browser window; --no-browser prints the address only")
    ] = True,
    port: Annotated[int, typer.Option(help="the port to serve on; the next free one if it is taken")] = 8888,
) -> None:
    """Open JupyterLab on the notebooks. Ctrl-C ends it; your work is saved in the notebooks."""
    place = folder_of("notebooks", folder)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={place}",
        f"--ServerApp.port={port}",
    ]
    command += [] if browser else ["--no-browser"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    config = [
        str(Path(__file__).parents[1] / "jupyter"),
        *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")]),
    ]
    quiet = {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(config)}  # JupyterLab asks for no news feed
    raise typer.Exit(subprocess.run(command, check=False, env=quiet).returncode and 2)
