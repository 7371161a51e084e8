"""The reference answers: the code between the solution markers, exercise by exercise, ready to be run."""

import ast
import linecache
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labkit.authoring import source
from labkit.authoring.build import is_task
from labkit.errors import LabError


@dataclass(frozen=True)
class Reference:
    """How the source of a stage solves one exercise.

    imports: every import of the notebook, one a line
    code:    the task cell without its markers
    name:    the function that the check is given
    """

    exercise_id: str
    imports: str
    code: str
    name: str

    @property
    def file(self) -> str:
        """What its function's code is filed under."""
        return f"<answer {self.exercise_id}>"

    def function(self, code: str | None = None) -> Callable[..., Any]:
        """The answer itself, or other code in its place, in a namespace that holds the imports and no other cell."""
        namespace: dict[str, Any] = {}
        exec(compile(self.imports, f"<imports of {self.exercise_id}>", "exec"), namespace)
        return defined(self.name, self.code if code is None else code, self.file, namespace)


def defined(name: str, code: str, file: str, namespace: dict[str, Any]) -> Callable[..., Any]:
    """What a cell's code defines by a name; its text is where tracebacks and inspect.getsource look for it."""
    linecache.cache[file] = len(code), None, code.splitlines(keepends=True), file
    exec(compile(code, file, "exec"), namespace)
    function: Callable[..., Any] = namespace[name]
    return function


def references(path: Path) -> dict[str, Reference]:
    """The reference answers of one source, by exercise id, in the notebook's order.

    path:   such as solutions/05_guided_backprop.py
    Raises: LabError if the file is no source, or if a check is given no function by its name
    """
    cells = [cell for cell in source.read(path).cells if cell.cell_type == "code"]
    imports = "\n".join(statement for cell in cells for statement in _imports(cell))
    by_id = {cell.id: cell for cell in cells}
    found = {}
    for task in filter(is_task, cells):
        name = _function_checked(by_id[task.id.removesuffix("task") + "check"])
        exercise_id = task.id.removesuffix("-task").replace("-", ".")
        found[exercise_id] = Reference(exercise_id, imports, source.without_markers(task.source), name)
    return found


def all_references(folder: Path) -> dict[str, Reference]:
    """The reference answers of every source in a folder, such as solutions/, by exercise id."""
    return {key: found for path in sorted(folder.glob("*.py")) for key, found in references(path).items()}


def _imports(cell: NotebookNode) -> list[str]:
    """The cell's import statements, each as one line."""
    statements = ast.parse(cell.source).body
    return [ast.unparse(s) for s in statements if isinstance(s, ast.Import | ast.ImportFrom)]


def _function_checked(check: NotebookNode) -> str:
    """The name of the function in check("05.2", guided_backprop)."""
    call = ast.parse(check.source).body[0]
    if isinstance(call, ast.Expr) and isinstance(call.value, ast.Call):
        match call.value.args:
            case [_, ast.Name(id=name)]:
                return name
    raise LabError(f'expected check("NN.N", a_function), got {check.source!r}')
