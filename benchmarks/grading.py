"""Grading a class, against nbgrader's autograde on the same notebooks: python benchmarks/grading.py 05 --nbgrader PATH

A class of right solutions is graded in turn by `labkit grade` with one job and with two, warm and cold, and by
nbgrader; all of it --rounds times, interleaved. nbgrader, which needs a quarter of an hour for twenty, grades another
part of the class in each round, and all of it once; its cost is the same for each submission. Told are medians: seconds
a submission, and nbgrader's time over ours, with the middle half of the rounds. With --growth classes of 10, 100 and
1000 copies are graded instead, and the time and memory of each is told. Both are written into benchmarks/RESULTS.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import nbformat
import psutil
from timing import machine, ratio, table, write_section

ROOT = Path(__file__).resolve().parents[1]
GRADE = (sys.executable, "-m", "labkit.cli", "grade", "class", "--released", "handout", "--out")


def main() -> None:
    asked = options()
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
    parser.add_argument("--nbgrader", type=Path, help="its command; left out if not said")
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
    if asked.nbgrader:
        ways["nbgrader"] = nbgrader(root, asked)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(asked.rounds):
        for name, way in ways.items():
            seconds[name].append(way(round_))
            print(f"  {name}: {seconds[name][-1]:.2f} s a submission", flush=True)
    report(asked, seconds)


def report(asked: argparse.Namespace, seconds: dict[str, list[float]]) -> None:
    """Print the table of seconds a submission, and write it into RESULTS.md."""
    theirs = seconds.get("nbgrader")
    rows = []
    for name, measured in seconds.items():
        times = str(ratio(theirs, measured)) if theirs and name != "nbgrader" else ""
        rows.append([name, f"{median(measured):.2f}", times])
    lines = table(["", "s a submission", "nbgrader's time / this"], rows)
    print(lines)
    rounds = f"medians of {asked.rounds} rounds in turn" if asked.rounds > 1 else "one round"
    facts = f"{asked.students} right submissions, sandbox on, wall time; {rounds}."
    if theirs:
        facts += f" nbgrader grades {parts(asked)[0]} of them in a round, others in each."
    write_section(f"Grading stage {asked.stage}", f"{machine()} {facts}\n\n{lines}")


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


def nbgrader(root: Path, asked: argparse.Namespace):
    """How long its autograde takes for the same notebooks, which are given to it as its own release would be."""
    subprocess.run(
        [sys.executable, "-m", "labkit.cli", "release", "fall", "--nbgrader"], cwd=root, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    course = root / "fall-nbgrader"
    environment = os.environ | kernel(root) | {"OMP_NUM_THREADS": "1"}
    environment["PATH"] = f"{asked.nbgrader.parent}{os.pathsep}{environment['PATH']}"

    def run(*arguments: str) -> None:
        subprocess.run(
            [asked.nbgrader, *arguments], cwd=course, env=environment, check=True, capture_output=True
        )

    (handed_out,) = (course / "source").glob(f"{asked.stage}_*")
    run("generate_assignment", handed_out.name)
    for part, students in enumerate(parts(asked)):
        for number in range(students):
            folder = course / "submitted" / f"part{part}-student{number:04}" / handed_out.name
            folder.mkdir(parents=True)
            nbformat.write(as_theirs(course, handed_out.name), folder / f"{handed_out.name}.ipynb")

    def timed(part: int) -> float:
        begun = time.perf_counter()
        run("autograde", handed_out.name, f"--student=part{part}-*")
        return (time.perf_counter() - begun) / parts(asked)[part]

    return timed


def parts(asked: argparse.Namespace) -> list[int]:
    """How many of the students nbgrader grades in each round."""
    least, more = divmod(asked.students, asked.rounds)
    return [least + (part < more) for part in range(asked.rounds)]


def as_theirs(course: Path, name: str) -> nbformat.NotebookNode:
    """Their release with the solution's tasks in it."""
    notebook = nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)
    solution = nbformat.read(ROOT / "solutions" / f"{name}.ipynb", as_version=4)
    tasks = {cell.id: cell.source for cell in solution.cells if cell.id.endswith("-task")}
    for cell in notebook.cells:
        cell.source = tasks.get(cell.id, cell.source)
    return notebook


def kernel(root: Path) -> dict[str, str]:
    """The environment in which the kernel "python3" is this Python, which has the lab."""
    place = root / "jupyter" / "kernels" / "python3"
    place.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "language": "python", "display_name": "Python 3"}
    (place / "kernel.json").write_text(json.dumps(spec))
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_PATH")
    return dict.fromkeys(names, str(root / "jupyter"))


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
