"""What slips past the judges: python benchmarks/mutants.py [STAGE …] [--jobs N] [--survivors] [--check]

Every reference answer is changed in every small way that its syntax tree allows, one change a mutant, and each
mutant is judged as a student's answer is, with three seeds. One that passes is either as right as the answer, and
stands in mutation/equivalent.toml with a reason, or a judge has to become stricter.

dead:          killed, of all but the equivalent
named:         those killed that were told a cause: a listed mistake, or what the answer looks like
of answers:    the same, of those that gave an answer rather than an exception
named wrongly: a cause that a person has marked as not the true one, in mutation/misnamed.toml
line:          with --places, those told a line in which one small change makes them right; a mutant is one small change
               itself, so this says less about students than the other columns. wrong line: not the one that was changed
either:        told a cause, a line, or both
"""

import argparse
import os
import sys
from datetime import date
from pathlib import Path
from time import perf_counter

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # a process that has looked for a GPU cannot fork

import torch
from mutation import marks, report, trial
from mutation.mutants import mutants
from mutation.processes import outcomes

from labkit.authoring.reference import Reference, references
from labkit.errors import LabError
from labkit.exercises import exercises, find, stages

DEAD = 0.98  # at least so many of the mutants that are not equivalent
NAMED = 65  # percent: at least so many of those killed are told a cause
WRONG = 0.02  # at most so many of the causes told are not the true ones


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "stages", nargs="*", metavar="STAGE", help="such as 05; an exercise such as 05.2 also does"
    )
    today = date.today().timetuple().tm_yday
    parser.add_argument(
        "--turn", nargs="?", type=int, const=today, help="a third of the stages, by a number or today"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="mutants tried at a time")
    parser.add_argument(
        "--limit", type=float, default=5.0, help="seconds of computing a mutant, 5 if not said"
    )
    parser.add_argument(
        "--places", action="store_true", help="ask for the line to look at, up to half a second each"
    )
    parser.add_argument(
        "--survivors", action="store_true", help="print survivors as entries of equivalent.toml"
    )
    parser.add_argument("--tell", type=Path, help="write what was said to each killed mutant, as JSON lines")
    parser.add_argument(
        "--check",
        action="store_true",
        help=f"status 1 if under {100 * DEAD:.0f} in 100 die, over {100 * WRONG:.0f} are misnamed, or marks are stale",
    )
    parser.add_argument(
        "--named", type=float, default=NAMED, help=f"with --check: the least share named, {NAMED} if not said"
    )
    return parser.parse_args()


def chosen(asked: list[str], turn: int | None) -> list[Reference]:
    """The reference answers of the stages and exercises asked for; of all, or of one third in turn, if none is.

    Raises: LabError for a stage or an exercise that there is not
    """
    folder = Path(__file__).parent.parent / "solutions"
    wanted = asked or list(stages() if turn is None else stages()[turn % 3 :: 3])
    for name in wanted:
        _ = exercises(name) if name.isdigit() else find(name)  # says so if there is none
    found = []
    for stage in sorted({name.partition(".")[0] for name in wanted}):
        (source,) = folder.glob(f"{stage}_*.py")
        found += [r for r in references(source).values() if {stage, r.exercise_id} & set(wanted)]
    return found


def run(reference: Reference, setting: argparse.Namespace) -> list[trial.Outcome]:
    """Make and try all mutants of one reference answer."""
    exercise = find(reference.exercise_id)
    made = mutants(exercise.id, reference.code, trial.examples(exercise, reference))
    how = {"jobs": setting.jobs, "limit_s": setting.limit, "places": setting.places}
    found = outcomes(exercise, reference, made, **how)
    order = {mutant.key: place for place, mutant in enumerate(made)}
    return sorted(found, key=lambda outcome: order[outcome.mutant.key])


def print_table(asked: list[Reference], setting: argparse.Namespace) -> report.Count:
    """Run stage by stage, a row each; returns the count of all."""
    equivalent, misnamed = marks.read(marks.EQUIVALENT), marks.read(marks.MISNAMED)
    total = report.Count(equivalent, misnamed)
    print(report.HEADING, flush=True)
    for stage in dict.fromkeys(r.exercise_id.partition(".")[0] for r in asked):
        count = report.Count(equivalent, misnamed)
        for reference in asked:
            if reference.exercise_id.startswith(f"{stage}."):
                count.outcomes += run(reference, setting)
        total.outcomes += count.outcomes
        print(count.row(stage), flush=True)
    print(total.row("all"))
    return total


def main() -> int:
    setting = options()
    torch.set_num_threads(1)  # before anything is computed: a fork of two threads hangs
    start = perf_counter()
    asked = chosen(setting.stages, setting.turn)
    total = print_table(asked, setting)
    seconds = perf_counter() - start
    print(
        f"\n{seconds:.0f} s, {len(total.outcomes) / seconds:.0f} mutants a second, {setting.jobs} at a time"
    )
    for outcome in total.survivors:
        print("\n" + (marks.entry(outcome.mutant) if setting.survivors else report.as_diff(outcome.mutant)))
    ids = [r.exercise_id for r in asked]
    survive_no_more = report.stale(total.equivalent, total.outcomes, ids)
    for mark in survive_no_more:
        print(f"\nno survivor any more, take it off {marks.EQUIVALENT.name}: {mark.title}")
    told_no_more = report.stale_names(total.misnamed, total.outcomes, ids)
    for mark in told_no_more:
        print(f"\nnot told any more, take it off {marks.MISNAMED.name}: {mark.title}: {mark.named}")
    if setting.tell:
        report.tell(total.outcomes, setting.tell)
    few = total.dead_share < DEAD or 100 * total.named_share < setting.named or total.wrong_share > WRONG
    return int(setting.check and (few or bool(survive_no_more or told_no_more)))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
