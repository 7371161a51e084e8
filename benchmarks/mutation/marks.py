"""What people have said of single mutants: which are as right as the answer, which were named wrongly."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from mutation.mutants import Mutant

HERE = Path(__file__).parent
EQUIVALENT, MISNAMED = HERE / "equivalent.toml", HERE / "misnamed.toml"


@dataclass(frozen=True)
class Mark:
    """One mutant, by what stays the same when lines move, and what is said of it."""

    exercise_id: str
    words: str
    before: str = ""
    after: str = ""
    reason: str = ""
    named: str = ""  # of a name that is wrong: how it begins

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.exercise_id, self.words, self.before, self.after

    @property
    def title(self) -> str:
        return f"{self.exercise_id}: {self.words} ({self.before.strip()})"


def read(path: Path) -> dict[tuple[str, str, str, str], Mark]:
    """The marks of a file, by the key of their mutant.

    Raises: ValueError if a part is missing, empty where it must not be, or a mutant is named twice
    """
    marks = [Mark(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", [])]
    found = {mark.key: mark for mark in marks}
    if len(found) < len(marks):
        raise ValueError(f"{path.name} names a mutant twice")
    for mark in marks:
        if not mark.reason.strip():
            raise ValueError(f"{path.name}: expected a reason at {mark.title}")
    return found


def entry(mutant: Mutant, reason: str = "") -> str:
    """A mutant as the files hold it, to be pasted there."""
    parts = {
        "exercise_id": mutant.exercise_id,
        "words": mutant.words,
        "before": mutant.before,
        "after": mutant.after,
        "reason": reason,
    }
    written = {name: text for name, text in parts.items() if text or name == "reason"}
    lines = [f"{name} = {json.dumps(text, ensure_ascii=False)}" for name, text in written.items()]
    return "\n".join(["[[mutant]]", *lines, ""])
