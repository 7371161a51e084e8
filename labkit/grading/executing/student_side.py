"""The student's side of the lab: a copy of the package that draws cases and writes answers, and can do no more.

In it there is no judge, no planted mistake, no lesson and no hint, nor anything that only those need; no grading, no
authoring, no commands. It takes the lab's place wherever a student's code runs.
"""

import ast
import compileall
import py_compile
import shutil
from pathlib import Path

import labkit
from labkit.errors import LabError
from labkit.grading.executing.pruning import Module, prune, text

PACKAGE = Path(labkit.__file__).resolve().parent
_SIDE = Path(__file__).parent / "side"
_LEFT_OUT = ("authoring", "grading", "commands", "cli.py", "__pycache__")
_PRUNED = ("checks", "exercises")
_WRITTEN_OVER = {
    "labkit.exercises": _SIDE / "exercises.py",
    "labkit.exercises.notebook": _SIDE / "notebook.py",
    "labkit.exercises.forks": _SIDE / "forks.py",
}
_JUDGING = {"hints", "judge", "mistakes"}  # fields of an Exercise


def student_side(folder: Path) -> Path:
    """Write the student's side of the lab into a folder: FOLDER/labkit. What is there already is kept.

    Returns: the folder
    Raises:  LabError where it cannot be written
    """
    place = folder / "labkit"
    try:
        if not place.exists():
            partial = folder / "labkit.partial"
            shutil.rmtree(partial, ignore_errors=True)
            _write(partial)
            partial.replace(place)
    except OSError as error:
        raise LabError(f"the student's side of the lab cannot be written to {folder}: {error}") from error
    return folder


def _write(place: Path) -> None:
    shutil.copytree(PACKAGE, place, ignore=lambda at, names: _ignored(Path(at), names))
    for name, source in _pruned().items():
        path = place.joinpath(*name.split(".")[1:])
        file = path / "__init__.py" if _is_package(name) else path.with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
    compileall.compile_dir(
        place, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )  # the sandbox cannot write them


def _ignored(at: Path, names: list[str]) -> set[str]:
    if at == PACKAGE:
        return {name for name in names if name in (*_LEFT_OUT, *_PRUNED)}
    return {name for name in names if name == "__pycache__"}


def _pruned() -> dict[str, str]:
    """Module -> text, of those that are not copied as they are."""
    modules = {name: _read(name, path) for name, path in _paths().items()}
    roots = [(name, "") for name in _WRITTEN_OVER]
    roots += [(name, "EXERCISE") for name, module in modules.items() if "EXERCISE" in module.places]
    prune(modules, roots)
    return {name: text(module) for name, module in modules.items() if module.asked}


def _paths() -> dict[str, Path]:
    found = {}
    for top in _PRUNED:
        for path in sorted((PACKAGE / top).rglob("*.py")):
            parts = path.relative_to(PACKAGE).with_suffix("").parts
            found[".".join(("labkit", *(part for part in parts if part != "__init__")))] = path
    return found | _WRITTEN_OVER


def _is_package(name: str) -> bool:
    return (PACKAGE.joinpath(*name.split(".")[1:]) / "__init__.py").exists()


def _read(name: str, path: Path) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return Module(name, _WithoutJudging().visit(tree), _is_package(name))


class _WithoutJudging(ast.NodeTransformer):
    """An exercise loses the fields that judge it, and the class of exercises too."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "Exercise":
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in _JUDGING]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        if node.name == "Exercise":
            node.body = [part for part in node.body if not _is_judging(part)]
        return node


def _is_judging(part: ast.stmt) -> bool:
    return (
        isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and part.target.id in _JUDGING
    )
