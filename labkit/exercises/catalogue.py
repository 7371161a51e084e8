"""All exercises, by stage and by id."""

import re

from labkit.checks.exercise import Exercise
from labkit.errors import LabError, nearest
from labkit.exercises import (
    stage_00,
    stage_01,
    stage_02,
    stage_03,
    stage_04,
    stage_05,
    stage_06,
    stage_07,
    stage_08,
    stage_09,
)

_STAGES: dict[str, tuple[Exercise, ...]] = {
    "00": stage_00.EXERCISES,
    "01": stage_01.EXERCISES,
    "02": stage_02.EXERCISES,
    "03": stage_03.EXERCISES,
    "04": stage_04.EXERCISES,
    "05": stage_05.EXERCISES,
    "06": stage_06.EXERCISES,
    "07": stage_07.EXERCISES,
    "08": stage_08.EXERCISES,
    "09": stage_09.EXERCISES,
}


def stages() -> tuple[str, ...]:
    """The stages that have exercises: ("00", "01", …)."""
    return tuple(_STAGES)


def exercises(stage: str) -> tuple[Exercise, ...]:
    """The exercises of one stage, in order.

    Raises: LabError for a stage without exercises
    """
    if stage not in _STAGES:
        raise LabError(f"no stage {stage!r}; there are {', '.join(_STAGES)}")
    return _STAGES[stage]


def find(exercise_id: str) -> Exercise:
    """The exercise of that id, such as "01.2".

    Raises: LabError that offers ids near to it
    """
    stage = str(exercise_id).partition(".")[0]
    found = {exercise.id: exercise for exercise in _STAGES.get(stage, ())}
    if exercise_id not in found:
        offers = _meant(str(exercise_id)) or list(found) or [f"{stage}.1" for stage in _STAGES]
        raise LabError(f"no exercise {exercise_id!r}; try one of {nearest(str(exercise_id), offers, most=9)}")
    return found[exercise_id]


def _meant(text: str) -> list[str]:
    """The id that somebody had in mind who wrote it with other zeros or signs: "1.1", "01-1", "Exercise 1.1"."""
    numbers = re.findall(r"\d+", text)
    known = {
        (int(one.stage), int(one.id.partition(".")[2])): one.id for row in _STAGES.values() for one in row
    }
    return [found] if len(numbers) == 2 and (found := known.get((int(numbers[0]), int(numbers[1])))) else []
