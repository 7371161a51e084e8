"""The `labkit` command. Exit status: 0 all well, 1 something that was asked to be checked failed, 2 could not run."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from labkit.errors import LabError
from labkit.threads import set_openmp_wait_policy

ROOT = Path(__file__).resolve().parent.parent  # of a clone: where notebooks/ and solutions/ are
set_openmp_wait_policy()  # before torch is imported, and for kernels, which inherit it
app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich"
)
console = Console()


def _folder(name: str, given: Path | None) -> Path:
    """The folder asked for, or ./NAME, or the clone's own NAME."""
    places = [given] if given else [Path.cwd() / name, ROOT / name]
    for place in places:
        if place.is_dir():
            return place
    raise LabError(f"no folder {places[0]}; run this in a copy of the lab, or name the folder")


@app.callback()
def _about() -> None:
    """Look inside convolutional networks: a course lab in notebooks.

    Students: [bold]lab[/] opens the notebooks, [bold]doctor[/] says what is missing, [bold]fetch[/] brings networks.
    Instructors: [bold]grade[/] turns a folder of submissions into scores.
    Authors: [bold]build[/] makes both kinds of notebook from solutions/*.py.
    """


@app.command()
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
    place = _folder("notebooks", folder)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={place}",
        f"--ServerApp.port={port}",
    ]
    command += [] if browser else ["--no-browser"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    config = [str(Path(__file__).parent / "jupyter"), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    quiet = {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(config)}  # JupyterLab asks for no news feed
    raise typer.Exit(subprocess.run(command, check=False, env=quiet).returncode and 2)


@app.command()
def doctor() -> None:
    """Say what is installed, which networks are here, and what to do about what is not.

    Exit status 1 if something that the lab needs is missing.
    """
    from labkit import images, models

    well = True

    def line(good: bool, text: str, mend: str = "") -> None:
        nonlocal well
        well = well and good
        mark, advice = ("[green]✓[/]", "") if good else ("[red]✗[/]", mend and f"\n  [bold]try:[/] {mend}")
        console.print(f"{mark} {text}{advice}", highlight=False, soft_wrap=True)

    console.print("[bold]The lab[/]")
    line(sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}", "install Python 3.11 or newer")
    for package in ["torch", "torchvision", "timm", "jupyterlab", "ipywidgets", "nbval"]:
        try:
            line(find_spec(package) is not None, f"{package} {version(package)}", f"pip install {package}")
        except PackageNotFoundError:
            line(False, f"{package} is missing", "make clean, then make lab, or pip install -e .")
    try:
        line(True, f"{len(images.photos(size=32))} embedded photos")
    except LabError as error:
        line(False, str(error), "pip install foolbox scikit-image scikit-learn")
    for name in models.EMBEDDED:
        try:
            top = models.load(name).top(images.photos()["goose"], k=1)[0]
            line(True, f"{name} runs: it sees a {top[0]} in the photo of one ({top[1]:.0%})")
        except LabError as error:
            line(False, str(error))
    free = shutil.disk_usage(Path.home()).free / 2**30
    line(free > 1, f"{free:.0f} GB free on the disk of your home folder", "free a gigabyte for downloads")

    console.print("\n[bold]Networks of the lecture[/] (the lab works without them)")
    for name, network in models.NETWORKS.items():
        if network.is_embedded:
            continue
        if name in models.available():
            console.print(f"[green]✓[/] {name}", highlight=False)
        else:
            console.print(
                f"○ {name}, not downloaded: labkit fetch {name} ({network.size_mb:.0f} MB)", highlight=False
            )
    console.print(
        "\nAll well: labkit lab opens the notebooks."
        if well
        else "\nMend the lines marked ✗, then ask again."
    )
    raise typer.Exit(0 if well else 1)


@app.command()
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="alexnet resnet18 …, or all; none lists them")
    ] = None,
) -> None:
    """Download the lecture's networks into torchvision's cache; what is there already is checked.

    A campus mirror is used where the environment variable LABKIT_MIRROR holds its address.
    """
    from labkit import models

    if not names:
        console.print("Name what to download, or [bold]labkit fetch all[/]:")
        for name, network in models.NETWORKS.items():
            state = "here" if name in models.available() else f"{network.size_mb:.0f} MB"
            console.print(f"  {name:18} {state:>8}   {network.paper}", highlight=False)
        return
    failed = False
    for name in models.NETWORKS if names == ["all"] else names:
        try:
            console.print(
                f"[green]✓[/] {name} is here: {models.fetch(name)}", highlight=False, soft_wrap=True
            )
        except LabError as error:
            failed = True
            console.print(f"[red]✗[/] {error}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if failed else 0)


@app.command()
def build(
    sources: Annotated[
        list[Path] | None, typer.Argument(help="sources; all of solutions/*.py by default")
    ] = None,
    notebooks: Annotated[Path | None, typer.Option(help="where the students' notebooks go")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="execute solutions anew though their source is unchanged")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="write nothing; exit 1 if something would change")
    ] = False,
) -> None:
    """Make both kinds of notebook from their one source: notebooks/ to fill in, solutions/ executed.

    A solution is executed only if its source has changed. Unchanged sources give unchanged files. A
    notebook in notebooks/ that holds somebody's answers is moved aside, not overwritten.
    """
    from labkit.authoring.build import build as build_notebooks
    from labkit.authoring.build import stale

    paths = sources or sorted(_folder("solutions", None).glob("*.py"))
    if missing := [path for path in paths if not path.is_file()]:
        raise LabError(f"no source {missing[0]}; sources are solutions/*.py")
    target = notebooks or paths[0].resolve().parent.parent / "notebooks"
    if check:
        for path in (found := stale(paths, target)):
            console.print(f"[red]✗[/] {path} is not what its source says; run labkit build", highlight=False)
        raise typer.Exit(1 if found else 0)
    for built in build_notebooks(paths, target, again=again, say=console.print):
        if built.kept:
            console.print(
                f"there were answers in {built.path}; they are now in {built.kept}", highlight=False
            )
        console.print(f"{'written' if built.changed else 'unchanged'}: {built.path}", highlight=False)


