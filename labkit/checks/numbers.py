"""Symptoms of single numbers: one alone looks like anything, but all cases together show what it is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from labkit.checks.answer import Answer
from labkit.checks.exercise import Cases, Evidence, Exercise
from labkit.checks.expect import compared
from labkit.checks.parts import parts

_ENOUGH = 3  # cases, for a rule to be one
_TWO = 2  # of them where it is wrong


@dataclass(frozen=True)
class _Row:
    """What one case has to do with numbers: results by name as they came and as expected, and the inputs."""

    got: dict[str, float]
    expected: dict[str, float]
    inputs: dict[str, float]


def number_symptom(exercise: Exercise, cases: Cases, given: dict[str, Answer], first: str) -> str | None:
    """What holds of a wrong number in all cases, in a sentence; empty where nothing simple does.

    first:   the name of the first case that failed
    Returns: None where there are too few cases for a rule
    """
    rows = {name: _row(exercise, case, given[name]) for name, case in cases.items()}
    names = [name for name, number in rows[first].got.items() if _other(number, rows[first].expected[name])]
    wrong = names[0] if names else ""
    known = [row for row in rows.values() if wrong in row.got]
    if len(known) < _ENOUGH or not _vary([row.expected[wrong] for row in known]):
        return None
    return next(filter(None, (look(wrong, known) for look in _LOOKS)), "")


def _row(exercise: Exercise, case: Any, answer: Answer) -> _Row:
    seen = compared(exercise.judge, case, answer.tensors) if answer.state is None else {}
    single = {name: (pair.got, pair.expected) for name, pair in seen.items() if is_number(pair)}
    got = {name: float(got) for name, (got, _) in single.items()}
    expected = {name: float(right) for name, (_, right) in single.items() if isinstance(right, Tensor)}
    return _Row(got, expected, dict(_numbers("", case)))


def is_number(pair: Evidence) -> bool:
    """Whether one number came where one is expected."""
    return pair.got.numel() == 1 and isinstance(pair.expected, Tensor) and pair.expected.numel() == 1


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """(what it is called, its value) of each number in a case: row, field[0]."""
    if isinstance(value, int | float) and not isinstance(value, bool) and name:
        yield name, float(value)
    for inner, part in parts(value):
        yield from _numbers(f"{name}[{inner}]" if inner.isdigit() else inner, part)


def _other(a: float, b: float) -> bool:
    return not abs(a - b) <= 1e-4 + 1e-4 * abs(b)


def _vary(numbers: list[float]) -> bool:
    return any(_other(number, numbers[0]) for number in numbers)


def _wrong(name: str, rows: list[_Row]) -> list[_Row]:
    return [row for row in rows if _other(row.got[name], row.expected[name])]


def _where(name: str, rows: list[_Row]) -> str:
    return "in every case" if len(_wrong(name, rows)) == len(rows) else "wherever it is wrong"


def _exchanged(name: str, rows: list[_Row]) -> str:
    for other in rows[0].expected:
        alike = (other in row.expected and not _other(row.got[name], row.expected[other]) for row in rows)
        if other != name and all(alike):
            return f"your {name} is what is expected of {other}, in every case: are two exchanged?"
    return ""


def _always(name: str, rows: list[_Row]) -> str:
    if _vary([row.got[name] for row in rows]):
        return ""
    return f"your {name} is {rows[0].got[name]:.4g} in every case, where those expected differ."


def _moved(name: str, rows: list[_Row]) -> str:
    apart = [row.got[name] - row.expected[name] for row in _wrong(name, rows)]
    if len(apart) < _TWO or _vary(apart):
        return ""
    size = "large" if apart[0] > 0 else "small"
    return f"your {name} is {abs(apart[0]):.4g} too {size} {_where(name, rows)}: where does a count begin and end?"


def _times(name: str, rows: list[_Row]) -> str:
    factors = [row.got[name] / row.expected[name] for row in _wrong(name, rows) if row.expected[name]]
    if len(factors) < max(_TWO, len(_wrong(name, rows))) or _vary(factors):
        return ""
    return f"your {name} is {factors[0]:.4g} times what is expected {_where(name, rows)}."


def _input(name: str, rows: list[_Row]) -> str:
    for called in rows[0].inputs:
        there = [row.inputs.get(called) for row in rows]
        if None not in there and all(not _other(row.got[name], row.inputs[called]) for row in rows):
            return f"your {name} is in every case {called} as it came."
    return ""


def _by_an_input(name: str, rows: list[_Row]) -> str:
    for called in rows[0].inputs:
        there = [row.inputs[called] for row in rows if called in row.inputs]
        apart = [row.got[name] - row.expected[name] for row in rows]
        if len(there) < len(rows) or not _vary(there):
            continue
        for sign, size in ((1, "large"), (-1, "small")):
            if all(not _other(sign * off, number) for off, number in zip(apart, there, strict=True)):
                return f"your {name} is too {size} by {called} in every case: is it added once too often, or left out?"
    return ""


_LOOKS = (_exchanged, _always, _moved, _times, _input, _by_an_input)
