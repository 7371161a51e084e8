"""The `labkit` command. Exit status: 0 all well, 1 something that was asked to be checked failed, 2 could not run."""

import sys
from io import TextIOWrapper

import typer
from rich.console import Console

from labkit.commands import build, doctor, fetch, grade, lab, progress, regrade, release, update
from labkit.errors import LabError
from labkit.files import is_disk_full
from labkit.threads import set_openmp_wait_policy

set_openmp_wait_policy()  # before torch is imported, and for kernels, which inherit it
# jsonschema, imported with nbformat, would spend a second on grammars of addresses, for a check that nobody here wants
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich"
)
_ALL = (
    lab.lab, update.update, progress.progress, doctor.doctor, fetch.fetch, release.release, grade.grade,
    regrade.regrade, build.build,
)  # fmt: skip
for command in _ALL:
    app.command()(command)


@app.callback()
def _about() -> None:
    """Look inside convolutional networks: a course lab in notebooks.

    Students: [bold]lab[/], [bold]update[/], [bold]progress[/], [bold]doctor[/], [bold]fetch[/].
    Instructors: [bold]release[/], [bold]grade[/], [bold]regrade[/].
    Authors: [bold]build[/].
    """


def main() -> None:
    """Run the command; what the user can put right is one sentence and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # what a console cannot write becomes a question mark
    try:
        app()
    except LabError as error:
        _say(str(error))
        sys.exit(2)
    except OSError as error:
        if not is_disk_full(error):
            raise
        _say("the disk is full; make room, and give the same command again")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _say(sentence: str) -> None:
    Console(stderr=True).print(f"[red]labkit:[/] {sentence}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
