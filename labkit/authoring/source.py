"""Reading a stage's source: percent-format Python with nbgrader's solution markers."""

import hashlib
import re
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from labkit.checks.exercise import Exercise
from labkit.errors import LabError
from labkit.exercises import find

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_TODO = re.compile(r"TODO (\d\d\.\d+)")
_CHECK = re.compile(r"""^check\(\s*["'](\d\d\.\d+)["']""", re.MULTILINE)
_HEADING = re.compile(r"^### Exercise (\d\d\.\d+)[ \t]*$", re.MULTILINE)
_OVERVIEW = "<!-- exercises -->"


def read(path: Path) -> NotebookNode:
    """The notebook that a source describes: solutions in place, ids and nbgrader's metadata set, no outputs.

    Raises: LabError that names the file and what is wrong in it
    """
    try:
        raw = jupytext.reads(text_of(path), fmt="py:percent")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise LabError(f"cannot read {path} as a percent-format source: {error}") from error
    cells: list[NotebookNode] = []
    checked: list[Exercise] = []
    for cell in raw.cells:
        exercise, role = _role(cell, path)
        cells.append(_cell(cell, exercise, role, taken={cell.id for cell in cells}))
        checked += [exercise] if exercise and role == "check" else []
    for cell in cells:
        cell.source = cell.source.replace(_OVERVIEW, _overview(checked))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    return notebook


def text_of(path: Path) -> str:
    """A source's text, whatever an editor or git made of its line ends, and without a byte-order mark."""
    return path.read_text(encoding="utf-8-sig")


def as_file(notebook: NotebookNode) -> str:
    """A notebook as its file has it."""
    text: str = nbformat.writes(notebook, version=4)
    return text + "\n"


def _cell(raw: NotebookNode, exercise: Exercise | None, role: str, *, taken: set[str]) -> NotebookNode:
    """A cell with its id and its metadata; a heading of an exercise in full."""
    if raw.cell_type == "code":
        cell: NotebookNode = nbformat.v4.new_code_cell(raw.source)
    else:
        cell = nbformat.v4.new_markdown_cell(_HEADING.sub(_heading, raw.source))
    cell.id = _unused(f"{exercise.slug}-{role}" if exercise else _digest(cell), taken)
    cell.metadata = _nbgrader(exercise, role, cell.id) if exercise else nbformat.from_dict({"editable": True})
    return cell


def without_solution(code: str, exercise_id: str, path: Path) -> str:
    """The student's version of a task cell: each solution block becomes one NotImplementedError."""
    lines, inside = [], False
    for line in code.split("\n"):
        mark = line.strip()
        if mark == BEGIN and not inside:
            inside = True
            lines.append(
                f'{line[: len(line) - len(line.lstrip())]}raise NotImplementedError("TODO {exercise_id}")'
            )
        elif mark == END and inside:
            inside = False
        elif mark in (BEGIN, END):
            raise LabError(f"{path}, exercise {exercise_id}: {mark!r} stands where it cannot; expected pairs")
        elif not inside:
            lines.append(line)
    if inside:
        raise LabError(f"{path}, exercise {exercise_id}: {BEGIN!r} without {END!r}")
    return "\n".join(lines)


def without_markers(code: str) -> str:
    """The solution as a reader wants it: the code without the two marker lines."""
    return "\n".join(line for line in code.split("\n") if line.strip() not in (BEGIN, END))


def _role(cell: NotebookNode, path: Path) -> tuple[Exercise | None, str]:
    """Which exercise a cell belongs to, and whether it is its task or its check."""
    if cell.cell_type != "code":
        return None, ""
    if BEGIN in cell.source:
        found, role = _TODO.search(cell.source), "task"
        if not found:
            raise LabError(
                f"{path}: a cell with {BEGIN!r} names no exercise; add a comment such as '# TODO 01.2: …'"
            )
    else:
        found, role = _CHECK.search(cell.source), "check"
        if "check" in cell.metadata.get("tags", []) and not found:
            raise LabError(
                f'{path}: a cell tagged check does not begin with check("NN.N", …): {cell.source[:60]!r}'
            )
    return (find(found[1]), role) if found else (None, "")


def _nbgrader(exercise: Exercise, role: str, grade_id: str) -> NotebookNode:
    """nbgrader's cell metadata, schema version 3, so that an nbgrader course can take the notebook."""
    check = role == "check"
    marks = {
        "cell_type": "code",
        "grade": check,
        "grade_id": grade_id,
        "locked": check,
        "schema_version": 3,
        "solution": not check,
        "task": False,
    }
    metadata: NotebookNode = nbformat.from_dict(
        {
            "nbgrader": marks | ({"points": exercise.points} if check else {}),
            "tags": [role],
            "editable": not check,
            "deletable": False,
        }
    )
    return metadata


def _digest(cell: NotebookNode) -> str:
    """An id from the cell's own text, so that a change elsewhere leaves it as it is."""
    return hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]


def _unused(name: str, taken: set[str]) -> str:
    number = 2
    candidate = name
    while candidate in taken:
        candidate, number = f"{name}-{number}", number + 1
    return candidate


def _heading(match: re.Match[str]) -> str:
    """The heading in full, and in it a place to link to: of its words each front end makes another anchor."""
    exercise = find(match[1])
    title = f'### Exercise {exercise.id} · {exercise.title} <a id="{_anchor(exercise)}"></a>'
    path = ", core path" if exercise.core else ", beyond the core path"
    return f"{title}\n\n*{exercise.worth}, about {exercise.minutes} minutes{path}*"


def _anchor(exercise: Exercise) -> str:
    return f"exercise-{exercise.slug}"


def _overview(checked: list[Exercise]) -> str:
    """A table of the notebook's exercises, and what they take: all of them, and those of the core path."""
    on_path = {e.id: f" {'●' if e.core else ''} |" for e in checked} if any(e.core for e in checked) else {}
    rows = [
        f"| [{e.id}](#{_anchor(e)}) | {e.title} |{on_path.get(e.id, '')} {e.points} | {e.minutes} |"
        for e in checked
    ]
    path, line = (" core path |", ":-:|") if on_path else ("", "")
    head = [f"| exercise | what you write |{path} points | minutes |", f"|---|---|{line}--:|--:|"]
    minutes, core = (sum(e.minutes for e in some) for some in (checked, [e for e in checked if e.core]))
    short = (
        f"; the core path (●) takes about {core}"
        if core
        else "; none is on the core path, so it can be skipped"
    )
    points = sum(exercise.points for exercise in checked)
    table = "\n".join([*head, *rows])
    return f"{table}\n\nTogether {points} points and about {minutes} minutes{short}."
