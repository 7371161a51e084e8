"""How others grade the notebooks of the lab, for benchmarks/grading.py: nbgrader's autograde, and otter run."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
Timed = Callable[[int], float]  # number of a share of the class -> seconds a submission


def nbgrader(root: Path, command: Path, stage: str, shares: list[int]) -> Timed:
    """Its autograde, on what `labkit release --nbgrader` makes, with the solution's tasks in it."""
    subprocess.run(
        [sys.executable, "-m", "labkit.cli", "release", "fall", "--nbgrader"], cwd=root, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    course = root / "fall-nbgrader"
    run = runner(command, course, kernel(root / "jupyter", sys.executable))
    name = next((course / "source").glob(f"{stage}_*")).name
    run("generate_assignment", name)
    handed_in = with_tasks(nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4), name)
    for number, students in enumerate(shares):
        for student in range(students):
            folder = course / "submitted" / f"share{number}-student{student:04}" / name
            folder.mkdir(parents=True)
            nbformat.write(handed_in, folder / f"{name}.ipynb")

    def timed(number: int) -> float:
        begun = time.perf_counter()
        run("autograde", name, f"--student=share{number}-*")
        return (time.perf_counter() - begun) / shares[number]

    return timed


def otter(root: Path, command: Path, stage: str, shares: list[int]) -> Timed:
    """Its `otter run`, on the solution, whose checks are the tests."""
    course = root / "otter"
    (course / "tests").mkdir(parents=True)
    (course / "results").mkdir()
    name = next((ROOT / "notebooks").glob(f"{stage}_*.ipynb")).stem
    handed_in = nbformat.read(ROOT / "solutions" / f"{name}.ipynb", as_version=4)
    for cell in [cell for cell in handed_in.cells if cell.id.endswith("-check")]:
        (course / "tests" / f"{cell.id.replace('-', '_')}.py").write_text(
            "from otter.test_files import test_case\n\n"
            f"OK_FORMAT = False\nname = {cell.id!r}\npoints = 1\n\n\n"
            f"@test_case()\ndef test_check(env):\n    exec({cell.source!r}, env)\n"
        )
        handed_in.cells.remove(cell)
    nbformat.write(handed_in, course / f"{name}.ipynb")
    python = str(command.resolve().with_name("python"))
    run = runner(command, course, kernel(root / "jupyter-otter", python))
    run("generate", "-t", "tests", "-o", "autograder.zip", "--no-requirements", "--no-environment")

    def timed(number: int) -> float:
        begun = time.perf_counter()
        for _ in range(shares[number]):
            run("run", f"{name}.ipynb", "-a", "autograder.zip", "-o", "results", "--no-logo")
        results = json.loads((course / "results" / "results.json").read_text())
        if {test["score"] for test in results["tests"] if "Public" not in test["name"]} != {1.0}:
            sys.exit(f"expected full points from otter, got {results}")
        return (time.perf_counter() - begun) / shares[number]

    return timed


WAYS: dict[str, Callable[[Path, Path, str, list[int]], Timed]] = {"nbgrader": nbgrader, "otter": otter}


def runner(command: Path, place: Path, kernel: dict[str, str]) -> Callable[..., None]:
    """What gives somebody's command in a folder, with a kernel of one's choice and one thread."""
    environment = os.environ | kernel | {"OMP_NUM_THREADS": "1"}
    environment["PATH"] = f"{command.parent}{os.pathsep}{environment['PATH']}"

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [command, *arguments], cwd=place, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{command.name} {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")

    return run


def kernel(place: Path, python: str) -> dict[str, str]:
    """The environment in which the kernel "python3" is this Python, which has the lab."""
    folder = place / "kernels" / "python3"
    folder.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "language": "python", "display_name": "Python 3"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_PATH")
    return dict.fromkeys(names, str(place))


def with_tasks(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """A notebook with the solution's tasks in it."""
    solution = nbformat.read(ROOT / "solutions" / f"{name}.ipynb", as_version=4)
    tasks = {cell.id: cell.source for cell in solution.cells if cell.id.endswith("-task")}
    for cell in notebook.cells:
        cell.source = tasks.get(cell.id, cell.source)
    return notebook
