"""Grading one of them: run as a class's submissions are, and judged as far as its states."""

import tempfile
from itertools import chain, repeat
from pathlib import Path

import nbformat

from labkit.checks.answer import Answer, State
from labkit.checks.finding import judge_case
from labkit.checks.storing import load
from labkit.errors import LabError
from labkit.exercises import exercises
from labkit.grading.collecting import read_notebook
from labkit.grading.executing import Executed, Limits, execute
from labkit.grading.unit import _unanswered
from submissions.base import handout

LIMITS = Limits(cell_timeout_s=10, timeout_s=400, memory_mb=2048, processes=96)
SEED = 5


def graded(submission, view, limits=LIMITS):
    """States by exercise id, and what came of running it; nothing came of what is no notebook."""
    built = submission.build()
    content = built if isinstance(built, bytes) else nbformat.writes(built).encode()
    try:
        notebook = read_notebook(content)
    except LabError:
        return {exercise.id: "unreadable" for exercise in exercises("01")}, Executed()
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder, "answers")
        executed = execute(handout(), notebook, answers, seed=SEED, limits=limits, view=view)
        return {e.id: str(_state(e, answers, executed)) for e in exercises("01")}, executed


def _state(exercise, folder, executed):
    """As `judge` says, without asking why."""
    file = folder / f"{exercise.slug}.safetensors"
    if not file.exists():
        return _unanswered(exercise.id, executed).state
    try:
        answers = load(file)
    except LabError:
        return State.CRASHED
    if any(answer.state == State.NOT_ATTEMPTED for answer in answers):
        return State.NOT_ATTEMPTED
    lacking = repeat(Answer(state=State.CRASHED, message="no answer came"))
    cases = exercise.draw_cases(SEED)
    findings = (
        judge_case(exercise, case, a)
        for case, a in zip(cases.values(), chain(answers, lacking), strict=False)
    )
    return next((found.state for found in findings if not found.passed), State.PASSED)
