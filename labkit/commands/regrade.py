"""A run's answers, judged once more."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from labkit.commands.common import console

_Run = Annotated[
    Path, typer.Argument(help="the run: a folder such as scores/2026-11-25_1432", show_default=False)
]
_Course = Annotated[
    Path | None, typer.Option(help="points, weights and late rules; the run's own by default")
]
_Overrides = Annotated[
    Path | None, typer.Option(help="points set by hand; overrides.csv beside the run by default")
]
_Forbid = Annotated[
    bool, typer.Option("--forbid", help="no points where a function of the lab does the work")
]


def regrade(run: _Run, course: _Course = None, overrides: _Overrides = None, forbid: _Forbid = False) -> None:
    """Judge the answers that a run has kept with today's judges, and say what changed for whom.

    Nothing of the students' is run. The old run stays as it is; the new verdicts are a run of their own beside it.
    """
    from labkit.commands.grading_options import OVERRIDES, course_file, report
    from labkit.grading.regrading import class_list, regrade
    from labkit.grading.runs import open_run

    old = open_run(run)
    rules = course_file(old.folder, course)
    new, results, changes = regrade(old, old.folder.parent)
    by_hand = overrides or old.folder.parent / OVERRIDES
    report(new, class_list(old), results, course_toml=rules, overrides=by_hand, forbid=forbid)
    for change in changes:
        before, after = (
            f"{o.state} ({o.mistake})" if o.mistake else str(o.state) for o in (change.before, change.after)
        )
        line = f"{change.student.shown} · {change.after.exercise}: {before} before, {after} now"
        console.print(escape(line), highlight=False, soft_wrap=True)
    console.print(f"{len(changes)} verdicts changed" if changes else "no verdict changed", highlight=False)
