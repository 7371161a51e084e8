"""How long a check takes, right and wrong, against the budget of a second: python benchmarks/checks.py

The wrong answer is the dear one, since it is compared with every listed mistake, the first time: what the mistakes
answer is kept for the next check of that exercise. Each figure is the median of five first times in this process, on
as many threads as torch takes.
"""

from statistics import median
from time import perf_counter

import torch

from labkit.checks.answering import produce
from labkit.checks.exercise import PUBLIC_SEED
from labkit.checks.judging import judge
from labkit.checks.mistaken import mistaken
from labkit.exercises import exercises, stages

RUNS = 5


def seconds(exercise, function) -> float:
    times = []
    for _ in range(RUNS):
        mistaken.cache_clear()
        start = perf_counter()
        judge(exercise, produce(exercise, function, exercise.draw_cases(PUBLIC_SEED)), PUBLIC_SEED)
        times.append(perf_counter() - start)
    return median(times)


def main() -> None:
    print(f"{torch.get_num_threads()} threads; milliseconds, and a share of the budget of 1 s\n")
    print("exercise   no match   listed mistake   worst share")
    for stage in stages():
        for exercise in exercises(stage):
            unmatched = seconds(exercise, lambda *_args, **_options: torch.zeros(1))
            listed = max(seconds(exercise, mistake.wrong) for mistake in exercise.mistakes)
            print(
                f"{exercise.id:8} {unmatched * 1e3:9.0f} {listed * 1e3:16.0f} {max(unmatched, listed):13.0%}"
            )


if __name__ == "__main__":
    main()
