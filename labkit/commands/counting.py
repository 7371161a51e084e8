"""How a run goes on, on the terminal: a bar with states and the time that is left, or lines where there is no bar."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from labkit.commands.common import console
from labkit.grading.records import Result


@contextmanager
def counting(total: int) -> Iterator[Callable[[Result], None]]:
    """Give what is to be told each result."""
    states: Counter[str] = Counter()
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=total)

        def done(result: Result) -> None:
            states.update(str(outcome.state) for outcome in result.outcomes)
            told = " · ".join(f"{count} {state}" for state, count in states.most_common())
            bar.update(task, advance=1, description=told)
            if not console.is_terminal:
                passed = sum(outcome.state == "passed" for outcome in result.outcomes)
                line = (
                    f"{result.student} · {result.stage}: {passed} of {len(result.outcomes)} exercises passed"
                )
                console.print(line, highlight=False, markup=False, soft_wrap=True)

        yield done
