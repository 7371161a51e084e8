"""Judging a run's stored answers again with today's judges, without running anything of the students'."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.exercises import find
from labkit.grading.digests import case_digest
from labkit.grading.judging import judge_answers
from labkit.grading.records import Outcome, Result, Student
from labkit.grading.runs import Run, begin
from labkit.grading.unit import Graded


@dataclass(frozen=True)
class Change:
    """An outcome that is another one now."""

    student: Student
    before: Outcome
    after: Outcome


def regrade(old: Run, scores: Path) -> tuple[Run, list[Result], list[Change]]:
    """A new run with the old one's answers and today's verdicts; the old one stays as it is.

    An exercise whose inputs are drawn otherwise today keeps its old verdict, with a flag: its answers are to other
    questions.

    Returns: the new run, its results, and what changed for whom
    """
    new = begin(scores, {**old.facts, "regrade_of": old.folder.name})
    try:
        results, changes = _all_judged_again(old, new)
    except BaseException:
        shutil.rmtree(new.folder, ignore_errors=True)  # half of it is no use to anybody
        raise
    new.finish()
    return new, results, changes


def _all_judged_again(old: Run, new: Run) -> tuple[list[Result], list[Change]]:
    results, changes = [], []
    for student in class_list(old):
        for stage in sorted({find(exercise_id).stage for exercise_id in old.facts["exercises"]}):
            if (before := old.result(student, stage)) is not None:
                after = _judged_again(before, old, student)
                files = old.answers(student, stage).glob("*.safetensors")
                new.keep(student, Graded(after, {file.name: file.read_bytes() for file in files}))
                results.append(after)
                pairs = zip(before.outcomes, after.outcomes, strict=True)
                changes += [Change(student, *pair) for pair in pairs if _differ(*pair)]
    return results, changes


def class_list(run: Run) -> list[Student]:
    """The students that a run knows, those who handed in nothing included."""
    told = [Student(**one | {"ids": tuple(map(tuple, one["ids"]))}) for one in run.facts["class_list"]]
    chosen = run.facts["students"]
    return [student for student in told if not chosen or student.key in chosen]


def _judged_again(before: Result, old: Run, student: Student) -> Result:
    folder = old.answers(student, before.stage)
    answered = [o.exercise for o in before.outcomes if (folder / find(o.exercise).answer_file).is_file()]
    asked = old.facts.get("cases", {})
    moved = {found for found in answered if asked.get(found) != case_digest(find(found), old.seed)}
    judged = judge_answers(folder, [found for found in answered if found not in moved], seed=old.seed)
    return replace(before, outcomes=tuple(_outcome(o, judged, o.exercise in moved) for o in before.outcomes))


def _outcome(before: Outcome, judged: dict[str, Outcome], moved: bool) -> Outcome:
    """Today's verdict with what the student's text is known for; the old one where nothing was judged."""
    if moved:
        return replace(
            before, flags=(*before.flags, f"{before.exercise} asks other things today: grade it anew")
        )
    if before.exercise not in judged:
        return before
    now = judged[before.exercise]
    return replace(before, state=now.state, message=now.message, mistake=now.mistake, lesson=now.lesson)


def _differ(before: Outcome, after: Outcome) -> bool:
    return (before.state, before.mistake) != (after.state, after.mistake)
