"""Measuring side by side: ways to do the same, in turn, and what came of it as a section of RESULTS.md.

Times are seconds of the processor, of all threads together, which neighbours on the machine disturb least. A ratio is
taken in each round, between ways that ran within seconds of each other; told are the median of all rounds and the
middle half of them.
"""

import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import torch

RESULTS = Path(__file__).with_name("RESULTS.md")


class Ratio(NamedTuple):
    """The median of some rounds' ratios, and the quarters between which half of them lie."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f}–{self.high:.2f})"


def in_turn(ways: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, list[float]]:
    """Processor seconds of each way in each round, after one that does not count."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            began = time.process_time()
            way()
            if number:
                found[name].append(time.process_time() - began)
    return found


def ratio(times: list[float], others: list[float], *, parts: float = 1) -> Ratio:
    """How many times as long one way takes as another, which does `parts` times less."""
    ratios = [a / (b * parts) for a, b in zip(times, others, strict=True)]
    low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return Ratio(median(ratios), low, high)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown, readable as it is."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        f"| {' | '.join(cell.ljust(n) for cell, n in zip(line, widths, strict=True))} |" for line in lines
    )


def machine() -> str:
    """Where this is measured, in a sentence."""
    threads = torch.get_num_threads()
    return (
        f"{processor()}, {os.cpu_count()} cores, {threads} thread{'s' * (threads != 1)} used; {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}."
    )


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def write_section(title: str, text: str) -> None:
    """Put a section into RESULTS.md, in place of the one of that title if there is one."""
    old = RESULTS.read_text() if RESULTS.is_file() else "# Measured\n"
    head, *sections = old.split("\n## ")
    kept = {section.partition("\n")[0]: section.partition("\n")[2].strip() for section in sections}
    kept[title] = text.strip()
    parts = [head.strip(), *(f"## {name}\n\n{body}" for name, body in kept.items())]
    RESULTS.write_text("\n\n".join(parts) + "\n")
