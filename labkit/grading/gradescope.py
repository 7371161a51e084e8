"""Grading one submission where Gradescope runs it: reads /autograder/source and /submission, writes results.json.

As https://gradescope-autograders.readthedocs.io/en/latest/specs/ says: `python -m labkit.grading.gradescope ROOT`.
"""

import json
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from labkit.checks.answer import State
from labkit.errors import LabError
from labkit.exercises import find
from labkit.files import write_whole
from labkit.grading.executing import Limits
from labkit.grading.one_submission import grade_submission, limits_here, of_one_student
from labkit.grading.records import HandedIn, Outcome, Result

Grade = Callable[[HandedIn, NotebookNode, tuple[str, ...], int, Limits], Result]


@dataclass(frozen=True)
class Autograder:
    """What an autograder.zip holds: its release.json, and the notebooks as they were handed out.

    stages:     id -> title, notebook, points by exercise
    visibility: when students see results, in Gradescope's words: "visible", "after_due_date", …
    """

    release: str
    course: str
    stages: Mapping[str, Mapping[str, Any]]
    visibility: str
    source: Path

    @classmethod
    def read(cls, source: Path) -> "Autograder":
        """Raises: LabError if the folder is not what `labkit release --gradescope` makes"""
        try:
            told = json.loads((source / "release.json").read_text(encoding="utf-8"))
            return cls(told["release"], told["course"], told["stages"], told["visibility"], source)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LabError(f"no autograder of labkit in {source}: release.json: {error!r}") from error

    def released(self, stage: str) -> NotebookNode:
        place = self.source / "notebooks" / self.stages[stage]["notebook"]
        notebook: NotebookNode = nbformat.read(place, as_version=4)
        return notebook


def grade_root(root: Path, *, grade: Grade = grade_submission) -> dict[str, Any]:
    """Grade ROOT/submission as ROOT/source says, and write ROOT/results/results.json. What it holds is returned.

    Raises: LabError if there is no autograder; a bad submission is a result, never an error
    """
    autograder = Autograder.read(root / "source")
    who, when, late = _metadata(root / "submission_metadata.json")
    seed, limits, results = secrets.randbits(48), limits_here(len(autograder.stages)), []
    found, ignored = of_one_student(root / "submission", autograder.stages)
    nothing = "; ".join(
        ["no notebook of this stage was handed in", *(f"{Path(p).name} is {why}" for p, why in ignored)]
    )
    for stage, told in autograder.stages.items():
        one = found.get(stage, HandedIn("", stage, "", "", None, nothing))
        one = replace(one, student=who, when=when, late=late)
        results.append(grade(one, autograder.released(stage), tuple(told["points"]), seed, limits))
    written = results_json(autograder, results, seed=seed)
    write_whole(root / "results" / "results.json", json.dumps(written, indent=1))
    return written


def _metadata(path: Path) -> tuple[str, str, bool]:
    """Who handed in, when, and whether that was late, as far as Gradescope tells."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        who = ", ".join(user["email"] for user in told["users"])
        when, due = told["created_at"], told["assignment"].get("due_date")
        late = bool(due) and datetime.fromisoformat(when) > datetime.fromisoformat(due)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "", "", False
    return who, when, late


def results_json(autograder: Autograder, results: list[Result], *, seed: int) -> dict[str, Any]:
    """Gradescope's results.json: a test an exercise, with points, state, and what to tell the student."""
    tests = [
        _test(outcome, autograder.stages[result.stage]["points"][outcome.exercise], autograder.visibility)
        for result in results
        for outcome in result.outcomes
    ]
    isolation = next((result.isolation for result in results if result.isolation), "")
    about = {"release": autograder.release, "seed": seed, "isolation": isolation}
    flags = [flag for result in results for flag in result.flags]
    flags += [f"{o.exercise}: {flag}" for result in results for o in result.outcomes for flag in o.flags]
    return {
        "tests": tests,
        "output": _words(autograder, results, isolation),
        "output_format": "text",
        "visibility": autograder.visibility,
        "stdout_visibility": "hidden",
        "execution_time": round(sum(result.seconds for result in results)),
        "extra_data": {**about, "flags": flags},
    }


def _test(outcome: Outcome, points: float, visibility: str) -> dict[str, Any]:
    passed = outcome.state == State.PASSED
    return {
        "number": outcome.exercise,
        "name": find(outcome.exercise).title,
        "score": points if passed else 0,
        "max_score": points,
        "status": "passed" if passed else "failed",
        "output": _lesson(outcome),
        "output_format": "text",
        "visibility": visibility,
    }


def _lesson(outcome: Outcome) -> str:
    """What a student is told of one exercise."""
    if outcome.state == State.PASSED:
        return "passed"
    if outcome.state == State.TO_BE_LOOKED_AT:
        return (
            f"{outcome.state}: the check failed, not you. Your instructor decides about these points.\n"
            f"{outcome.message}"
        )
    lines = [f"{outcome.state}: {outcome.message}" if outcome.message else str(outcome.state)]
    lines += [f"Likely cause: {outcome.lesson}"] if outcome.lesson else []
    return "\n".join([*lines, f"In your notebook, hint({outcome.exercise!r}) helps."])


def _words(autograder: Autograder, results: list[Result], isolation: str) -> str:
    """What stands above the tests: how many passed, what was decided on the way, what kept the code apart."""
    outcomes = [outcome for result in results for outcome in result.outcomes]
    passed = sum(outcome.state == State.PASSED for outcome in outcomes)
    lines = [f"{autograder.course}: {passed} of {len(outcomes)} exercises passed."]
    if waiting := [o.exercise for o in outcomes if o.state == State.TO_BE_LOOKED_AT]:
        lines.append(f"To be looked at by your instructor: {', '.join(waiting)}. The score is not final.")
    lines += ["Handed in after the due date."] if any(result.late for result in results) else []
    lines += [f"{autograder.stages[r.stage]['title']}: {note}" for r in results for note in r.notes]
    lines += [f"Isolation: {isolation}."] if isolation else []
    return "\n".join([*lines, f"Release: {autograder.release[:12]}."])


def main(root: Path) -> int:
    """Grade, and tell the instructor's log. Where there is no results.json, Gradescope says that grading failed."""
    (root / "results" / "results.json").unlink(missing_ok=True)
    try:
        written = grade_root(root)
    except LabError as error:
        print(f"labkit: {error}", file=sys.stderr)
        return 2
    print(
        written["output"],
        f"Seed: {written['extra_data']['seed']}.",
        *written["extra_data"]["flags"],
        sep="\n",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "/autograder")))
