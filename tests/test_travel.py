"""From the wheel alone: built from what an sdist holds, installed where no clone is, and used in an empty folder."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from browser import TOKEN, page, run_all, started, wait_ready
from lab import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("setuptools") is None, reason="no setuptools here to build a wheel with"),
    pytest.mark.skipif(sys.platform == "win32", reason="an environment has other folders there"),
]
STAGES = sorted(path.stem for path in (ROOT / "solutions").glob("*.py"))
COURSE = "labkit/authoring/course"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A clone with what lies about in one: solved notebooks, a student's copy, an earlier build's leftovers."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, folder / name)
    shutil.copytree(ROOT / "labkit", folder / "labkit", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "solutions").glob("*.py")):
        (folder / path.parent.name).mkdir(exist_ok=True)
        shutil.copyfile(path, folder / path.parent.name / path.name)
    for name in ("solutions/01_first_layer_filters.ipynb", "notebooks/01_first_layer_filters.yours-1.ipynb"):
        (folder / name).write_text("{}")
    old = folder / "build" / "lib" / COURSE / "notebooks" / "99_old.ipynb"
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    return folder


def built(kind, folder, out):
    """The file that setuptools builds of a folder, without a network."""
    code = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, out], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.iterdir()
    return found


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory):
    """The wheel that pip makes of the sdist."""
    folder = tmp_path_factory.mktemp("built")
    with tarfile.open(built("sdist", tree, folder / "sdist")) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.glob("cnn_labkit-*/")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    command += ["--no-cache-dir", "--wheel-dir", folder / "wheel", unpacked]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = (folder / "wheel").iterdir()
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of a fresh environment: the wheel is installed in it, what the lab needs is that of this one."""
    folder = tmp_path_factory.mktemp("fresh") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    library = Path(sysconfig.get_path("purelib", "venv", {"base": folder, "platbase": folder}))
    (library / "needed.pth").write_text(
        sysconfig.get_path("purelib") + "\n"
    )  # without its own .pth files: no clone
    for name in ("share", "etc"):  # JupyterLab's pages and settings
        if (theirs := Path(sys.prefix, name, "jupyter")).is_dir():
            (folder / name).mkdir(exist_ok=True)
            (folder / name / "jupyter").symlink_to(theirs)
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        folder / "bin" / "python",
        "install",
        "--quiet",
        "--no-deps",
    ]
    subprocess.run([*command, "--no-index", "--ignore-installed", wheel], check=True)
    return folder


def hidden():
    """What a command is begun with so that it sees no clone; nothing where bubblewrap is missing."""
    if shutil.which("bwrap") is None:
        return []
    shown = [sys.prefix] if Path(sys.prefix).is_relative_to(ROOT) else []
    command = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", str(ROOT), "--die-with-parent"]
    command += [part for place in shown for part in ("--ro-bind", place, place)]
    works = subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return command if works else []


