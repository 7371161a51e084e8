"""What students read first: what there is, how to start, how to hand in, what is graded."""

from datetime import datetime

from labkit.authoring.release.planning import Plan, Stage

_START = """
## Start

You need Python 3.11 or newer (3.12 is a good choice), a network connection for the installation, and about 8 GB of
disk. Unpack the zip, open a terminal **in this folder**, and type the three lines for your system. The installation
takes some minutes and is done once.

Linux and macOS:

```sh
python3 -m venv .venv
.venv/bin/pip install -r requirements.txt
.venv/bin/labkit lab notebooks
```

Windows (PowerShell):

```powershell
py -m venv .venv
.venv\\Scripts\\pip install -r requirements.txt
.venv\\Scripts\\labkit lab notebooks
```

With conda instead:

```sh
conda env create -f environment.yml
conda activate cnn-lab
labkit lab notebooks
```

JupyterLab opens in your browser. From the second time on, the last line is enough (with conda: the last two).

**It does not start, or something is missing?** Type `doctor` in place of `lab notebooks`: it says what is missing and
what to do about it.

## Work

Open a notebook and run it from the top. Where a cell says `TODO`, write the few lines that it asks for, run the cell,
then run the check cell below it. The check says at once whether your answer is right and, if not, what is wrong with
it. Try as often as you like: nobody counts. `hint("{example}")` helps with exercise {example}, and every exercise has
several hints, from a nudge to nearly the line of code.

You may add cells, pictures and notes wherever you like. Leave the check cells as they are. To see which exercises pass
so far, type `progress notebooks` in place of `lab notebooks`.
"""

_HAND_IN = """
## Hand in

Save your work in JupyterLab (Ctrl+S, on a Mac Cmd+S), then hand in {files}:

{names}

{where} Keep the file names. Hand in the notebooks themselves (`.ipynb`), not an export as PDF or HTML. A notebook with
some exercises left open is fine: what is done counts.
"""

_GRADED = """
## What is graded

- **The functions that you write in the `TODO` cells**, and nothing else: no pictures, no predictions, no notes.
- Your functions are asked for answers on **other inputs than those of the check** that you see: other networks, other
  images, odd sizes. A function that does what the text asks passes both.
- An exercise is right or not: it gets all its points or none. One exercise does not depend on another one.
- Check cells are put back as they were before grading, whatever is in yours.
- Your code is run from the top of the notebook, without a network connection, and with limits on time and memory.
  An endless loop costs you the exercise that it is in, and no other.
- The lab has functions of its own that do what exercises ask. Write your own: it is seen when an answer calls the
  lab's, is the published solution, or is the same as another student's.
"""


def student_readme(plan: Plan) -> str:
    """The README of a handout, in Markdown."""
    due = f"\n**Due: {_date(plan.due)}.**\n" if plan.due else ""
    start = _START.format(example=plan.stages[0].exercises[0].id)
    return f"# {plan.course}\n{due}\n{_overview(plan)}\n{start}{_hand_in(plan)}{_GRADED}"


def _hand_in(plan: Plan) -> str:
    one = len(plan.stages) == 1
    names = "\n".join(f"- `notebooks/{stage.file}`" for stage in plan.stages)
    usual = f"Upload {'it' if one else 'them'} where your course collects homework."
    files = "this file" if one else f"these {len(plan.stages)} files"
    return _HAND_IN.format(files=files, names=names, where=plan.hand_in or usual)


def _overview(plan: Plan) -> str:
    """One row a notebook: its exercises, points and minutes, those of the core path beside all."""
    rows = [
        _row(f"[{s.title}](notebooks/{s.file})", [s], core=any(e.core for e in s.exercises))
        for s in plan.stages
    ]
    if len(plan.stages) > 1:
        rows.append(_row("together", plan.stages))
    head = "| notebook | exercises | points | minutes | of these, the core path |\n|---|--:|--:|--:|--:|"
    told = (
        "The minutes are estimates. The core path, marked ● in the table at the top of each notebook, is the short way "
        "through."
    )
    return "\n".join([head, *rows, "", told])


def _row(name: str, stages: tuple[Stage, ...] | list[Stage], *, core: bool = True) -> str:
    count = sum(len(stage.exercises) for stage in stages)
    points = number(sum(stage.worth for stage in stages))
    minutes, short = (sum(stage.minutes(core=c) for stage in stages) for c in (False, True))
    return f"| {name} | {count} | {points} | {minutes} | {short if core else 'none'} |"


def number(value: float) -> str:
    """Points as people write them: 2, 2.5."""
    return f"{value:g}"


def _date(due: datetime) -> str:
    """ "Tuesday, 1 December 2026, 23:59", with the time zone where there is one."""
    zone = due.strftime("%z")
    told = f" (UTC{zone[:3]}:{zone[3:5]})" if zone else ""
    return f"{due:%A}, {due.day} {due:%B %Y, %H:%M}{told}"
