"""What is released: which stages, of which course, due when, and the notebooks as students get them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

import labkit
from labkit.authoring.build import student_notebook
from labkit.authoring.release.trees import sha256
from labkit.authoring.release.wheel import wheel
from labkit.authoring.source import as_file
from labkit.checks.exercise import Exercise
from labkit.errors import LabError
from labkit.exercises import exercises, stages

COURSE = "Looking inside convolutional networks"


@dataclass(frozen=True)
class Stage:
    """One stage of a release.

    source:   such as solutions/05_guided_backprop.py
    notebook: what students get, as text: what `labkit build` writes, with the points of this course
    points:   exercise id -> what it is worth in this course
    """

    id: str
    source: Path
    title: str
    notebook: str
    exercises: tuple[Exercise, ...]
    points: Mapping[str, float]

    @property
    def file(self) -> str:
        return f"{self.source.stem}.ipynb"

    @property
    def worth(self) -> float:
        return sum(self.points.values())

    def minutes(self, *, core: bool = False) -> int:
        return sum(e.minutes for e in self.exercises if e.core or not core)


@dataclass(frozen=True)
class Plan:
    """A release, before anything is written.

    course:  its name, for people
    due:     when notebooks are to be handed in, if the course says
    hand_in: where to, in a sentence of Markdown, if the course says
    lab:     what pip installs, such as "./cnn_labkit-0.1.0-py3-none-any.whl"
    wheels:  file name -> content of what is to lie beside the requirements
    """

    stages: tuple[Stage, ...]
    course: str = COURSE
    due: datetime | None = None
    hand_in: str = ""
    lab: str = "cnn-labkit"
    wheels: Mapping[str, bytes] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """What release.json says of every kind of release; "release" is the hash that a grading run notes.

        The hash covers the stages, their notebooks, what they are worth, and the lab's version.
        """
        told = {stage.id: _facts(stage) for stage in self.stages}
        hashed = json.dumps([labkit.__version__, told], sort_keys=True)
        due = self.due.isoformat() if self.due else None
        about = {"labkit": labkit.__version__, "course": self.course, "due": due}
        return {"release": sha256(hashed.encode()), **about, "stages": told}


def _facts(stage: Stage) -> dict[str, Any]:
    told = {"notebook": stage.file, "sha256": sha256(stage.notebook.encode()), "title": stage.title}
    return {**told, "minutes": stage.minutes(), "points": dict(stage.points)}


def plan(
    sources: Path,
    *,
    only: Sequence[str] = (),
    course: str = COURSE,
    due: datetime | None = None,
    hand_in: str = "",
    lab: str | None = None,
    points: Mapping[str, float] | None = None,
) -> Plan:
    """Read what is to be released.

    sources: the folder with a source for each stage, such as solutions/
    only:    these stages; all without
    lab:     what pip shall install; a wheel of the lab as it runs here without. A wheel file is put in
    points:  exercise id -> what it is worth in this course; the exercise's own without
    Raises:  LabError for a stage that is not there, a source or a wheel that cannot be read
    """
    chosen = sorted(set(only)) or [stage for stage in stages() if _sources(sources, stage)]
    if not chosen:
        raise LabError(f"no source of a stage in {sources}; expected files such as 01_first_layer_filters.py")
    name, wheels = _lab(lab)
    found = tuple(_stage(sources, stage, points or {}) for stage in chosen)
    return Plan(found, _line("course", course), due, _line("hand-in", hand_in), name, wheels)


def _sources(folder: Path, stage: str) -> list[Path]:
    return sorted(folder.glob(f"{stage}_*.py"))


def _stage(folder: Path, stage: str, points: Mapping[str, float]) -> Stage:
    found = _sources(folder, stage)
    known = exercises(stage)
    if len(found) != 1:
        raise LabError(f"expected one source {folder / f'{stage}_….py'}, found {len(found)}")
    notebook = student_notebook(found[0])
    there = {cell.id for cell in notebook.cells}
    asked = tuple(exercise for exercise in known if f"{exercise.slug}-check" in there)
    worth = {exercise.id: points.get(exercise.id, exercise.points) for exercise in asked}
    with_points(notebook, worth)
    text = as_file(notebook)
    return Stage(stage, found[0], _title(notebook) or found[0].stem, text, asked, worth)


def with_points(notebook: NotebookNode, points: Mapping[str, float]) -> NotebookNode:
    """The notebook, with what its checks are worth in this course where nbgrader looks."""
    slugs = {f"{exercise.replace('.', '-')}-check": worth for exercise, worth in points.items()}
    for cell in notebook.cells:
        if cell.id in slugs:
            cell.metadata.nbgrader["points"] = slugs[cell.id]
    return notebook


def _title(notebook: NotebookNode) -> str:
    """The notebook's first heading."""
    lines = [
        line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.split("\n")
    ]
    return next((line.removeprefix("# ").strip() for line in lines if line.startswith("# ")), "")


def _line(name: str, text: str) -> str:
    """Text that stays one line of the README."""
    if any(ord(letter) < 32 for letter in text):
        raise LabError(f"--{name}: expected one line of text, got {text!r}")
    return text.strip()


def _lab(asked: str | None) -> tuple[str, dict[str, bytes]]:
    """What pip is asked for, and the wheel that it then finds beside the requirements."""
    if asked is None:
        name, content = wheel()
        return f"./{name}", {name: content}
    if not asked.endswith(".whl") or "://" in asked:
        return _line("lab", asked), {}
    path = Path(asked)
    try:
        return f"./{path.name}", {path.name: path.read_bytes()}
    except OSError as error:
        raise LabError(f"cannot read the wheel {path}: {error.strerror}") from error
