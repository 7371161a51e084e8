"""The project as a whole: layers, dependencies, notebooks that are what their sources say."""

import ast
import re
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import nbformat
import pytest
import yaml  # jupytext depends on it

from labkit.authoring.build import stale

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "solutions").glob("*.py"))

# module -> modules that it may import; a module is a file or a folder of labkit, and may import itself
LOWEST = {"errors", "packages", "files", "arguments", "running", "kernel", "units"}
LOW = LOWEST | {
    "backward",
    "checkpoints",
    "images",
    "modes",
    "models",
    "hooks",
    "receptive",
    "relus",
    "downloads",
    "batches",
    "objectives",
}
MAY_IMPORT = {
    "errors": set(),
    "packages": set(),
    "files": set(),
    "kernel": set(),
    "units": {"errors"},
    "arguments": {"errors", "units"},
    "running": {"errors", "arguments"},
    "threads": set(),
    "whose": set(),
    "downloads": LOWEST,
    "modes": LOWEST,
    "backward": LOWEST,
    "checkpoints": LOWEST,
    "hooks": LOWEST | {"checkpoints"},
    "images": LOWEST | {"downloads"},
    "batches": LOWEST | {"images"},
    "models": LOWEST | {"downloads", "modes"},
    "receptive": LOWEST | {"hooks"},
    "relus": LOWEST | {"checkpoints"},
    "objectives": LOWEST | {"hooks", "models"},
    "methods": LOW,
    "show": LOW | {"methods", "whose"},
    "checks": LOW | {"methods"},
    "exercises": LOW | {"methods", "checks", "whose"},
    "authoring": LOW | {"methods", "show", "checks", "exercises"},
    "grading": LOW | {"methods", "show", "checks", "exercises"},
    "commands": LOW | {"methods", "show", "checks", "exercises", "authoring", "grading"},
    "cli": LOWEST | {"threads", "commands"},
}


def imported(path, package="labkit"):
    """The modules of a package that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            inside = (name.removeprefix(f"{package}.") for name in names if name.startswith(f"{package}."))
            yield from (name.split(".")[0] for name in inside)


def module_of(path, package="labkit"):
    return path.relative_to(ROOT.joinpath(*package.split("."))).parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "labkit").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT / "labkit"))
)
def test_no_module_imports_one_of_a_higher_layer(path):
    module = module_of(path)
    if module == "__init__":
        return
    assert set(imported(path)) <= MAY_IMPORT[module] | {module}


def circle(imports):
    """A circle of imports, such as ["a", "b", "a"], or nothing. imports: module -> those it imports"""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_methods_import_each_other_in_no_circle():
    imports = {}
    for path in (ROOT / "labkit" / "methods").rglob("*.py"):
        method = module_of(path, "labkit.methods")
        imports.setdefault(method, set()).update(set(imported(path, "labkit.methods")) - {method})
    assert circle(imports) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) in (["b", "c", "b"], ["c", "b", "c"])


def ranges(requirements):
    """name -> range, by lower-case name without extras."""
    return dict(
        re.match(r"([\w.-]+?)(?=[<>=]|$)(.*)", r.split("#")[0].strip()).groups() for r in requirements
    )


def test_environment_yml_names_the_same_packages_and_ranges_as_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = ranges(project["dependencies"])
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    assert "-e ." in pip
    conda = ranges(entry for entry in listed if isinstance(entry, str))
    assert conda.pop("python") == project["requires-python"]
    conda.pop("pip")
    renamed = {"pytorch": "torch", "matplotlib-base": "matplotlib"}
    found = {renamed.get(name, name): span for name, span in conda.items()}
    assert found | ranges(entry for entry in pip if not entry.startswith("-")) == wanted


def test_notebooks_are_what_their_sources_say():
    """In a clone in which you solved notebooks, this fails: git stash your notebooks, or copy them elsewhere."""
    assert stale(SOURCES, ROOT / "notebooks") == []


def test_the_readme_shows_what_the_notebooks_show():
    command = [sys.executable, ROOT / "docs" / "pictures.py", "--check"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, f"{run.stdout}{run.stderr}; run python docs/pictures.py"
    shown = set(re.findall(r"docs/pictures/(\w+\.\w+)", (ROOT / "README.md").read_text()))
    assert {path.name for path in (ROOT / "docs" / "pictures").iterdir()} == shown


def test_every_notebook_has_a_source():
    names = {path.stem for path in SOURCES}
    for folder in ("notebooks", "solutions"):
        assert {path.stem for path in (ROOT / folder).glob("[0-9][0-9]_*.ipynb")} == names


SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_an_executed_solution_is_small_enough_to_read_on_the_web(path):
    assert path.stat().st_size <= 3e6


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_every_picture_of_a_solution_is_a_figure_with_alt_text_and_caption(path):
    cells = nbformat.read(path, as_version=4).cells
    shown = [output.data for cell in cells for output in cell.get("outputs", []) if "data" in output]
    assert not any(kind.startswith("image/") for data in shown for kind in data)
    shown = [data["text/html"] for data in shown if "<img" in data.get("text/html", "")]
    figures = [figure for html in shown for figure in re.findall(r"<figure.*?</figure>", html, re.S)]
    assert len(figures) >= 5
    assert sum(html.count("<img") for html in shown) == len(figures)
    for figure in figures:
        assert figure.startswith("<figure class='labkit-figure'")
        (alt,) = re.findall(r"<img alt='([^']+)'", figure)
        assert len(alt) > 20
        assert re.search(r"<figcaption[^>]*>[^<]{20,}</figcaption></figure>$", figure), alt


def test_importing_labkit_brings_no_heavy_library():
    code = (
        "import sys, labkit; print(sorted({'torch', 'matplotlib', 'timm', 'torchvision'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_check_in_a_notebook_imports_neither_torchvision_nor_timm():
    code = (
        "import sys; from labkit import check, images, models, show; from labkit.exercises import find;"
        "find('01.1'); print(sorted({'timm', 'torchvision', 'IPython.core'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_the_map_names_every_stage_and_every_module_of_methods_and_figures():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = {
        path for path in re.findall(r"`((?:solutions|labkit|benchmarks)/[\w/.]+)`", text) if "NN" not in path
    }
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    rows = re.findall(
        r"^\| (\d\d) \| `solutions/(\w+)\.py` \| `labkit/exercises/stage_(\d\d)/` \|", text, re.M
    )
    assert [(stage, source, stage) for stage, source, _ in rows] == rows
    assert [source for _, source, _ in rows] == [path.stem for path in SOURCES]
    for folder in ("methods", "show"):
        inside = {path.name + "/" * path.is_dir() for path in (ROOT / "labkit" / folder).iterdir()}
        modules = {f"labkit/{folder}/{name}" for name in inside if not name.startswith("__")}
        assert modules <= named
