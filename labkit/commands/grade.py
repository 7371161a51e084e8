"""A folder of submissions into scores."""

from pathlib import Path
from typing import Annotated

import typer

from labkit.commands.common import console, folder_of
from labkit.errors import LabError

_Folder = Annotated[Path, typer.Argument(help="one folder a student, with that student's notebooks in it")]
_Stage = Annotated[list[str] | None, typer.Option(help="grade this stage only, such as 01; may be repeated")]
_Out = Annotated[Path, typer.Option(help="where scores.csv and the answers go")]
_Released = Annotated[Path | None, typer.Option(help="the notebooks as handed out; notebooks/ by default")]
_Jobs = Annotated[int, typer.Option(min=1, help="notebooks to execute side by side")]
_Cell = Annotated[float, typer.Option(min=1, help="seconds that a cell may take; a check gets half")]
_Notebook = Annotated[float, typer.Option(min=1, help="seconds that a notebook may take")]
_Memory = Annotated[int, typer.Option(min=1024, help="memory that a check may take")]


def grade(
    folder: _Folder, stage: _Stage = None, out: _Out = Path("scores"), released: _Released = None,
    jobs: _Jobs = 1, cell_timeout_s: _Cell = 60, timeout_s: _Notebook = 600, memory_mb: _Memory = 6144,
) -> None:  # fmt: skip
    """Turn a folder of submissions into scores.csv.

    Each notebook's tasks are put into the released notebook, which nbval executes in a child process
    without network, on inputs that nobody has seen. Its answers are judged here, where no student code runs.
    """
    from labkit.grading import grade as grading
    from labkit.grading import report
    from labkit.grading.execute import Limits

    stages = _stages(folder, stage)
    _say_isolation()
    rows = grading.grade(
        folder, folder_of("notebooks", released), out, stages=stages, jobs=jobs, say=console.print,
        limits=Limits(cell_timeout_s, timeout_s, memory_mb),
    )  # fmt: skip
    report.write_scores(rows, out / "scores.csv")
    console.print(report.table(rows))
    told = f"\nscores, and the mistakes recognised: {out / 'scores.csv'}"
    console.print(report.LEGEND, told, highlight=False)


def _stages(folder: Path, asked: list[str] | None) -> list[str]:
    """The stages asked for, or else those that somebody has handed in."""
    from labkit.exercises import stages
    from labkit.grading.collect import collect

    chosen = asked or sorted({found.stage for found in collect(folder, stages())})
    if unknown := set(chosen) - set(stages()):
        raise LabError(f"no stage {sorted(unknown)[0]!r}; there are {', '.join(stages())}")
    if not chosen:
        raise LabError(
            f"no notebook of this lab in {folder}; expected files such as {folder / 'ada'}/01_….ipynb"
        )
    return chosen


def _say_isolation() -> None:
    from labkit.grading.sandbox import isolation

    found = isolation()
    advice = " (install bubblewrap to shut submissions off from files and network)"
    console.print(f"isolation: {found}{advice if found != 'bubblewrap' else ''}", highlight=False)
