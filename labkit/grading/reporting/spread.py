"""How a class's points are spread: in words, and as a drawing that says the same to who cannot see it."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from labkit.checks.answer import State
from labkit.grading.records import Row
from labkit.grading.reporting.classes import is_absent
from labkit.grading.reporting.looks import number

BINS = 10
_WIDTH, _LINE, _LABEL = 360, 24, 80


@dataclass(frozen=True)
class Spread:
    """passed: per cent of all exercises of those who handed in"""

    median: float
    of: float
    passed: int
    sentence: str


def spread(rows: Sequence[Row]) -> Spread:
    """What there is to say of those who handed something in."""
    present = [row for row in rows if not is_absent(row)]
    of = max((row.of for row in rows), default=0.0)
    if not present:
        return Spread(0.0, of, 0, "Nobody has handed anything in.")
    points = sorted(row.points for row in present)
    states = [mark.outcome.state for row in present for mark in row.marks]
    low, middle, high = _quartiles(points)
    sentence = (
        f"{len(points)} students who handed something in, of {len(rows)}: the lowest has {number(points[0])} points, "
        f"the highest {number(points[-1])}, of {number(of)}. Half of them lie between {number(low)} and "
        f"{number(high)}; the median is {number(middle)}."
    )
    passed = round(100 * states.count(State.PASSED) / len(states)) if states else 0
    return Spread(middle, of, passed, sentence)


def _quartiles(points: Sequence[float]) -> tuple[float, float, float]:
    if len(points) == 1:
        return points[0], points[0], points[0]
    low, middle, high = statistics.quantiles(points, n=4, method="inclusive")
    return low, middle, high


def histogram(rows: Sequence[Row]) -> list[int]:
    """How many of those who handed in have 0 to under 10 % of their points, and so on; all of them count with 90 %."""
    counts = [0] * BINS
    for row in rows:
        if not is_absent(row):
            share = row.points / row.of if row.of else 0.0
            counts[min(max(int(share * BINS + 1e-9), 0), BINS - 1)] += 1
    return counts


def chart(rows: Sequence[Row]) -> Markup:
    """The histogram as SVG, with lying bars, so that it can be read on a telephone."""
    counts = histogram(rows)
    told = "; ".join(f"{_range(k)}: {count}" for k, count in enumerate(counts))
    lines = "".join(_bar(k, count, max(*counts, 1)) for k, count in enumerate(counts))
    return Markup(
        f'<svg viewBox="0 0 {_WIDTH} {_LINE * BINS}" width="{_WIDTH}" height="{_LINE * BINS}" role="img" '
        f'aria-labelledby="spread-title spread-told"><title id="spread-title">Students by their share of the points'
        f'</title><desc id="spread-told">{escape(told)}</desc>{lines}</svg>'
    )


def _bar(k: int, count: int, longest: int) -> str:
    length, middle = round((_WIDTH - _LABEL - 40) * count / longest, 1), k * _LINE + _LINE * 0.7
    return (
        f'<text x="{_LABEL - 8}" y="{middle:g}" text-anchor="end">{_range(k)}</text>'
        f'<rect class="bar" x="{_LABEL}" y="{k * _LINE + 3}" width="{length:g}" height="{_LINE - 6}"/>'
        f'<text x="{_LABEL + length + 6:g}" y="{middle:g}">{count}</text>'
    )


def _range(k: int) -> str:
    return f"{k * 100 // BINS}–{(k + 1) * 100 // BINS} %"
