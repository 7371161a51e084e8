"""Putting a student's cells into the released notebook, which is the truth for everything else."""

from dataclasses import dataclass, field

from nbformat import NotebookNode

from labkit.grading.executing.cells import Piece, additions, checked, is_empty, without_markers
from labkit.grading.executing.matching import Matched, Released, match, released_cells

MOST_ADDED = 500


@dataclass
class Assembled:
    """What is to be run, and what was found out on the way.

    checks: exercise id -> text of its check cell;  code: exercise id -> the student's task cell
    """

    pieces: list[Piece] = field(default_factory=list)
    checks: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    @property
    def present(self) -> frozenset[str]:
        """The tasks that were found: "01-2-task"."""
        return frozenset(name for piece in self.pieces if piece.role == "task" for name in piece.names)


def assemble(released: NotebookNode, submitted: NotebookNode) -> Assembled:
    """The cells to run, in order.

    From the release come all cells but the tasks, whatever the student did to theirs, checks with the very text that
    they have there. From the student come the task cells, the cells added between, and what was put into released
    cells where that is an import or a definition. A task cell that the student deleted is left out; one that is
    found elsewhere is run, and checked, where the student has it. nbval's markers in student cells lose their power.
    """
    ours = released_cells(released)
    matched = match(ours, submitted)
    assembled = Assembled(flags=list(matched.flags))
    _Placing(ours, matched, assembled).place()
    for cell in ours:
        if cell.kind == "check":
            assembled.checks[cell.exercise] = cell.source
        if cell.kind == "task" and cell.name in matched.tasks:
            assembled.code[cell.exercise] = matched.sources[matched.tasks[cell.name]]
        elif cell.kind == "task":
            assembled.flags.append(f"{cell.exercise}: its cell was deleted")
    return assembled


class _Placing:
    def __init__(self, released: list[Released], matched: Matched, assembled: Assembled):
        self.released, self.matched, self.assembled = released, matched, assembled
        self.by_key = {cell.key: cell for cell in released}
        self.checks = {cell.exercise: cell for cell in released if cell.kind == "check"}
        self.tasks = {cell.name: cell for cell in released if cell.kind == "task"}
        self.done: set[str] = set()  # tasks and checks that have their place
        self.held: dict[int, list[Released]] = {}  # a student's cell -> the tasks that it holds
        for name, number in matched.tasks.items():
            self.held.setdefault(number, []).append(self.tasks[name])

    def place(self) -> None:
        after = self._students()
        pieces = self.assembled.pieces
        pieces += after.get("", [])
        for cell in self.released:
            number = next((n for n, key in self.matched.places.items() if key == cell.key), None)
            if cell.kind == "task":
                if number is not None and number in self.held:
                    pieces += self._task(number)
            elif cell.kind == "check":
                pieces += self._check(cell)
            else:
                pieces.append(Piece(cell.source, "released"))
                pieces += self._edits(cell, number)
            pieces += after.get(cell.key, [])

    def _students(self) -> dict[str, list[Piece]]:
        """Key of a released cell -> the student's own cells after it, tasks that are not in their cells included."""
        after: dict[str, list[Piece]] = {}
        last, count = "", 0
        for number, source in enumerate(self.matched.sources):
            place, tasks = self.matched.places.get(number, ""), self.held.get(number, [])
            if place:
                last = place
            if number in self.matched.ignored or (place and not tasks) or is_empty(source):
                continue
            if tasks and (not place or self.by_key[place].kind != "task"):
                told = ", ".join(task.exercise for task in tasks)
                self.assembled.flags.append(f"{told}: found in another cell than its own")
                pieces = self._task(number)
                for task in tasks:
                    pieces += self._check(self.checks[task.exercise]) if task.exercise in self.checks else []
                after.setdefault(last, []).extend(pieces)
            elif not tasks:
                count += 1
                if count <= MOST_ADDED:
                    after.setdefault(last, []).append(Piece(without_markers(source), "added"))
        if count > MOST_ADDED:
            self.assembled.flags.append(
                f"{count} cells were added; {count - MOST_ADDED} of them were not run"
            )
        return after

    def _task(self, number: int) -> list[Piece]:
        tasks, source = self.held[number], self.matched.sources[number]
        if {task.name for task in tasks} <= self.done:
            return []
        self.done |= {task.name for task in tasks}
        told = ", ".join(task.exercise for task in tasks)
        if len(tasks) > 1:
            self.assembled.flags.append(f"{told}: their cells were merged")
        if checked(source):
            self.assembled.flags.append(f"{told}: the cell was merged with a check")
        return [Piece(without_markers(source), "task", tuple(task.name for task in tasks))]

    def _check(self, cell: Released) -> list[Piece]:
        if cell.name in self.done:
            return []
        self.done.add(cell.name)
        return [Piece(cell.source, "check", (cell.name,))]

    def _edits(self, cell: Released, number: int | None) -> list[Piece]:
        """What the student has put into a released cell."""
        if number is None or number in self.held:
            return []
        kept, left_out = additions(cell.source, self.matched.sources[number])
        first = next((line for line in cell.source.splitlines() if line.strip()), "")[:60]
        for told, statements in (("run as well", kept), ("not run", left_out)):
            if statements:
                shown = "; ".join(statement.splitlines()[0][:60] for statement in statements[:3])
                self.assembled.notes.append(f"put into the released cell “{first}” and {told}: {shown}")
        return [Piece(without_markers("\n".join(kept)), "added")] if kept else []