@pytest.fixture(scope="module")
def environment(installed):
    """Variables as a student's shell has them; nothing of this process's own environment."""
    mine = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL", "JUPYTER"))
    }
    return mine | {"PATH": f"{installed / 'bin'}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def labkit(installed, environment, tmp_path):
    """Run the installed command in a folder, an empty one to begin with: exit status, and all that it said."""
    home = tmp_path / "my folder, ünï"
    home.mkdir()

    def run(*arguments, cwd=home):
        command = [*hidden(), str(installed / "bin" / "labkit"), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr

    run.home = home
    return run


def test_the_wheel_carries_the_notebooks_and_the_sources_and_nothing_that_is_somebodys(wheel, tree):
    with zipfile.ZipFile(wheel) as archive:
        course = {name.removeprefix(f"{COURSE}/") for name in archive.namelist() if name.startswith(COURSE)}
        for name in course:
            assert archive.read(f"{COURSE}/{name}") == (tree / name).read_bytes()
    assert course == {f"notebooks/{s}.ipynb" for s in STAGES} | {f"solutions/{s}.py" for s in STAGES}
    assert wheel.stat().st_size < 2e6


def test_the_wheel_of_a_clone_is_that_of_its_sdist(wheel, tree, tmp_path):
    names = [zipfile.ZipFile(path).namelist() for path in (wheel, built("wheel", tree, tmp_path / "wheel"))]
    assert sorted(names[0]) == sorted(names[1])


def test_no_wheel_is_built_without_a_notebook(tree, tmp_path):
    copy = shutil.copytree(tree, tmp_path / "clone")
    (copy / "notebooks" / f"{STAGES[0]}.ipynb").unlink()
    with pytest.raises(AssertionError, match="a notebook of each; missing"):
        built("wheel", copy, tmp_path / "wheel")


def test_doctor_agrees_that_all_is_there_and_says_where_the_notebooks_will_be(labkit):
    status, said = labkit("doctor")
    assert status == 0, said
    assert f"no notebooks here yet; labkit lab puts them into {labkit.home / 'cnn-lab'}" in said
    assert "JupyterLab starts" in said
    assert "All well" in said
    assert list(labkit.home.iterdir()) == []


def test_every_other_command_works_or_says_what_it_needs(labkit, installed):
    code = "import labkit; print(labkit.__file__)"
    found = subprocess.run(
        [*hidden(), installed / "bin" / "python", "-c", code], capture_output=True, text=True
    )
    assert Path(found.stdout).is_relative_to(installed)
    for command, expected, says in (
        (["progress"], 2, "no notebook of this lab in"),
        (["build", "--check"], 2, "nothing is built here yet"),
        (["release", "handout", "--stage", "01"], 0, "for students"),
        (["lab", "--copy-only"], 0, f"{len(STAGES)} notebooks are now in"),
        (["update"], 0, "those of this lab already"),
        (["progress"], 0, "Your progress in"),
    ):
        status, said = labkit(*command)
        assert (status, says in said) == (expected, True), f"{command}: {said}"
    with zipfile.ZipFile(next((labkit.home / "handout").glob("*.whl"))) as archive:
        assert not any(name.startswith(COURSE) for name in archive.namelist())  # no solution is handed out
    (labkit.home / "class").mkdir()
    (labkit.home / "cnn-lab").rename(labkit.home / "class" / "ada")
    status, said = labkit("grade", "class", "--stage", "01", "--dry-run")  # against what came along
    assert (status, "1 student, ada" in said) == (0, True), said


@contextmanager
def serving(installed, environment, home):
    """The address of what `labkit lab` serves in a folder."""
    settings = home / ".settings"
    settings.mkdir()
    command = [*hidden(), str(installed / "bin" / "labkit"), "lab"]
    server = started(command, settings, environment, cwd=home)
    try:
        yield server.address
    finally:
        server.end()


@pytest.mark.browser
def test_lab_opens_with_a_start_page_and_stage_01_runs_in_the_copy(labkit, installed, environment):
    with page() as tab, serving(installed, environment, labkit.home) as address:
        assert {path.stem for path in (labkit.home / "cnn-lab").glob("*.ipynb")} == set(STAGES)
        tab.goto(f"{address}/?token={TOKEN}")
        tab.get_by_role("heading", name="Looking inside convolutional networks").wait_for()
        tab.get_by_role("link", name="01 · First-layer filters").click()
        wait_ready(tab)
        run_all(tab)
        assert tab.locator(".labkit-verdict").count() == 6
        assert all("not attempted" in text for text in tab.locator(".labkit-verdict").all_text_contents())
        prompts = tab.locator(".jp-CodeCell .jp-InputPrompt").all_text_contents()
        assert [text for text in prompts if not re.search("[0-9]", text)] == []  # every cell has run
        assert tab.locator(".jp-OutputArea-output img").count() >= 5
        assert tab.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
        ask_for_a_solution(tab, "01.2")


def ask_for_a_solution(tab, exercise_id):
    """Ask for all hints of an exercise, and follow the last one's link to the solved notebook."""
    tab.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    tab.keyboard.press("Control+a")
    tab.keyboard.type(f'hint("{exercise_id}")')
    tab.keyboard.press("Shift+Enter")
    card = tab.locator(".labkit-hint")
    card.wait_for()
    while card.locator("details:not([open]) > summary").count():
        card.locator("details:not([open]) > summary").first.click()
    card.get_by_role("link").click()
    tab.get_by_role("tab", name="01_first_layer_filters_solved.ipynb").wait_for()
    tab.locator(".jp-CodeCell", has_text="return torch.where").wait_for()
