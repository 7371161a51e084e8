"""Writing both kinds of notebook from a source, so that unchanged sources give unchanged files."""

import hashlib
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from labkit.authoring import source
from labkit.authoring.hosting import with_installing
from labkit.errors import LabError
from labkit.files import write_whole


@dataclass(frozen=True)
class Built:
    """One file, written or already as it should be; `kept` is where somebody's answers were moved to."""

    path: Path
    changed: bool
    kept: Path | None = None


def student_notebook(path: Path) -> NotebookNode:
    """What students open: stubs in place of solutions, no outputs."""
    notebook = source.read(path)
    for cell in notebook.cells:
        if is_task(cell):
            exercise_id = cell.id.removesuffix("-task").replace("-", ".")
            cell.source = source.without_solution(cell.source, exercise_id, path)
    return with_installing(notebook)


def solution_notebook(path: Path) -> NotebookNode:
    """What self-learners read: solutions in place, not yet executed."""
    notebook = source.read(path)
    for cell in notebook.cells:
        cell.source = source.without_markers(cell.source)
    notebook.metadata["labkit"] = origin(path)
    return notebook


def origin(path: Path) -> dict[str, str]:
    """Of which text a solved notebook is made, as its metadata says under "labkit"."""
    return {"source_sha256": hashlib.sha256(source.text_of(path).encode()).hexdigest()}


def is_task(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def execute(notebook: NotebookNode, folder: Path, *, timeout_s: int = 600) -> NotebookNode:
    """Run every cell and keep the outputs, without times or anything else that differs from run to run.

    Raises: LabError that shows the cell that failed
    """
    executed = deepcopy(notebook)
    client = NotebookClient(
        executed, timeout=timeout_s, record_timing=False, resources={"metadata": {"path": str(folder)}}
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise LabError(f"a cell of the solution failed, nothing was written:\n{error}") from error
    executed.metadata["language_info"] = {"name": "python"}
    executed.metadata.pop("widgets", None)
    for cell in executed.cells:
        for output in cell.get("outputs", []):  # a widget lives in its kernel; its picture stays
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    return executed


def build(
    sources: Iterable[Path],
    notebooks: Path,
    *,
    again: bool = False,
    say: Callable[[str], None] = lambda _line: None,
) -> list[Built]:
    """Write NOTEBOOKS/NAME.ipynb and, beside each source, its executed solution.

    A solution is executed only where the code of its source has changed since, or `again` asks for it; with other
    text around the same code it keeps its outputs.
    Raises: LabError if a source is wrong or a cell of it fails
    """
    built = []
    for path in sources:
        name = f"{path.stem}.ipynb"
        built.append(_write(student_notebook(path), notebooks / name, protect=True))
        solution, place = solution_notebook(path), path.with_name(name)
        if not again and _is_current(solution, place):
            built.append(Built(place, changed=False))
            continue
        executed = None if again else _with_outputs(solution, place)
        if executed is None:
            say(f"executing {place.name}")
            executed = execute(solution, path.parent)
        built.append(_write(executed, place, protect=False))
    return built


def stale(sources: Iterable[Path], notebooks: Path) -> list[Path]:
    """The notebooks that `build` would write."""
    found = []
    for path in sources:
        name = f"{path.stem}.ipynb"
        place = notebooks / name
        if not place.exists() or place.read_text(encoding="utf-8") != source.as_file(student_notebook(path)):
            found.append(place)
        if not _is_current(solution_notebook(path), path.with_name(name)):
            found.append(path.with_name(name))
    return found


def _is_current(solution: NotebookNode, place: Path) -> bool:
    """Whether the executed notebook there has the very cells of this one."""
    if (there := _read(place)) is None:
        return False
    same_source = there.metadata.get("labkit") == solution.metadata["labkit"]
    return same_source and [*map(_bare, there.cells)] == [*map(_bare, solution.cells)]


def _with_outputs(solution: NotebookNode, place: Path) -> NotebookNode | None:
    """The solution as it was executed there; None where that has other code."""
    if (there := _read(place)) is None:
        return None
    if [*map(_bare, _code(there))] != [*map(_bare, _code(solution))]:
        return None
    executed = iter(_code(there))
    there.cells = [next(executed) if cell.cell_type == "code" else cell for cell in solution.cells]
    there.metadata["labkit"] = solution.metadata["labkit"]
    return there


def _read(place: Path) -> NotebookNode | None:
    """The notebook there; None where there is none, or it is cut short, or no notebook."""
    try:
        there: NotebookNode = nbformat.read(place, as_version=4)
    except Exception:
        return None
    return there


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _bare(cell: NotebookNode) -> tuple[str, str, str, NotebookNode]:
    return cell.id, cell.cell_type, cell.source, cell.metadata


def _write(notebook: NotebookNode, place: Path, *, protect: bool) -> Built:
    """Write where it differs; a notebook with somebody's answers in it is first moved aside."""
    text = source.as_file(notebook)
    if place.exists() and place.read_text(encoding="utf-8") == text:
        return Built(place, changed=False)
    kept = _move_aside(place) if protect and place.exists() and _has_answers(place) else None
    write_whole(place, text)
    return Built(place, changed=True, kept=kept)


def _has_answers(place: Path) -> bool:
    """Whether somebody has worked in it: a task without its stub, an output, or a file past reading."""
    try:
        cells = nbformat.read(place, as_version=4).cells
    except Exception:
        return True
    return any(is_task(cell) and "raise NotImplementedError" not in cell.source for cell in cells) or any(
        cell.get("outputs") for cell in cells
    )


def _move_aside(place: Path) -> Path:
    number = 1
    while (kept := place.with_name(f"{place.stem}.yours-{number}.ipynb")).exists():
        number += 1
    place.rename(kept)
    return kept
