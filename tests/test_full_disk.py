"""`labkit grade` into a disk that really fills up: a sentence, nothing lost, and the same command goes on with it."""

import csv
import json
import shutil
import subprocess
import sys

import nbformat
import pytest
from lab import released

STUDENTS = 30
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
SCRIPT = """
mount -t tmpfs -o size=$1 tmpfs scores || exit 70
"$2" -m labkit.cli grade class --released released --out scores --unsafe --jobs 1 > first.txt 2>&1
echo $? > first.rc
cp -a scores before
mount -o remount,size=64m scores || exit 70
"$2" -m labkit.cli grade class --released released --out scores --unsafe --jobs 1 > second.txt 2>&1
echo $? > second.rc
cp -a scores after
"""


def why_not(folder):
    """Why no disk of a few pages can be made here; "" where one can."""
    if not shutil.which("unshare"):
        return "no unshare here"
    place = folder / "tried"
    place.mkdir()
    made = subprocess.run(
        [*NAMESPACE, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)],
        capture_output=True,
        text=True,
    )
    return made.stderr.strip()


@pytest.fixture
def graded(tmp_path):
    """Grade a class into a disk of so many bytes, then again with room."""
    if reason := why_not(tmp_path):
        pytest.skip(f"no small disk can be mounted: {reason}")
    for folder in ("scores", "released", *(f"class/s{n:02d}" for n in range(STUDENTS))):
        (tmp_path / folder).mkdir(parents=True)
        if folder != "scores":  # handed in as it was handed out: a result for each, and no notebook is run
            nbformat.write(released(), tmp_path / folder / "01_first_layer_filters.ipynb")

    def graded(size):
        command = [*NAMESPACE, "sh", "-c", SCRIPT, "sh", size, sys.executable]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return tmp_path

    return graded


@pytest.mark.parametrize(
    ("size", "full"), [("80k", "while grading"), ("600k", "while reporting"), ("4k", "at once")]
)
def test_a_full_disk_is_a_sentence_and_with_room_the_same_run_goes_on(graded, size, full):
    place = graded(size)
    said = (place / "first.txt").read_text()
    assert (place / "first.rc").read_text().strip() == "2"
    assert "the disk is full; make room" in said or (full == "at once" and "No space left on device" in said)
    assert "Traceback" not in said
    assert (place / "second.rc").read_text().strip() == "0", (place / "second.txt").read_text()

    kept = {
        path.relative_to(place / "before"): path.stat()
        for path in (place / "before").rglob("results/*/*.json")
    }
    assert {
        "while grading": 0 < len(kept) < STUDENTS,
        "while reporting": len(kept) == STUDENTS,
        "at once": not kept,
    }[full]
    for path, stat in kept.items():
        assert (place / "after" / path).stat().st_mtime_ns == stat.st_mtime_ns  # not done again
        assert json.loads((place / "before" / path).read_text())["stage"] == "01"
    runs = [folder for folder in (place / "after").iterdir() if (folder / "run.json").is_file()]
    (run,) = runs
    assert json.loads((run / "run.json").read_text())["finished"]
    with (run / "scores.csv").open(encoding="utf-8-sig") as file:
        assert len(list(csv.DictReader(file))) == STUDENTS
    assert len(list((run / "feedback").iterdir())) == STUDENTS
    assert not list((place / "after").rglob("*.partial"))
    assert not (run / "running").exists()
