"""Which of a student's cells is which of the released ones, whatever an editor did to ids, marks and order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from nbformat import NotebookNode

from labkit.grading.collecting import grade_id
from labkit.grading.executing.cells import checked, defined, is_empty, is_only_checks, is_stub, text

_ALIKE = 0.75  # of a released cell that an editor has given another id, and a student has edited
_MOST_COMPARED = 100


@dataclass(frozen=True)
class Released:
    """A released code cell.

    kind:     "task", "check" or "released"
    function: what the student is to write in a task;  exercise: "01.2", of a task and a check
    """

    key: str
    source: str
    kind: str
    name: str = ""
    exercise: str = ""
    function: str = ""


@dataclass
class Matched:
    """A student's cells beside the released ones.

    sources: the student's code cells, in their order
    places:  number of a student's cell -> key of the released one that it is
    tasks:   name of a task ("01-2-task") -> number of the student's cell that holds it
    ignored: numbers of cells that are left out: copies of checks, stubs that are done elsewhere
    """

    sources: list[str]
    places: dict[int, str] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    ignored: set[int] = field(default_factory=set)
    flags: list[str] = field(default_factory=list)


def released_cells(notebook: NotebookNode) -> list[Released]:
    """The code cells of a released notebook."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    functions = {found: name for cell in code for found, name in checked(cell.source).items()}
    return [_released(cell, functions) for cell in code]


def _released(cell: NotebookNode, functions: dict[str, str]) -> Released:
    marks, name = cell.metadata.get("nbgrader", {}), grade_id(cell) or ""
    kind = "task" if marks.get("solution") else "check" if marks.get("grade") else "released"
    if kind == "released":
        return Released(cell.id, cell.source, kind)
    exercise = name.rpartition("-")[0].replace("-", ".")
    return Released(cell.id, cell.source, kind, name, exercise, functions.get(exercise, ""))


def match(released: list[Released], submitted: NotebookNode) -> Matched:
    """Find each released cell among the student's."""
    keys = {cell.key: cell for cell in released} | {cell.name: cell for cell in released if cell.name}
    cells = [c for c in submitted.cells if c.get("cell_type") == "code" or _key(c, keys)]
    matched = Matched([text(cell) for cell in cells])
    ways: list[Callable[[int, Released], bool]] = [
        lambda number, cell: keys.get(_key(cells[number], keys)) is cell,
        lambda number, cell: matched.sources[number].strip() == cell.source.strip(),
        lambda number, cell: _is_check_of(matched.sources[number], cell),
        lambda number, cell: cell.kind == "released" and _alike(matched.sources[number], cell.source),
    ]
    for way in ways:
        _assign(way, matched, released)
    for cell in released:
        if cell.kind == "task":
            _find_task(cell, matched, released)
    matched.tasks = {name: n for name, n in matched.tasks.items() if not is_empty(matched.sources[n])}
    for number, source in enumerate(matched.sources):
        if number not in matched.places and number not in matched.tasks.values() and is_only_checks(source):
            matched.ignored.add(number)
    return matched


def _key(cell: NotebookNode, keys: Iterable[str]) -> str:
    found = (cell.get("id"), grade_id(cell))
    return next((key for key in found if isinstance(key, str) and key in keys), "")


def _assign(way: Callable[[int, Released], bool], matched: Matched, released: list[Released]) -> None:
    taken = set(matched.places.values())
    free = [number for number in range(len(matched.sources)) if number not in matched.places]
    for cell in released:
        if cell.key in taken:
            continue
        for number in free:
            if number not in matched.places and way(number, cell):
                matched.places[number] = cell.key
                break


def _is_check_of(source: str, cell: Released) -> bool:
    return cell.kind == "check" and is_only_checks(source) and [*checked(source)] == [cell.exercise]


def _alike(source: str, released: str) -> bool:
    short, long = sorted((len(source), len(released)))
    if not short or long > 20_000 or 2 * short / (short + long) < _ALIKE:
        return False
    compared = SequenceMatcher(None, source, released, autojunk=False)
    return compared.quick_ratio() >= _ALIKE and compared.ratio() >= _ALIKE


def _find_task(cell: Released, matched: Matched, released: list[Released]) -> None:
    """The student's cell that holds a task: its own where it does what is asked, else the last that does."""
    own = next((number for number, key in matched.places.items() if key == cell.key), None)
    checks = {other.key for other in released if other.kind == "check"}
    holders = [
        number
        for number, source in enumerate(matched.sources)
        if cell.function in defined(source) and (number == own or not _is_released(number, matched, released))
    ]
    done = [number for number in holders if not _stub_of(cell, matched.sources[number])]
    if own in done or (own is not None and not done):
        matched.tasks[cell.name] = own
        return
    if not holders:
        return
    chosen = (done or holders)[-1]
    matched.tasks[cell.name] = chosen
    if matched.places.get(chosen) in checks:
        del matched.places[chosen]
    if own is None and chosen not in matched.places and _is_in_place(chosen, cell, matched, released):
        matched.places[chosen] = cell.key
    if own is not None:
        del matched.places[own]
        if is_stub(matched.sources[own]) or own in matched.tasks.values():
            matched.ignored |= {own} - {*matched.tasks.values()}
        else:
            matched.flags.append(f"{cell.exercise}: its cell was split")


def _is_in_place(number: int, cell: Released, matched: Matched, released: list[Released]) -> bool:
    """Whether a cell that has lost its id stands where that task does in the release."""
    order = {other.key: index for index, other in enumerate(released)}
    here = order[cell.key]
    above = [order[key] for other, key in matched.places.items() if other < number]
    below = [order[key] for other, key in matched.places.items() if other > number]
    return all(index < here for index in above) and all(index > here for index in below)


def _is_released(number: int, matched: Matched, released: list[Released]) -> bool:
    """Whether a student's cell is a released one as it was handed out, a task excepted."""
    key = matched.places.get(number)
    return any(
        cell.key == key and cell.kind != "task" and cell.source.strip() == matched.sources[number].strip()
        for cell in released
    )


def _stub_of(cell: Released, source: str) -> bool:
    return f"TODO {cell.exercise}" in source and f'NotImplementedError("TODO {cell.exercise}")' in source
