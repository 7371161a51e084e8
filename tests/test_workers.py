"""Who does the work: side by side on this machine or on Dask, ended when nobody waits, started again after a kill."""

import csv
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import psutil
import pytest
from lab import released, slim, solved, with_cell

from labkit.checks.answer import State
from labkit.errors import LabError
from labkit.exercises import exercises
from labkit.grading import unit as units_of_work
from labkit.grading import workers
from labkit.grading.executing import isolation
from labkit.grading.records import HandedIn
from labkit.grading.unit import Graded, Unit, grade_unit, same_for_all

NAME = "01_first_layer_filters.ipynb"
IDS = tuple(exercise.id for exercise in exercises("01"))


def unit(student, notebook=None, trouble="broken"):
    handed_in = HandedIn(
        student, "01", f"{student}.ipynb", "0", notebook, trouble if notebook is None else ""
    )
    return Unit(handed_in, slim(released()), IDS, seed=1)


def states(graded):
    return [str(outcome.state) for outcome in graded.result.outcomes]


def test_an_unreadable_and_an_untouched_submission_are_rows_without_running_anything():
    assert states(grade_unit(unit("ada"))) == ["unreadable"] * 6
    assert grade_unit(unit("ada")).result.outcomes[0].message == "broken"
    assert states(grade_unit(unit("ben", slim(released())))) == ["not attempted"] * 6


def test_a_stub_that_a_cell_below_replaces_is_not_untouched():
    notebook = slim(released())
    place = next(number for number, cell in enumerate(notebook.cells) if cell.id == "01-1-task")
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell("def first_layer_filters(net): ..."))
    from labkit.grading.unit import _untouched

    assert not _untouched(slim(released()), notebook)


@pytest.mark.slow
def test_a_solved_submission_is_graded_with_its_code_and_what_it_cost():
    copied = "from labkit.methods.filters import first_convolution as first_layer_filters"
    graded = grade_unit(unit("ada", with_cell(slim(solved()), "01-1-task", copied)))
    assert states(graded) == ["passed"] * 6
    assert set(graded.answers) == {f"01-{number}.safetensors" for number in range(1, 7)}
    result = graded.result
    assert result.outcomes[0].code == copied
    assert "first_convolution" in result.outcomes[0].own_code
    assert not any(outcome.own_code for outcome in result.outcomes[1:])
    assert result.isolation == isolation()
    assert result.seconds > 0
    assert result.memory_mb > 0


def test_jobs_that_begin_at_once_share_one_students_side(monkeypatch):
    monkeypatch.setattr(units_of_work, "_kept", [])
    with ThreadPoolExecutor(4) as jobs:
        views = set(jobs.map(lambda _: units_of_work._view(), range(4)))
    (view,) = views
    assert (view / "labkit" / "__init__.py").is_file()


def test_what_one_unit_fails_in_is_told_and_the_others_are_done(monkeypatch):
    def grade(one):
        if one.handed_in.student == "ben":
            raise ValueError("our own fault")
        return Graded(same_for_all(one, State.PASSED))

    monkeypatch.setattr(workers, "grade_unit", grade)
    done = {
        one.handed_in.student: told
        for one, told in workers.on_this_machine([unit(s) for s in ("ada", "ben", "eve")])
    }
    assert isinstance(done["ben"], ValueError)
    assert states(done["ada"]) == states(done["eve"]) == ["passed"] * 6


def test_whoever_stops_waiting_ends_what_runs(monkeypatch):
    def grade(one):
        if one.handed_in.student == "ada":
            return Graded(same_for_all(one, State.PASSED))
        subprocess.run([sys.executable, "-c", "import time; time.sleep(600)  # of a unit"], check=False)
        return Graded(same_for_all(one, State.PASSED))

    monkeypatch.setattr(workers, "grade_unit", grade)
    units = workers.on_this_machine([unit(student) for student in ("ada", "ben", "eve", "dan")], jobs=3)
    begun = time.monotonic()
    assert next(units)[0].handed_in.student == "ada"
    units.close()
    assert time.monotonic() - begun < 60
    running = psutil.process_iter(["cmdline"])  # of one that has ended and is not yet buried it is empty
    assert not any("# of a unit" in " ".join(process.info["cmdline"] or ()) for process in running)


def test_a_cluster_that_does_not_answer_is_a_sentence():
    with pytest.raises(LabError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        list(workers.on_cluster([unit("ada")], "tcp://127.0.0.1:9", patience_s=1))


@pytest.mark.slow
def test_a_worker_of_the_cluster_that_dies_gives_its_units_to_another():
    distributed = pytest.importorskip("distributed")
    right = slim(solved())
    wrong = with_cell(right, "01-2-task", "def scale_filters(filters):\n    return filters")
    units = [unit("ada", right), unit("ben", wrong), unit("eve"), unit("dan", slim(released()))]
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        (doomed, *_) = client.run(os.getpid).values()
        done = {}
        for one, graded in workers.on_cluster(units, cluster.scheduler_address):
            if not done:
                os.kill(doomed, signal.SIGKILL)
            done[one.handed_in.student] = states(graded)
    assert done["ada"] == ["passed"] * 6
    assert [state == "passed" for state in done["ben"]] == [True, False, True, True, True, True]
    assert (done["eve"], done["dan"]) == (["unreadable"] * 6, ["not attempted"] * 6)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_and_started_again_nothing_is_lost_and_nothing_done_twice(tmp_path):
    right = slim(solved())
    hand_ins = {
        "ada": right, "ben": slim(released()), "cem": None, "dan": with_cell(right, "01-1-task", "1 / 0"), "eve": right,
    }  # fmt: skip
    (tmp_path / "handout").mkdir()
    nbformat.write(slim(released()), tmp_path / "handout" / NAME)
    for student, notebook in hand_ins.items():
        (tmp_path / "class" / student).mkdir(parents=True)
        place = tmp_path / "class" / student / NAME
        place.write_text('{"cells": [') if notebook is None else nbformat.write(notebook, place)
    command = [
        sys.executable,
        "-m",
        "labkit.cli",
        "grade",
        "class",
        "--released",
        "handout",
        "--jobs",
        "1",
        "--unsafe",
    ]
    written = {}
    for kept in (2, 3, 4):  # killed as soon as so many results are there
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        while process.poll() is None and len(results(tmp_path)) < kept:
            time.sleep(0.05)
        process.kill()
        process.wait()
        now = results(tmp_path)
        assert written.items() <= now.items()  # what was done was not done again
        written = now
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = (tmp_path / "scores").iterdir()
    rows = {row["key"]: row for row in csv.DictReader((run / "scores.csv").open(encoding="utf-8-sig"))}
    assert list(rows) == sorted(hand_ins)
    assert [float(rows[student]["points"]) for student in rows] == [10, 0, 0, 9, 10]
    assert not list(run.rglob("*.partial"))


def results(folder):
    """Result file -> when it was written."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("scores/*/results/*/*.json")}
