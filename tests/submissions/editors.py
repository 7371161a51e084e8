"""What editors, converters and people do to a notebook's cells, and files that are no notebooks."""

import json

import nbformat

from submissions.base import Submission, all_are, handout, right, task_of, with_added, with_task

_cell = nbformat.v4.new_code_cell


def _without(*ids):
    notebook = right()
    notebook.cells = [cell for cell in notebook.cells if cell.id not in ids]
    return notebook


def _stripped(notebook=None):
    """Neither ids nor marks, as a converter leaves it."""
    notebook = notebook or right()
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"other-{number}", {}
    return notebook


def _merged(*ids, keep=0):
    """Cells joined into the first of them, as an editor's merge does it."""
    notebook = right()
    parts = [cell for cell in notebook.cells if cell.id in ids]
    parts[0].source = "\n\n".join(cell.source for cell in parts)
    parts[0].id, parts[0].metadata = parts[keep].id, parts[keep].metadata
    notebook.cells = [cell for cell in notebook.cells if cell is parts[0] or cell not in parts]
    return notebook


def _split():
    """A helper above the function, cut off: the upper cell keeps the id."""
    notebook = right()
    task = task_of(notebook, "01.2")
    place = notebook.cells.index(task)
    notebook.cells.insert(place + 1, _cell(task.source.replace("torch.where(", "where(")))
    task.source = "where = torch.where"
    return notebook


def _elsewhere():
    """The TODO as it was, the solution in a cell below the check."""
    notebook = right()
    task = task_of(notebook, "01.2")
    solution, task.source = task.source, task_of(handout(), "01.2").source
    place = next(n for n, cell in enumerate(notebook.cells) if cell.id == "01-2-check")
    notebook.cells[place + 1 : place + 1] = [_cell("half = 0.5"), _cell(solution.replace("0.5)", "half)"))]
    return notebook


def _second_try_below():
    """The task done, and another, wrong, try below: the task counts."""
    notebook = right()
    place = next(n for n, cell in enumerate(notebook.cells) if cell.id == "01-2-check")
    tried = "def scale_filters(filters): return filters\n\ncheck('01.2', scale_filters)"
    notebook.cells.insert(place + 1, _cell(tried))
    return notebook


def _checked_with_anothers():
    """The task left undone, and a right function handed to the check in an added cell."""
    notebook = right()
    solution = task_of(notebook, "01.2").source.replace("def scale_filters", "def other")
    task_of(notebook, "01.2").source = task_of(handout(), "01.2").source
    place = next(n for n, cell in enumerate(notebook.cells) if cell.id == "01-2-check")
    notebook.cells.insert(place + 1, _cell(solution + "\n\ncheck('01.2', other)"))
    return notebook


def _in_released_cell(code):
    notebook = right()
    notebook.cells[0].source += f"\n{code}"
    return notebook


def _with_math():
    notebook = _in_released_cell("import math\n\ndef half():\n    return math.sqrt(0.25)")
    task = task_of(notebook, "01.2")
    task.source = task.source.replace("0.5)", "half())")
    return notebook


def _reordered():
    """All tasks first, all checks last."""
    notebook = right()
    notebook.cells.sort(key=lambda cell: ("-check" in cell.id) - ("-task" not in cell.id))
    return notebook


def _as_kind(kind):
    notebook = right()
    cell = task_of(notebook, "01.2")
    cell.cell_type = kind
    return notebook


def _old_format():
    """Version 3 of the format, from before there were ids."""
    cells = [
        {"cell_type": "code", "input": cell.source, "language": "python", "outputs": [], "metadata": {}}
        for cell in right().cells
    ]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    return json.dumps(old).encode()


def _as_bytes(change=lambda content: None):
    content = json.loads(nbformat.writes(right()))
    change(content)
    return json.dumps(content).encode()


def _surrogate(content):
    content["cells"][0]["source"] += "\n# \ud800"


