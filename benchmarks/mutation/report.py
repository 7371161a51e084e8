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
COLUMNS = (
    "mutants", "killed", "crashed", "equivalent", "survivors", "dead", "named", "of answers", "named wrongly",
    "line", "wrong line", "either",
)  # fmt: skip
HEADING = "  ".join(["stage", *COLUMNS])


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
        return 1 - _share(len(self.survivors), len(self.killed) + len(self.survivors))

    @property
    def named_share(self) -> float:
        return _share(len(self.named), len(self.killed))

    @property
    def wrong_share(self) -> float:
        return _share(len(self.named_wrongly), len(self.named))

    def _mark_of_name(self, outcome: Outcome) -> bool:
        mark = self.misnamed.get(outcome.mutant.key)
        return mark is not None and _still_told(mark, outcome)

    @property
    def placed(self) -> list[Outcome]:
        return [o for o in self.killed if o.place]

    @property
    def told(self) -> list[Outcome]:
        """Those that were told a cause, a line, or both."""
        return [o for o in self.killed if o.named or o.place]

    def row(self, title: str) -> str:
        """The counts below HEADING."""
        killed, crashed = len(self.killed), len(self.crashed)
        wrongly = len(self.named_wrongly)
        cells = [
            len(self.outcomes),
            killed,
            crashed,
            len(self.excused),
            len(self.survivors),
            f"{self.dead_share:.1%}",
            f"{self.named_share:.0%}",
            f"{_share(sum(o.state == State.WRONG for o in self.named), killed - crashed):.0%}",
            f"{wrongly} {self.wrong_share:.1%}",
            len(self.placed),
            sum(o.misplaced for o in self.placed),
            f"{_share(len(self.told), killed):.0%}",
        ]
        aligned = [f"{cell:>{len(column)}}" for cell, column in zip(cells, COLUMNS, strict=True)]
        return "  ".join([f"{title:5}", *aligned])


def stale(marks: Marks, outcomes: Iterable[Outcome], exercise_ids: Iterable[str]) -> list[Mark]:
    """The marks of equivalents, of these exercises, that no survivor bears any more."""
    survivors = {outcome.mutant.key for outcome in outcomes if outcome.survived}
    ids = set(exercise_ids)
    return [mark for key, mark in marks.items() if mark.exercise_id in ids and key not in survivors]


def stale_names(marks: Marks, outcomes: Iterable[Outcome], exercise_ids: Iterable[str]) -> list[Mark]:
    """The marks of wrong names, of these exercises, that are told to no mutant any more."""
    told = {o.mutant.key for o in outcomes if o.mutant.key in marks and _still_told(marks[o.mutant.key], o)}
    ids = set(exercise_ids)
    return [mark for key, mark in marks.items() if mark.exercise_id in ids and key not in told]


def _still_told(mark: Mark, outcome: Outcome) -> bool:
    """A name marked as wrong counts as long as it is still the one that is told."""
    return bool(outcome.named) and outcome.named.startswith(mark.named)


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
                    "place": outcome.place,
                    "exercise_id": outcome.mutant.exercise_id,
                    "words": outcome.mutant.words,
                }
                file.write(json.dumps(told, ensure_ascii=False) + "\n")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
