"""What a run of mutants comes to, counted a stage and in all."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from labkit.checks.answer import State
from mutation.marks import Mark
from mutation.mutants import Mutant
from mutation.trial import Outcome

Marks = dict[tuple[str, str, str, str], Mark]
HEADING = "stage   mutants   killed  crashed  equivalent  survivors    dead    named       of answers   named wrongly"


@dataclass
class Count:
    """Outcomes of one stage, or of all, beside what people have said of single mutants."""

    equivalent: Marks
    misnamed: Marks
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def killed(self) -> list[Outcome]:
        return [o for o in self.outcomes if not o.survived]

    @property
    def crashed(self) -> list[Outcome]:
        """Those that gave no answer: an exception, an endless loop, all memory."""
        return [o for o in self.killed if o.state != State.WRONG]

    @property
    def excused(self) -> list[Outcome]:
        return [o for o in self.outcomes if o.survived and o.mutant.key in self.equivalent]

    @property
    def survivors(self) -> list[Outcome]:
        return [o for o in self.outcomes if o.survived and o.mutant.key not in self.equivalent]

    @property
    def named(self) -> list[Outcome]:
        return [o for o in self.killed if o.named]

    @property
    def named_wrongly(self) -> list[Outcome]:
        return [o for o in self.named if self._mark_of_name(o)]

    @property
    def dead_share(self) -> float:
        return _share(len(self.killed), len(self.killed) + len(self.survivors))

    @property
    def named_share(self) -> float:
        return _share(len(self.named), len(self.killed))

    def _mark_of_name(self, outcome: Outcome) -> bool:
        """A name marked as wrong counts as long as it is still the one that is told."""
        mark = self.misnamed.get(outcome.mutant.key)
        return mark is not None and outcome.named.startswith(mark.named)

    def row(self, title: str) -> str:
        answers = len(self.killed) - len(self.crashed)
        of_answers = _share(sum(o.state == State.WRONG for o in self.named), answers)
        return (
            f"{title:5} {len(self.outcomes):9} {len(self.killed):8} {len(self.crashed):8} {len(self.excused):11} "
            f"{len(self.survivors):10} {self.dead_share:7.1%} {len(self.named):6} {self.named_share:5.0%} "
            f"{of_answers:11.0%} {len(self.named_wrongly):9} {_share(len(self.named_wrongly), len(self.named)):5.1%}"
        )


def stale(marks: Marks, outcomes: Iterable[Outcome], exercise_ids: Iterable[str]) -> list[Mark]:
    """The marks of equivalents, of these exercises, that no survivor bears any more."""
    survivors = {outcome.mutant.key for outcome in outcomes if outcome.survived}
    ids = set(exercise_ids)
    return [mark for key, mark in marks.items() if mark.exercise_id in ids and key not in survivors]


def as_diff(mutant: Mutant) -> str:
    """A mutant's label, and its lines before and after."""
    lines = [f"    - {line}" for line in mutant.before.split("\n") if line]
    lines += [f"    + {line}" for line in mutant.after.split("\n") if line]
    return "\n".join([mutant.label, *lines])


def tell(outcomes: Iterable[Outcome], path: Path) -> None:
    """Write one JSON line for each mutant that was killed, so that a person can read what was named."""
    with path.open("w", encoding="utf-8") as file:
        for outcome in outcomes:
            if not outcome.survived:
                told = {
                    "label": outcome.mutant.label,
                    "before": outcome.mutant.before,
                    "after": outcome.mutant.after,
                    "state": outcome.state,
                    "message": outcome.message.partition("\n")[0],
                    "named": outcome.named,
                    "exercise_id": outcome.mutant.exercise_id,
                    "words": outcome.mutant.words,
                }
                file.write(json.dumps(told, ensure_ascii=False) + "\n")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