@app.command()
def grade(
    folder: Annotated[Path, typer.Argument(help="one folder a student, with that student's notebooks in it")],
    stage: Annotated[
        list[str] | None, typer.Option(help="grade this stage only, such as 01; may be repeated")
    ] = None,
    out: Annotated[Path, typer.Option(help="where scores.csv and the answers go")] = Path("scores"),
    released: Annotated[
        Path | None, typer.Option(help="the notebooks as handed out; notebooks/ by default")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="notebooks to execute side by side")] = 1,
    cell_timeout_s: Annotated[
        float, typer.Option(min=1, help="seconds that a cell may take; a check gets half")
    ] = 60,
    timeout_s: Annotated[float, typer.Option(min=1, help="seconds that a notebook may take")] = 600,
    memory_mb: Annotated[int, typer.Option(min=1024, help="memory that a check may take")] = 6144,
) -> None:
    """Turn a folder of submissions into scores.csv.

    Each notebook's tasks are put into the released notebook, which nbval executes in a child process
    without network, on inputs that nobody has seen. Its answers are judged here, where no student code runs.
    """
    from labkit.exercises import stages as all_stages
    from labkit.grading import report, sandbox
    from labkit.grading.collect import collect
    from labkit.grading.execute import Limits
    from labkit.grading.grade import grade as grade_folder

    chosen = stage or sorted({found.stage for found in collect(folder, all_stages())})
    if unknown := set(chosen) - set(all_stages()):
        raise LabError(f"no stage {sorted(unknown)[0]!r}; there are {', '.join(all_stages())}")
    if not chosen:
        raise LabError(
            f"no notebook of this lab in {folder}; expected files such as {folder / 'ada'}/01_….ipynb"
        )
    isolation = sandbox.isolation()
    advice = (
        ""
        if isolation == "bubblewrap"
        else " (install bubblewrap to shut submissions off from files and network)"
    )
    console.print(f"isolation: {isolation}{advice}", highlight=False)
    rows = grade_folder(
        folder, _folder("notebooks", released), out, stages=chosen, jobs=jobs, say=console.print,
        limits=Limits(cell_timeout_s, timeout_s, memory_mb),
    )  # fmt: skip
    report.write_scores(rows, out / "scores.csv")
    console.print(report.table(rows))
    console.print(
        report.LEGEND, f"\nscores, and the mistakes recognised: {out / 'scores.csv'}", highlight=False
    )


def main() -> None:
    """Run the command; what the user can put right is one sentence and status 2."""
    try:
        app()
    except LabError as error:
        Console(stderr=True).print(f"[red]labkit:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
