"""What notebooks call: `check` writes answers down for later, the others are quiet.

Each exercise runs in a fork of the kernel, so that an endless loop, an os._exit or a memory hog costs this exercise
and not the next.
"""

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from labkit.errors import LabError
from labkit.exercises.catalogue import exercises, find
from labkit.exercises.forks import adopt_orphans, answer_in_fork  # type: ignore[import-not-found]


@dataclass(frozen=True)
class Settings:
    """Where answers go and what they may cost.

    checks: exercise id -> the text of its check cell, which alone counts
    """

    folder: Path
    seed: int
    timeout_s: float
    checks: dict[str, str]


def _read_settings() -> Settings | None:
    with suppress(KeyError, OSError, ValueError, TypeError):
        fields = json.loads(Path(os.environ["IPYTHONDIR"], "settings.json").read_text(encoding="utf-8"))
        return Settings(**fields | {"folder": Path(fields["folder"])})
    return None


_SETTINGS: Settings | None = None
_drawn: set[str] = set()
_now: list[str] = []  # the exercise whose check cell is running


def check(exercise_id: str, function: Callable[..., Any]) -> None:
    """Try a function on an exercise's cases.

    Raises: LabError for an unknown exercise, or a result where the function itself is wanted
    """
    exercise = find(exercise_id)
    if not callable(function):
        raise LabError(
            f"check({exercise_id!r}, …) expects your function, got {type(function).__name__}; "
            "pass its name without brackets"
        )
    if _SETTINGS is not None and exercise_id in _now:
        answer_in_fork(
            exercise, function, _SETTINGS.folder, seed=_SETTINGS.seed, timeout_s=_SETTINGS.timeout_s
        )


def begin() -> None:
    """Called once, before the first cell: from now on check cells have the right `check`, whatever came before."""
    from IPython import get_ipython

    global _SETTINGS
    _SETTINGS = _read_settings()
    shell, pristine = get_ipython(), check
    if shell is None or _SETTINGS is None:
        return
    adopt_orphans()
    draw_once(_SETTINGS.checks)
    ids = {text.strip(): exercise_id for exercise_id, text in _SETTINGS.checks.items()}

    def before(info: Any) -> None:
        if found := ids.get(info.raw_cell.strip()):
            _now.append(found)
            shell.user_ns["check"] = pristine

    shell.events.register("pre_run_cell", before)
    shell.events.register("post_run_cell", lambda _result: _now.clear())


def draw_once(exercise_ids: Iterable[str]) -> None:
    """Draw their cases: what that imports is there before the first fork, and not once in each."""
    for exercise_id in exercise_ids:
        if exercise_id not in _drawn:
            find(exercise_id).draw_cases(0)
            _drawn.add(exercise_id)


def hint(exercise_id: str, number: int = 1) -> None:
    """Nothing to see here."""
    find(exercise_id)


def progress(stage: str) -> None:
    """Nothing to see here."""
    exercises(stage)


def mine(module: ModuleType) -> Any:
    """A module of the lab, as it is.

    Raises: LabError for what is no module
    """
    if not isinstance(module, ModuleType):
        raise LabError(f"expected a module of the lab, got {type(module).__name__}; try mine(filters)")
    return module
