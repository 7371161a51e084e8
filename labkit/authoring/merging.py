"""A student's notebook brought to a newer release: the release's cells in their order, the student's work in them.

What a student wrote is kept: the code of tasks, added cells where they were, edited text. Of the lab's own code the
student's version is kept as long as the release has not changed the cell; checks are always those of the release.
"""

import hashlib
import uuid
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode

from labkit.authoring.cell_ids import exercise_of, fingerprint, is_ours, is_task_id, names_of, role_of

_TABLE = "| exercise | what you write |"  # of the exercises; it is the release's
_CHANGED = """\
**The task of exercise {exercise} has changed in a newer release of the lab.** Your code below is as you left it. The \
task now begins with:

~~~python
{stub}
~~~
"""


@dataclass
class Merged:
    """A notebook of the new release with a student's work in it, and what of that work has another place now.

    changed:   exercises whose task has changed, while the student's code is kept
    withdrawn: exercises that are asked no longer; the student's code stays as a cell of its own
    replaced:  how many of the lab's code cells the student had changed that the release has too, now the release's
    """

    notebook: NotebookNode
    changed: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    replaced: int = 0


def merge(mine: NotebookNode, new: NotebookNode, base: Mapping[str, str] | None) -> Merged:
    """Bring a student's notebook to a release. Neither notebook is changed.

    mine: the student's, in nbformat 4;  new: the release's, without outputs
    base: id -> fingerprint of each cell as the student once got it; None if nobody knows
    """
    return _Merging(deepcopy(mine), deepcopy(new), dict(base or {})).merged()


class _Merging:
    def __init__(self, mine: NotebookNode, new: NotebookNode, base: dict[str, str]):
        self.mine, self.new, self.base = mine, new, base
        self.released = {cell.id: cell for cell in new.cells}
        self.names = names_of(mine.cells, [*self.released, *base], self._texts())
        self.result, self.taken = Merged(deepcopy(new)), set(self.released)

    def _texts(self) -> dict[str, str]:
        """Fingerprint -> id: how cells are known whose ids an editor has taken away."""
        ours = {fingerprint(cell): cell.id for cell in self.new.cells}
        return ours | {text: name for name, text in self.base.items()}

    def merged(self) -> Merged:
        owned = {name: cell for cell, name in zip(self.mine.cells, self.names, strict=True) if name}
        after = self._own_cells(owned)
        cells = after.get("", [])
        for cell in self.new.cells:
            cells += [*self._settled(cell, owned.get(cell.id)), *after.get(cell.id, [])]
        self.result.notebook.cells = cells
        self.result.notebook.metadata = self.new.metadata | self.mine.metadata
        return self.result

    def _settled(self, new: NotebookNode, own: NotebookNode | None) -> list[NotebookNode]:
        """What stands in the place of a released cell."""
        if own is None:
            return [new]
        if fingerprint(own) == fingerprint(new):
            return [_marked(own, new)]
        if role_of(new) == "check" or _TABLE in new.source or not self._is_touched(own, new.id):
            return [_marked(new, new, own)]
        if role_of(new) == "task" and self.base.get(new.id, fingerprint(new)) != fingerprint(new):
            self.result.changed.append(exercise_of(new.id))
            return [_note(new), _marked(own, new)]
        return [_marked(own, new)]

    def _is_touched(self, cell: NotebookNode, name: str) -> bool:
        """Whether the student has changed a released cell; in doubt, yes."""
        if name in self.base:
            return self.base[name] != fingerprint(cell)
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode(errors="replace")).hexdigest()
        return not digest.startswith(name.partition("-")[0]) or exercise_of(name) != ""

    def _own_cells(self, owned: dict[str, NotebookNode]) -> dict[str, list[NotebookNode]]:
        """Id of a released cell -> the student's own cells after it; "" -> those at the top.

        Where the student deleted a task, it comes back before what they put in its place, which then counts.
        """
        after: dict[str, list[NotebookNode]] = {}
        follows = dict(zip(self.released, [*self.released][1:], strict=False))
        last = ""
        for cell, name in zip(self.mine.cells, self.names, strict=True):
            if name in self.released:
                last = name
            elif not name or self._stays(cell, name):
                place = last
                while (
                    (following := follows.get(place, "")) and following not in owned and is_task_id(following)
                ):
                    place = following
                after.setdefault(place, []).append(self._renamed(cell))
        return after

    def _renamed(self, cell: NotebookNode) -> NotebookNode:
        """A cell of the student's own, with no id or mark that is the lab's."""
        if "id" not in cell or cell.id in self.taken or is_ours(cell.id):
            cell.id = uuid.uuid4().hex[:8]
        self.taken.add(cell.id)
        if cell.metadata.pop("nbgrader", None):
            for name in ("editable", "deletable"):
                cell.metadata.pop(name, None)
        return cell

    def _stays(self, cell: NotebookNode, name: str) -> bool:
        """Whether a cell that the release has no more is kept as one of the student's own."""
        if name.endswith(("-changed", "-check")) or _TABLE in cell.source:
            return False
        if not self._is_touched(cell, name):
            return False
        if is_task_id(name):
            if name not in self.base and "raise NotImplementedError(" in cell.source:
                return False
            self.result.withdrawn.append(exercise_of(name))
        elif cell.cell_type == "code":
            self.result.replaced += 1
            return False
        return True


def _marked(cell: NotebookNode, new: NotebookNode, own: NotebookNode | None = None) -> NotebookNode:
    """A cell with the id and the marks of the released one, and the points that a course has given it."""
    had = (own or cell).metadata.get("nbgrader", {})
    cell.id = new.id
    for name in ("nbgrader", "tags", "editable", "deletable"):
        if name in new.metadata:
            cell.metadata[name] = deepcopy(new.metadata[name])
    if "points" in had and role_of(cell) == "check":
        cell.metadata.nbgrader["points"] = had["points"]
    return cell


def _note(new: NotebookNode) -> NotebookNode:
    """The task as it is now, above the student's code."""
    exercise = exercise_of(new.id)
    note: NotebookNode = nbformat.v4.new_markdown_cell(_CHANGED.format(exercise=exercise, stub=new.source))
    note.id = new.id.removesuffix("task") + "changed"
    return note