def _invalid(content):
    content["metadata"] = {"kernelspec": {}}
    for cell in content["cells"]:
        del cell["id"], cell["outputs"]
        cell["metadata"]["collapsed"] = "perhaps"


def _many(count, code):
    notebook = right()
    notebook.cells += [_cell(code) for _ in range(count)]
    return notebook


_EMPTY_TASKS = {"01.3": "not attempted", "01.4": "not attempted"}

SINGLE = {
    "right": Submission(right),
    "untouched": Submission(handout, all_are("not attempted")),
    "checks deleted": Submission(lambda: _without(*(f"01-{k}-check" for k in range(1, 7)))),
    "set-up deleted": Submission(lambda: _without(right().cells[0].id)),
    "tasks deleted": Submission(lambda: _without("01-3-task", "01-4-task"), _EMPTY_TASKS),
    "all deleted": Submission(lambda: _without(*(c.id for c in right().cells)), all_are("unreadable")),
    "ids and marks stripped": Submission(_stripped),
    "stripped and merged": Submission(lambda: _stripped(_merged("01-2-task", "01-2-check"))),
    "a task merged with its check": Submission(lambda: _merged("01-2-task", "01-2-check")),
    "a task merged into its check": Submission(lambda: _merged("01-2-task", "01-2-check", keep=1)),
    "two tasks merged": Submission(lambda: _merged("01-2-task", "01-2-check", "01-3-task")),
    "all merged": Submission(lambda: _merged(*(c.id for c in right().cells))),
    "a cell split": Submission(_split),
    "the solution elsewhere": Submission(_elsewhere),
    "a second try below": Submission(_second_try_below),
    "a check of another function": Submission(_checked_with_anothers, {"01.2": "not attempted"}),
    "an import in a released cell": Submission(_with_math),
    "a statement in a released cell": Submission(lambda: _in_released_cell("raise SystemExit")),
    "in another order": Submission(_reordered),
    "a task as text": Submission(lambda: _as_kind("markdown")),
    "a task as raw": Submission(lambda: _as_kind("raw")),
    "a syntax error": Submission(
        lambda: with_task("01.3", "def tile_filters(filters, columns, gap:\n    pass"), {"01.3": "crashed"}
    ),
    "a null in the text": Submission(
        lambda: with_task("01.3", "def tile_filters(a, b, c):\n    return '\0'"), {"01.3": "crashed"}
    ),
    "an empty task": Submission(lambda: with_task("01.3", ""), {"01.3": "not attempted"}),
    "a timed cell": Submission(
        lambda: with_task("01.2", "%%time\n" + task_of(right(), "01.2").source.replace("0.5)", "0.5) + 0"))
    ),
    "a cell with Windows' lines": Submission(
        lambda: with_task("01.2", task_of(right(), "01.2").source.replace("\n", "\r\n"))
    ),
    "many added cells": Submission(lambda: _many(2_000, "x = 1")),
    "30,000 empty cells": Submission(lambda: _many(30_000, "# nothing")),
    "helpers in a cell of their own": Submission(
        lambda: with_added("def helper():\n    return globals()['torch']", before="01-2-task")
    ),
    "a half surrogate": Submission(lambda: _as_bytes(_surrogate)),
    "slightly invalid": Submission(lambda: _as_bytes(_invalid)),
    "the format of 2013": Submission(_old_format),
    "a byte-order mark": Submission(lambda: b"\xef\xbb\xbf" + _as_bytes()),
    "an empty file": Submission(lambda: b"", all_are("unreadable")),
    "a file cut short": Submission(lambda: _as_bytes()[:500], all_are("unreadable")),
    "a list": Submission(lambda: b"[1, 2]", all_are("unreadable")),
    "brackets": Submission(lambda: b"[" * 10**6, all_are("unreadable")),
    "a pickle": Submission(lambda: b"\x80\x04\x95pickle", all_are("unreadable")),
}
