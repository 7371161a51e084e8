"""Putting the student's cells into the released notebook, which is the truth for everything else."""

import re

import nbformat
from nbformat import NotebookNode

from labkit.grading.collect import grade_id

_MARKERS = re.compile(r"#\s*(NBVAL_|PYTEST_VALIDATE_)\w+")
_ANSWER = "from labkit.grading.child import answer_in_child as check\n"


def assemble(released: NotebookNode, submitted: NotebookNode) -> NotebookNode:
    """The notebook that is executed.

    From the release come all cells but the tasks, whatever the student did to theirs; checks only write
    answers down. From the student come the task cells and the cells added between. A task cell that
    the student deleted is left out. nbval's markers in student cells lose their power.

    Cells are recognised by id or, where an editor has dropped the ids, by nbgrader's grade_id.
    """
    keys = {cell.id: cell.id for cell in released.cells}
    keys |= {found: cell.id for cell in released.cells if (found := grade_id(cell))}
    tasks: dict[str, NotebookNode] = {}
    added: dict[str | None, list[NotebookNode]] = {}  # id of the released cell before -> cells added after it
    last = None
    for cell in submitted.cells:
        place = keys.get(cell.get("id")) or keys.get(grade_id(cell) or "")
        if place is not None and place not in tasks:
            tasks[place], last = cell, place
        elif cell.cell_type == "code":
            added.setdefault(last, []).append(cell)
    cells = [_students(cell) for cell in added.get(None, [])]
    for cell in released.cells:
        if cell.cell_type == "code":
            cells += _released(cell, tasks)
        cells += [_students(extra) for extra in added.get(cell.id, [])]
    return nbformat.v4.new_notebook(cells=cells, metadata=released.metadata)


def _released(cell: NotebookNode, tasks: dict[str, NotebookNode]) -> list[NotebookNode]:
    marks = cell.metadata.get("nbgrader", {})
    if marks.get("solution"):
        return [_students(tasks[cell.id], grade_id(cell))] if cell.id in tasks else []
    if marks.get("grade"):
        return [_code(_ANSWER + cell.source, grade_id(cell))]
    return [_code(cell.source)]


def _students(cell: NotebookNode, name: str | None = None) -> NotebookNode:
    return _code(_MARKERS.sub("#", cell.source), name)


def _code(source: str, name: str | None = None) -> NotebookNode:
    """A clean code cell: none of the outputs, tags and metadata that it came with."""
    return nbformat.v4.new_code_cell(source, metadata={"labkit": name} if name else {})
