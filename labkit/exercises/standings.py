"""How far a student is: what the checks have said, held against the notebooks as they are saved now."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from labkit.checks.exercise import Exercise
from labkit.exercises.catalogue import exercises, stages
from labkit.exercises.memory import Said, recall
from labkit.exercises.texts import Notebook, read_notebooks


class How(StrEnum):
    """How an exercise stands."""

    PASSES = "passes"
    NOT_SAVED = "passes, but its notebook has not been saved since"
    CHANGED = "has passed, and its cell has changed since"
    OPEN = "open"


@dataclass(frozen=True)
class Standing:
    """One exercise: how it stands, and the notebook that it is in, if there is one."""

    exercise: Exercise
    how: How
    notebook: Notebook | None = None

    @property
    def passes(self) -> bool:
        return self.how in (How.PASSES, How.NOT_SAVED)


@dataclass(frozen=True)
class Progress:
    """Some exercises, such as a stage or the core path, and what of them is done."""

    standings: tuple[Standing, ...]

    @property
    def total(self) -> int:
        return len(self.standings)

    @property
    def passed(self) -> int:
        return sum(standing.passes for standing in self.standings)

    @property
    def points(self) -> tuple[int, int]:
        """Those of the exercises that pass, and of all."""
        worth = [(standing.exercise.points, standing.passes) for standing in self.standings]
        return sum(points for points, passes in worth if passes), sum(points for points, _ in worth)

    @property
    def minutes_left(self) -> int:
        return sum(standing.exercise.minutes for standing in self.standings if not standing.passes)

    @property
    def core(self) -> "Progress":
        return Progress(tuple(standing for standing in self.standings if standing.exercise.core))

    @property
    def stages(self) -> "dict[str, Progress]":
        names = dict.fromkeys(standing.exercise.stage for standing in self.standings)
        return {name: self.of_stage(name) for name in names}

    def of_stage(self, stage: str) -> "Progress":
        return Progress(tuple(s for s in self.standings if s.exercise.stage == stage))

    def those(self, how: How) -> tuple[Standing, ...]:
        return tuple(standing for standing in self.standings if standing.how == how)

    @property
    def next(self) -> Standing | None:
        """The first that does not pass yet, of the core path if one is left there; None when all is done."""
        left = [standing for standing in self.standings if not standing.passes]
        return next((standing for standing in left if standing.exercise.core), left[0] if left else None)

    @property
    def notebook(self) -> Notebook | None:
        """The first notebook that these are in, if there is one."""
        return next((standing.notebook for standing in self.standings if standing.notebook), None)

    @property
    def title(self) -> str:
        """Of a stage, that of its notebook: "05 · Guided backprop"; without a notebook "Stage 05"."""
        return self.notebook.title if self.notebook else f"Stage {self.standings[0].exercise.stage}"


def progress_in(folder: Path) -> Progress:
    """How all exercises of the lab stand for the notebooks in a folder."""
    said, notebooks = recall(folder), read_notebooks(folder)
    known = [exercise for stage in stages() for exercise in exercises(stage)]
    return Progress(tuple(_standing(exercise, said, notebooks) for exercise in known))


def _standing(exercise: Exercise, said: Iterable[Said], notebooks: Iterable[Notebook]) -> Standing:
    own = [one for one in said if (one.exercise, one.title) == (exercise.id, exercise.title)]
    holding = [notebook for notebook in notebooks if exercise.id in notebook.exercises]
    return Standing(exercise, how_it_stands(own, holding), holding[0] if holding else None)


def how_it_stands(said: list[Said], notebooks: list[Notebook]) -> How:
    """What an exercise's checks have said, the latest last, held against the notebooks that it is in.

    The latest word on the text that is saved there counts. Where the latest check is younger than what is saved and
    has seen another text, it has seen work that is not saved yet, and counts. Without a text to compare it counts too.
    """
    if not said:
        return How.OPEN
    last, saved = said[-1], {text for notebook in notebooks for text in notebook.texts}
    if not last.text or not notebooks:
        return How.PASSES if last.passed else How.OPEN
    if last.text not in saved and last.time > max(notebook.saved for notebook in notebooks):
        return How.NOT_SAVED if last.passed else How.OPEN
    latest = {one.text: one.passed for one in said}
    words = [latest[text] for text in saved & latest.keys()]
    if any(words):
        return How.PASSES
    return How.CHANGED if not words and any(latest.values()) else How.OPEN


def name(standing: Standing) -> str:
    """An exercise as one speaks of it: "05.2 From a gradient to a saliency map"."""
    return f"{standing.exercise.id} {standing.exercise.title}"


def told(part: Progress) -> str:
    """What is done of a part, in words: "2 of 5 exercises pass, about 35 min left"."""
    left = f", about {duration(part.minutes_left)} left" if part.passed < part.total else ""
    return f"{part.passed} of {part.total} exercises pass{left}"


def duration(minutes: int) -> str:
    """Minutes as one reads them: "45 min", "2 h 5 min", "3 h"."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{rest} min"] * (rest > 0)
    return " ".join(parts) or "0 min"
