"""Grading a class, against others on the same notebooks: python benchmarks/grading.py 05 --nbgrader PATH --otter PATH

A class of right solutions is graded in turn by `labkit grade` with one job and with two, warm and cold, and by others;
all of it --rounds times, interleaved. Others, which need many minutes for twenty, grade another part of the class in
each round, and all of it once; their cost is the same for each submission. Told are medians: seconds a submission, and
others' time over ours, with the middle half of the rounds. With --growth classes of 10, 100 and 1000 copies are graded
instead, and the time and memory of each is told. Both are written into benchmarks/RESULTS.md.

PATH: their command. Otter runs tests inside its own Python, which has to have the lab too.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import others
import psutil
import torch
from timing import machine, ratio, table, write_section

ROOT = Path(__file__).resolve().parents[1]
GRADE = (sys.executable, "-m", "labkit.cli", "grade", "class", "--released", "handout", "--out")


def main() -> None:
    asked = options()
    torch.set_num_threads(1)  # as all processes have that are measured here; told with the machine
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        if asked.growth:
            growth(root, asked.stage, asked.sizes)
        else:
            compare(root, asked)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("stage", help="such as 05")
    parser.add_argument("--students", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    for other in others.WAYS:
        parser.add_argument(f"--{other}", type=Path, help="its command; left out if not said")
    parser.add_argument("--growth", action="store_true", help="10, 100 and 1000 copies")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000], help="of --growth")
    parser.add_argument("--no-cold", action="store_true", help="leave out the cold way, which takes longest")
    return parser.parse_args()


def compare(root: Path, asked: argparse.Namespace) -> None:
    fill(root, asked.stage, asked.students)
    ways = {
        "ours, one job": lambda _: ours(root, asked.students, 1),
        "ours, two jobs": lambda _: ours(root, asked.students, 2),
    }
    if not asked.no_cold:
        ways["ours, one job, cold"] = lambda _: ours(root, asked.students, 1, LABKIT_COLD="1")
    for other, way in others.WAYS.items():
        if command := getattr(asked, other):
            ways[other] = way(root, command, asked.stage, shares(asked))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(asked.rounds):
        for name, way in ways.items():
            seconds[name].append(way(round_))
            print(f"  {name}: {seconds[name][-1]:.2f} s a submission", flush=True)
    report(asked, seconds)


def report(asked: argparse.Namespace, seconds: dict[str, list[float]]) -> None:
    """Print the table of seconds a submission, and write it into RESULTS.md."""
    theirs = [other for other in others.WAYS if other in seconds]
    rows = [
        [
            name,
            f"{median(measured):.2f}",
            *("" if name in theirs else str(ratio(seconds[o], measured)) for o in theirs),
        ]
        for name, measured in seconds.items()
    ]
    lines = table(["", "s a submission", *(f"{other}'s time / this" for other in theirs)], rows)
    print(lines)
    rounds = f"medians of {asked.rounds} rounds in turn" if asked.rounds > 1 else "one round"
    facts = f"{asked.students} right submissions, sandbox on, wall time; {rounds}."
    if theirs:
        facts += f" Others grade {max(shares(asked))} of them in a round, in each round another part."
    write_section(f"Grading stage {asked.stage}", f"{machine()} {facts}\n\n{lines}")


def shares(asked: argparse.Namespace) -> list[int]:
    """How many of the students others grade in each round."""
    least, more = divmod(asked.students, asked.rounds)
    return [least + (number < more) for number in range(asked.rounds)]


def fill(root: Path, stage: str, students: int) -> None:
    """A class of copies of the solution, and what was handed out."""
    (root / "handout").mkdir(exist_ok=True)
    (handed_out,) = (ROOT / "notebooks").glob(f"{stage}_*.ipynb")
    (root / "handout" / handed_out.name).write_bytes(handed_out.read_bytes())
    for number in range(students):
        folder = root / "class" / f"student{number:04}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / handed_out.name).write_bytes((ROOT / "solutions" / handed_out.name).read_bytes())


def ours(root: Path, students: int, jobs: int, **environment: str) -> float:
    begun = time.perf_counter()
    graded(root, jobs, environment)
    return (time.perf_counter() - begun) / students


def graded(root: Path, jobs: int, environment: dict[str, str]) -> float:
    """Grade the class into a folder of its own. Returns: the most memory, in MB, that it had at one time."""
    out = tempfile.mkdtemp(dir=root)
    with open(root / "log", "wb") as log:
        process = psutil.Popen(
            [*GRADE, out, "--jobs", str(jobs)], cwd=root, stdout=log, stderr=log,
            env=os.environ | environment | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        memory = Memory(process)
        if process.wait():
            sys.exit((root / "log").read_text())
    return memory.most


class Memory(threading.Thread):
    """The most memory of a process and its children, shared pages counted once, looked at every half second."""

    def __init__(self, process: psutil.Popen):
        super().__init__(daemon=True)
        self.process, self.most = process, 0.0
        self.start()

    def run(self) -> None:
        while self.process.is_running():
            now = 0.0
            try:
                for member in [self.process, *self.process.children(recursive=True)]:
                    now += member.memory_full_info().pss / 2**20
            except psutil.Error:
                continue
            self.most = max(self.most, now)
            time.sleep(0.5)


def growth(root: Path, stage: str, sizes: list[int]) -> None:
    """Classes of copies, each larger than the one before: the time and memory that each takes."""
    rows = []
    for students in sizes:
        fill(root, stage, students)
        begun = time.perf_counter()
        memory = graded(root, 2, {})
        rows.append([str(students), f"{(time.perf_counter() - begun) / students:.2f}", f"{memory:.0f}"])
        print("  ".join(rows[-1]), flush=True)
    lines = table(["submissions", "s a submission", "MB at most"], rows)
    facts = f"Stage {stage}, two jobs, sandbox on, wall time, once each; memory of all processes, shared pages once."
    write_section("Grading, growth", f"{machine()} {facts}\n\n{lines}")


if __name__ == "__main__":
    main()
